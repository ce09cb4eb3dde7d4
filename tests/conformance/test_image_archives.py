"""Archives between Rung and docker, podman, buildah and skopeo, both ways: the same images come out.

What is compared is the image's ID where the format keeps the configuration, and always its layers
and what it runs.
"""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from imageparts import OCI_INDEX, Parts, archive, describe, directory, entry, layout_archive, sha256
from rung.image import Image, Store

from . import daemons

BASE = archive(directory("bin"), entry("bin/x", b"x" * 100_000))
ONE = Parts([BASE, archive(entry("etc/one", b"1"))], config={"Labels": {"which": "one"}})
TWO = Parts([BASE, archive(entry("etc/two", b"2")), BASE], config={"Cmd": ["two"]}, compress=False)


@pytest.fixture
def place() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="rung-archive-", dir="/dev/shm"))
    yield path
    shutil.rmtree(path)


@pytest.fixture
def store(place: Path) -> Iterator[Store]:
    made = Store(str(place / "store"))
    made.load(io.BytesIO(layout_archive((ONE, "one:1"), (TWO, "host.example:5000/team/two:2"))))
    yield made
    assert made.verify().problems == ()
    made.close()


@pytest.fixture(scope="module")
def docker_host() -> Iterator[str]:
    missing = daemons.needed("dockerd", "docker", "containerd")
    if missing:
        pytest.skip(missing)
    with daemons.dockerd({}) as folder:
        yield f"unix://{folder}/docker.sock"


def call(*words: object, env: dict[str, str] | None = None, **more: Any) -> bytes:
    done = subprocess.run(
        list(map(str, words)), capture_output=True, timeout=120, env={**os.environ, **(env or {})}, **more
    )
    assert done.returncode == 0, (words, done.stdout[-2000:], done.stderr[-2000:])
    return done.stdout


def shape(image: Image) -> tuple[Any, ...]:
    config = image.config
    return [str(one) for one in config.diff_ids], config.cmd, config.env, config.labels


def save(store: Store, path: Path, names: list[str], format: str = "docker-archive", platform: str | None = None) -> Path:
    with path.open("wb") as file:
        store.save(names, file, format, platform)
    return path


def loaded_by_us(place: Path, data: bytes) -> dict[str, Image]:
    with Store(str(place / f"other{len(os.listdir(place))}")) as other:
        images = other.load(io.BytesIO(data))
        for image in images:
            assert image.config
        assert other.verify().problems == ()
        return {image.name: image for image in images}


NAMES = ["one:1", "host.example:5000/team/two:2"]


def test_docker(store: Store, place: Path, docker_host: str) -> None:
    docker = ("docker", "--host", docker_host)
    said = call(*docker, "load", "-i", save(store, place / "ours", NAMES)).decode()
    assert sorted(said.split("\n")[:2]) == ["Loaded image: host.example:5000/team/two:2", "Loaded image: one:1"]
    for name in NAMES:
        found = json.loads(call(*docker, "image", "inspect", name))[0]
        ours = store.get(name)
        assert found["Id"] == str(ours.id) and found["RootFS"]["Layers"] == [str(one) for one in ours.config.diff_ids]
        assert found["Size"] == ours.size_bytes
    theirs = loaded_by_us(place, call(*docker, "save", *NAMES))
    assert {name: (str(image.id), shape(image)) for name, image in theirs.items()} == {
        name: (str(store.get(name).id), shape(store.get(name))) for name in NAMES
    }
    (by_id,) = loaded_by_us(place, call(*docker, "save", str(store.get("one:1").id))).values()
    assert by_id.dangling and by_id.id == store.get("one:1").id
    call(*docker, "rmi", "-f", *(str(store.get(name).id) for name in NAMES))


def test_ids_and_repositories_are_saved_as_docker_saves_them(store: Store, place: Path) -> None:
    store.tag("one:1", "one:other")
    store.tag("one:1", "else:1")
    assert sorted(loaded_by_us(place, save(store, place / "a", ["one"]).read_bytes())) == ["one:1", "one:other"]
    (image,) = loaded_by_us(place, save(store, place / "b", [store.get("one:1").id.short]).read_bytes()).values()
    assert image.dangling


@pytest.mark.skipif(daemons.needed("podman") is not None, reason=str(daemons.needed("podman")))
def test_podman(store: Store, place: Path) -> None:
    with daemons.folder_of_its_own() as home:
        (home / "storage.conf").write_text(
            f'[storage]\ndriver = "vfs"\ngraphroot = "{home}/root"\nrunroot = "{home}/run"\n'
        )
        (home / "policy.json").write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
        env = {"CONTAINERS_STORAGE_CONF": str(home / "storage.conf"), "TMPDIR": str(home), "PODMAN_IGNORE_CGROUPSV1_WARNING": "1"}
        policy = ("--signature-policy", home / "policy.json")
        for format in ("docker-archive", "oci-archive"):
            for name in NAMES:
                path = save(store, place / format, [name], format)
                call("podman", "load", "-q", *policy, "-i", path, env=env)
                ours = store.get(name)
                listed = json.loads(call("podman", "images", "--format", "json", env=env))
                known = listed[0]["Names"][0]  # a bare name's domain depends on the format
                assert known.endswith(name.rpartition("/")[2])
                found = json.loads(call("podman", "image", "inspect", known, env=env))[0]
                assert found["RootFS"]["Layers"] == [str(one) for one in ours.config.diff_ids], (format, name)
                assert found["Id"] == ours.id.hex, (format, name)
                for theirs in ("docker-archive", "oci-archive"):
                    saved = place / f"{format}-{theirs}"
                    call("podman", "save", "-q", "--format", theirs, "-o", saved, known, env=env)
                    (image,) = loaded_by_us(place, saved.read_bytes()).values()
                    assert shape(image) == shape(ours)
                    saved.unlink()
                call("podman", "rmi", "-af", env=env)


@pytest.mark.skipif(daemons.needed("skopeo") is not None, reason=str(daemons.needed("skopeo")))
def test_skopeo_copies_all_platforms(store: Store, place: Path) -> None:
    arm = Parts([BASE, archive(entry("etc/arm", b"a"))], architecture="arm64")
    amd = Parts([BASE, archive(entry("etc/amd", b"a"))])
    index = {
        "schemaVersion": 2,
        "mediaType": OCI_INDEX,
        "manifests": [
            describe(one.manifest, one.document["mediaType"], platform={"os": "linux", "architecture": architecture})
            for one, architecture in ((amd, "amd64"), (arm, "arm64"))
        ],
    }
    data = json.dumps(index).encode()
    top = {
        "schemaVersion": 2,
        "manifests": [describe(data, OCI_INDEX, annotations={"org.opencontainers.image.ref.name": "both:1"})],
    }
    whole = layout_archive((amd, ""), (arm, ""), index=top, more={sha256(data): data})
    (image,) = store.load(io.BytesIO(whole))
    assert str(image.digest) == sha256(data)
    store.collect()  # nothing of the other platform goes
    assert all(store.content.blobs.has(type(image.id).parse(digest)) for digest in arm.blobs)
    # All of it out again, by skopeo and back.
    ours = save(store, place / "ours", ["both:1"], "oci-archive")
    call("skopeo", "copy", "-q", "--all", f"oci-archive:{ours}", f"oci-archive:{place}/theirs:both:1")
    assert json.loads(call("skopeo", "inspect", "--raw", f"oci-archive:{place}/theirs")) == index
    (again,) = loaded_by_us(place, (place / "theirs").read_bytes()).values()
    assert (again.digest, again.manifest_digest) == (image.digest, image.manifest_digest)
    # One platform of it, for docker's format too.
    for format in ("docker-archive", "oci-archive"):
        one = save(store, place / f"arm-{format}", ["both:1"], format, "linux/arm64")
        found = json.loads(call("skopeo", "inspect", "--config", f"{format}:{one}"))
        assert found["architecture"] == "arm64" and found["rootfs"]["diff_ids"] == arm.diff_ids
        (loaded,) = loaded_by_us(place, one.read_bytes()).values()
        assert loaded.platform.architecture == "arm64"
    with pytest.raises(Exception, match=r"does not provide the specified platform \(linux/s390x\)"):
        save(store, place / "none", ["both:1"], platform="linux/s390x")


@pytest.mark.skipif(daemons.needed("skopeo", "umoci") is not None, reason=str(daemons.needed("skopeo", "umoci")))
def test_the_store_is_a_layout_for_skopeo_and_umoci(store: Store, place: Path) -> None:
    layout = store.content.directory
    assert call("umoci", "ls", "--layout", layout).decode().split() == sorted(image.row.name for image in store.images())
    raw = call("skopeo", "inspect", "--raw", f"oci:{layout}:docker.io/library/one:1")
    assert sha256(raw) == str(store.get("one:1").manifest_digest)
    call("skopeo", "copy", "-q", f"oci:{layout}:docker.io/library/one:1", f"dir:{place}/copy")


def test_docker_s_first_format(store: Store, place: Path) -> None:
    """A folder a layer, and ``repositories``, as docker 1.0 to 1.9 wrote it."""
    top = archive(entry("etc/top", b"t"))
    base_json = {"id": "aa", "created": "2014-01-01T00:00:00Z", "container_config": {"Cmd": ["/bin/sh", "-c", "#(nop) ADD x"]}}
    top_json = {
        "id": "bb", "parent": "aa", "created": "2014-01-02T00:00:00Z", "author": "somebody", "architecture": "amd64", "os": "linux",
        "config": {"Cmd": ["x"], "Env": ["A=1"], "Labels": {"a": "b"}}, "container_config": {"Cmd": ["touch", "/etc/top"]}, "Size": 1,
    }  # fmt: skip
    saved = archive(
        directory("aa"), entry("aa/VERSION", b"1.0"), entry("aa/json", json.dumps(base_json).encode()), entry("aa/layer.tar", BASE),
        directory("bb"), entry("bb/VERSION", b"1.0"), entry("bb/json", json.dumps(top_json).encode()), entry("bb/layer.tar", top),
        entry("repositories", json.dumps({"old/app": {"1": "bb", "latest": "bb"}}).encode()),
    )  # fmt: skip
    images = loaded_by_us(place, saved)
    assert sorted(images) == ["old/app:1", "old/app:latest"]
    config = images["old/app:1"].config
    assert [str(one) for one in config.diff_ids] == [sha256(BASE), sha256(top)]
    assert (config.cmd, config.env, config.author, config.created) == (("x",), ("A=1",), "somebody", "2014-01-02T00:00:00Z")
    assert [step.created_by for step in config.history] == ["/bin/sh -c #(nop) ADD x", "touch /etc/top"]
