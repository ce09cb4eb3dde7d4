"""Base images without a registry."""

from __future__ import annotations

import os
import shutil
import stat
from pathlib import Path

import pytest

from imageparts import archive, directory, entry
from rung.image import BootstrapError, Event, Store


def test_busybox_is_the_same_every_time(store: Store, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    image = store.bootstrap("busybox")
    other = Store(str(place / "other"))
    assert other.bootstrap("busybox").digest == image.digest
    monkeypatch.setenv("SOURCE_DATE_EPOCH", "1000000000")
    assert other.bootstrap("busybox:dated").created == "2001-09-09T01:46:40Z"
    other.close()
    assert image.run_config["Cmd"] == ["sh"]
    rootfs = store.prepare_rootfs(image, "c1")
    root = place / "root"
    rootfs.mount(str(root))
    assert (root / "bin/sh").resolve().name == "busybox" and os.access(root / "bin/busybox", os.X_OK)
    assert stat.S_IMODE((root / "tmp").stat().st_mode) == 0o1777
    assert (root / "etc/passwd").read_text().startswith("root:x:0:0:")
    rootfs.remove()


@pytest.fixture
def mmdebstrap(place: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A program in mmdebstrap's place that says and writes what a test puts beside it."""
    programs = place / "bin"
    programs.mkdir()
    program = programs / "mmdebstrap"
    program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" > {place}/words\ncat {place}/said >&2\ncat {place}/tar\nexit $(cat {place}/status)\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{programs}:{os.environ['PATH']}")
    (place / "tar").write_bytes(archive(directory("./"), directory("etc"), entry("etc/os-release", b"ID=debian\n")))
    (place / "said").write_text("I: running apt-get update...\nI: success in 1 seconds\n")
    (place / "status").write_text("0")
    return place


def needs_keyring() -> None:
    if not os.path.exists("/usr/share/keyrings/debian-archive-keyring.gpg"):
        pytest.skip("no Debian keyring: apt-get install debian-archive-keyring")


def test_what_mmdebstrap_writes_becomes_an_image(store: Store, mmdebstrap: Path) -> None:
    needs_keyring()
    events: list[Event] = []
    image = store.bootstrap("debian:trixie-slim", progress=events.append, mirror="http://mirror.example/debian", tag="mine:1")
    assert (image.name, image.run_config["Cmd"]) == ("mine:1", ["bash"])
    words = (mmdebstrap / "words").read_text().splitlines()
    assert "trixie" in words and "--variant=minbase" in words
    assert any(w.startswith("deb [signed-by=") and w.endswith("http://mirror.example/debian trixie main") for w in words)
    assert "--dpkgopt=path-exclude=/usr/share/man/*" in words
    texts = [event.text for event in events]
    assert "running apt-get update..." in texts and not any("success" in text for text in texts)


def test_a_failed_mmdebstrap_leaves_nothing_although_its_tar_looks_whole(store: Store, mmdebstrap: Path) -> None:
    needs_keyring()
    (mmdebstrap / "said").write_text("E: apt-get update failed: no route to host\nE: mmdebstrap failed to run\n")
    (mmdebstrap / "status").write_text("25")
    with pytest.raises(BootstrapError, match="no route to host .*--mirror"):
        store.bootstrap("debian:trixie")
    content = store.content
    assert store.images() == [] and list(content.blobs.all()) == []
    assert os.listdir(content.layers.new_directory) == os.listdir(content.blobs.ingest_directory) == []


def test_says_what_to_install(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(BootstrapError, match="apt-get install mmdebstrap"):
        store.bootstrap("debian:trixie")
    monkeypatch.setattr(shutil, "which", lambda *_, **__: None)
    with pytest.raises(BootstrapError, match="apt-get install busybox-static"):
        store.bootstrap("busybox")
