"""Views, bundles, comparisons and squashed images, the bundles compared with umoci's."""

from __future__ import annotations

import io
import json
import os
import shutil
import stat
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import pytest

from imageparts import Parts, archive, directory, entry, hardlink, layout_archive, symlink
from rung.cli.main import execute
from rung.errors import RungError
from rung.image import Image, Store

BASE = archive(
    directory("./", mode=0o755),
    directory("etc", uid=0, gid=7, mode=0o750, mtime=1_600_000_000),
    entry("etc/passwd", b"root:x:0:0::/root:/bin/sh\napp:x:1000:1001::/home/app:/bin/sh\n"),
    entry("etc/group", b"root:x:0:\napp:x:1001:\nextra:x:77:app,other\n"),
    entry("etc/kept", b"kept"),
    entry("etc/changed", b"before"),
    entry("etc/same-size", b"12345"),
    entry("etc/gone", b"g" * 1000),
    directory("old"),
    entry("old/a", b"a"),
    directory("bin"),
    entry("bin/first", b"linked", mode=0o4755, pax_headers={"SCHILY.xattr.user.note": "x\u00e9"}),
    hardlink("bin/second", "bin/first"),
    symlink("link", "/etc/passwd"),
    entry("fifo", type=tarfile.FIFOTYPE),
    entry("null", type=tarfile.CHRTYPE, devmajor=1, devminor=3, mode=0o666),
    entry("h\udcff\u00e9", b"odd", pax_headers={"mtime": "1500000000.123456789"}),
)
TOP = archive(
    entry("etc/.wh.gone"),
    entry("etc/changed", b"after!!"),
    entry("etc/same-size", b"54321"),
    entry("etc/kept", b"kept", mode=0o600),
    entry("old/.wh..wh..opq"),
    entry("old/b", b"b"),
    entry("new/file", b"n" * 10),
)
CONFIG = {
    "User": "app", "Env": ["A=1"], "Entrypoint": ["/bin/first"], "Cmd": ["x", "y"], "WorkingDir": "/work", "Volumes": {"/data": {}},
    "Labels": {"a": "b", "org.opencontainers.image.author": "the label"}, "StopSignal": "SIGINT", "ExposedPorts": {"80/tcp": {}, "53/udp": {}},
}  # fmt: skip


@pytest.fixture
def app(store: Store) -> Image:
    store.load(io.BytesIO(layout_archive((Parts([BASE]), "base:1"))))
    return store.load(io.BytesIO(layout_archive((Parts([BASE, TOP], config=CONFIG), "app:1"))))[0]


def tree(root: Path) -> dict[str, tuple[Any, ...]]:
    """Every file below a directory and all that it has."""
    found = {}
    for place, folders, files in os.walk(os.fsencode(root)):
        for name in [b"", *files] if place == os.fsencode(root) else files + [b""]:
            path = os.path.join(place, name).rstrip(b"/")
            at = os.lstat(path)
            kind = stat.S_IFMT(at.st_mode)
            data = Path(os.fsdecode(path)).read_bytes() if kind == stat.S_IFREG else os.readlink(path) if kind == stat.S_IFLNK else b""
            attributes = {key: os.getxattr(path, key, follow_symlinks=False) for key in os.listxattr(path, follow_symlinks=False)}
            shape = (oct(at.st_mode), at.st_uid, at.st_gid, data, at.st_rdev, at.st_mtime_ns, attributes)
            found[os.fsdecode(os.path.relpath(path, os.fsencode(root)))] = (*shape, at.st_nlink if kind == stat.S_IFREG else 0)
        folders.sort()
    return found


def test_a_view(store: Store, app: Image, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    root = ["--data-root", store.root, "image"]
    assert execute([*root, "mount", "app:1"]) == 0
    shown = Path(capsys.readouterr().out.strip())
    assert (shown / "old/b").read_bytes() == b"b" and not (shown / "old/a").exists() and not (shown / "etc/gone").exists()
    with pytest.raises(OSError, match="Read-only"):
        (shown / "x").write_text("x")
    assert execute([*root, "mount", "app:1"]) == 0 and capsys.readouterr().out.strip() == str(shown)
    assert execute([*root, "mount", "--format", "{{.Image}} {{.ID}}"]) == 0
    assert capsys.readouterr().out == f"app:1 {app.id.short}\n"
    assert execute([*root, "rm", "app:1"]) == 1 and "conflict" in capsys.readouterr().err
    assert execute([*root, "unmount", "app:1"]) == 0
    assert execute([*root, "unmount", "app:1"]) == 1 and "is not mounted" in capsys.readouterr().err
    assert execute([*root, "mount", "app:1", f"{place}/here"]) == 0 and (place / "here/link").is_symlink()
    assert execute([*root, "unmount", "-a"]) == 0 and os.listdir(place / "here") == []
    assert execute([*root, "rm", "app:1"]) == 0


@pytest.mark.skipif(shutil.which("umoci") is None, reason="needs umoci: apt-get install umoci")
def test_a_bundle_is_umoci_s(store: Store, app: Image, place: Path) -> None:
    assert execute(["--data-root", store.root, "image", "unpack", "app:1", f"{place}/ours"]) == 0
    layout = store.content.directory
    subprocess.run(["umoci", "unpack", "--image", f"{layout}:docker.io/library/app:1", f"{place}/theirs"], check=True, capture_output=True)
    ours, theirs = tree(place / "ours/rootfs"), tree(place / "theirs/rootfs")
    assert ours.keys() == theirs.keys()
    for name in ours:
        if name in (".", "new"):  # umoci gives the root, and what no archive has an entry for, the time of now
            assert ours[name][:5] == theirs[name][:5]
        else:
            assert ours[name] == theirs[name], name
    our, their = (json.loads((place / side / "config.json").read_text()) for side in ("ours", "theirs"))
    for field in ("args", "cwd", "user"):
        assert our["process"][field] == their["process"][field], field
    assert set(our["process"]["env"]) == set(their["process"]["env"])
    author = "org.opencontainers.image.author"  # conversion.md has a label win; umoci has the field, though empty
    assert our["annotations"].pop(author) == "the label" and their["annotations"].pop(author) == ""
    assert our["annotations"] == their["annotations"]
    volume = [mount for mount in our["mounts"] if mount["destination"] == "/data"]
    assert [(one["type"], one["options"]) for one in volume] == [
        (one["type"], one["options"]) for one in their["mounts"] if one["destination"] == "/data"
    ]
    assert our["root"]["path"] == "rootfs"


def test_a_bundle_is_not_put_upon_something(store: Store, app: Image, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (place / "full").mkdir()
    (place / "full/x").touch()
    assert execute(["--data-root", store.root, "image", "unpack", "app:1", f"{place}/full"]) == 1
    assert "is not empty" in capsys.readouterr().err and os.listdir(place / "full") == ["x"]


def test_a_bundle_of_an_unknown_user(store: Store, place: Path) -> None:
    store.load(io.BytesIO(layout_archive((Parts([BASE], config={"User": "nobody-here"}), "odd:1"))))
    with pytest.raises(RungError, match="unable to find user nobody-here"):
        from rung.image import unpack_bundle

        unpack_bundle(store, store.get("odd:1"), str(place / "bundle"))
    assert os.listdir(place / "bundle") == []


def test_a_difference(store: Store, app: Image, capsys: pytest.CaptureFixture[str]) -> None:
    root = ["--data-root", store.root, "image", "diff"]
    assert execute([*root, "base:1", "app:1"]) == 0
    assert capsys.readouterr().out.splitlines() == [
        "C /etc/changed (size)",
        "D /etc/gone",
        "C /etc/kept (mode)",
        "C /etc/same-size (content)",
        "A /new/file",
        "D /old/a",
        "A /old/b",
        "7 differences, -989B",
    ]
    assert execute([*root, "--json", "app:1", "base:1"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["bytes"] == 989 and {"kind": "A", "path": "/etc/gone", "what": [], "size_before": 0, "size_after": 1000} in found["differences"]
    assert execute([*root, "app:1", "app:1"]) == 0 and capsys.readouterr().out == "0 differences, +0B\n"


def test_squashed(store: Store, app: Image, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["--data-root", store.root, "image", "squash", "app:1", "app:small"]) == 0
    small = store.get("app:small")
    assert capsys.readouterr().out == f"{small.id}\n" and len(small.manifest.layers) == 1
    assert small.run_config == app.run_config and small.size_bytes < app.size_bytes
    trees = []
    for name in ("app:1", "app:small"):
        rootfs = store.prepare_rootfs(store.get(name), name.replace(":", "-"))
        rootfs.mount(str(place / name))
        trees.append(tree(place / name))
        rootfs.remove()
    assert trees[0] == trees[1]
    assert execute(["--data-root", store.root, "image", "diff", "app:1", "app:small"]) == 0
    out = capsys.readouterr().out
    assert out == "0 differences, +0B\n"
    # The same again gives the same layer.
    assert execute(["--data-root", store.root, "image", "squash", "app:1", "app:again"]) == 0
    assert store.get("app:again").config.diff_ids == small.config.diff_ids
    assert store.verify().problems == ()
