"""Unpacking: everything a layer can hold arrives as it was."""

from __future__ import annotations

import io
import os
import shutil
import stat
import subprocess
import tarfile
from pathlib import Path

import pytest

from imageparts import archive, directory, entry, hardlink, symlink
from rung.image.layer.extract import extract

CAPABILITY = b"\x01\x00\x00\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00"


def unpack(data: bytes, place: Path) -> Path:
    root = place / "layer"
    root.mkdir()
    extract(io.BytesIO(data).read, str(root))
    return root


def test_files_keep_everything(place: Path) -> None:
    xattrs = {
        "SCHILY.xattr.user.note": "text",
        "SCHILY.xattr.security.capability": CAPABILITY.decode("latin-1"),
        "mtime": "1600000000.123456789",
    }
    data = archive(entry("bin/ping", b"program", mode=0o4755, uid=5, gid=6, pax_headers=xattrs))
    root = unpack(data, place)
    found = (root / "bin/ping").stat()
    assert (stat.S_IMODE(found.st_mode), found.st_uid, found.st_gid) == (0o4755, 5, 6)
    assert found.st_mtime_ns == 1_600_000_000_123_456_789
    assert os.getxattr(root / "bin/ping", "user.note") == b"text"
    assert os.getxattr(root / "bin/ping", "security.capability") == CAPABILITY


def test_every_type(place: Path) -> None:
    root = unpack(
        archive(
            directory("d", mode=0o1750, uid=7),
            entry("d/f", b"x"),
            hardlink("d/h", "/d/f"),
            symlink("d/absolute", "/etc/passwd", uid=8),
            symlink("d/up", "../../../etc"),
            hardlink("d/link-to-link", "d/absolute"),
            entry("d/null", type=tarfile.CHRTYPE, devmajor=1, devminor=3, mode=0o666),
            entry("d/disk", type=tarfile.BLKTYPE, devmajor=8, devminor=1),
            entry("d/pipe", type=tarfile.FIFOTYPE, mode=0o620),
            entry("d/\udcff\udcfe", b"bytes"),
            entry("n" * 250 + "/" + "m" * 250, b"long"),
        ),
        place,
    )
    d = root / "d"
    assert stat.S_IMODE(d.stat().st_mode) == 0o1750 and d.stat().st_uid == 7
    assert d.stat().st_mtime == 1_700_000_000
    assert (d / "f").stat().st_ino == (d / "h").stat().st_ino
    assert os.readlink(d / "absolute") == "/etc/passwd" and (d / "absolute").lstat().st_uid == 8
    assert os.readlink(d / "up") == "../../../etc"
    assert (d / "link-to-link").lstat().st_ino == (d / "absolute").lstat().st_ino
    assert (d / "null").stat().st_rdev == os.makedev(1, 3) and stat.S_IMODE((d / "null").stat().st_mode) == 0o666
    assert stat.S_ISBLK((d / "disk").stat().st_mode) and stat.S_ISFIFO((d / "pipe").stat().st_mode)
    assert (Path(os.fsdecode(bytes(d) + b"/\xff\xfe"))).read_bytes() == b"bytes"
    assert (root / ("n" * 250) / ("m" * 250)).read_bytes() == b"long"


def test_a_link_within_the_layer_is_followed_within_the_layer(place: Path) -> None:
    root = unpack(
        archive(directory("usr/lib"), symlink("lib", "/usr/lib"), entry("lib/x", b"1"), directory("lib/sub"), entry("lib/sub/y")),
        place,
    )
    assert (root / "usr/lib/x").read_bytes() == b"1" and (root / "usr/lib/sub/y").exists()


def test_a_directory_may_come_again_and_after_its_files(place: Path) -> None:
    root = unpack(archive(entry("d/f"), directory("d", mode=0o700), directory("d", mode=0o711), entry("d/g")), place)
    assert stat.S_IMODE((root / "d").stat().st_mode) == 0o711
    assert sorted(os.listdir(root / "d")) == ["f", "g"]


def test_whiteouts(place: Path) -> None:
    root = unpack(
        archive(
            entry(".wh.gone"),
            entry("d/.wh.also"),
            entry("opaque/.wh..wh..opq"),
            entry("opaque/new"),
            entry("dir/own"),
            entry(".wh.dir"),  # hides the lower one's files, not this layer's
            entry(".wh.later"),
            directory("later"),
            entry(".wh.file"),
            entry("file", b"new"),
            entry(".wh..wh.plnk/x"),
        ),
        place,
    )
    for name in ("gone", "d/also"):
        found = (root / name).lstat()
        assert stat.S_ISCHR(found.st_mode) and found.st_rdev == 0
    for name in ("opaque", "dir", "later"):
        assert os.getxattr(root / name, "trusted.overlay.opaque") == b"y"
    assert (root / "dir/own").exists() and (root / "file").read_bytes() == b"new"


def test_overlay_s_own_attributes_are_left_out_and_noted(place: Path) -> None:
    headers = {"SCHILY.xattr.trusted.overlay.redirect": "/etc", "SCHILY.xattr.user.overlay.opaque": "y"}
    root = place / "layer"
    root.mkdir()
    done = extract(io.BytesIO(archive(directory("d", pax_headers=headers))).read, str(root))
    assert os.listxattr(root / "d") == []
    assert len(done.notes) == 2 and done.entries == 1


def test_implied_directories_are_named_parents_first(place: Path) -> None:
    root = place / "layer"
    root.mkdir()
    done = extract(io.BytesIO(archive(entry("a/b/c"), directory("x"), entry("x/y/z"))).read, str(root))
    assert done.implied == (b"", b"a", b"a/b", b"x/y")


def listing(root: Path) -> list[tuple[object, ...]]:
    """Every entry with all that can be compared."""
    found: list[tuple[object, ...]] = []
    for path in sorted([root, *root.rglob("*")]):
        s = path.lstat()
        content = path.read_bytes() if stat.S_ISREG(s.st_mode) else os.readlink(path) if path.is_symlink() else b""
        xattrs = {k: os.getxattr(path, k, follow_symlinks=False) for k in os.listxattr(path, follow_symlinks=False)}
        name = str(path.relative_to(root))
        found.append((name, s.st_mode, s.st_uid, s.st_gid, s.st_mtime_ns, s.st_rdev, s.st_nlink, content, xattrs))
    return found


def test_equals_gnu_tar_entry_for_entry(place: Path, busybox_rootfs: Path) -> None:
    program = shutil.which("tar")
    if program is None:
        pytest.skip("no GNU tar")
    source = place / "source"
    shutil.copytree(busybox_rootfs, source, symlinks=True)
    os.link(source / "bin/busybox", source / "bin/hard")
    os.mknod(source / "dev/null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    os.chown(source / "home", 1000, 1000)
    os.setxattr(source / "bin/busybox", "user.a", b"\x00\xff=\n")
    os.utime(source / "etc", ns=(1_111_111_111_000_000_001, 1_222_222_222_000_000_002))
    command = [program, "-C", source, "--xattrs", "--format=pax", "-c", "."]
    data = subprocess.run(command, capture_output=True, check=True).stdout
    root = unpack(data, place)
    reference = place / "reference"
    reference.mkdir()
    command = [program, "-C", reference, "--xattrs", "--xattrs-include=*", "--same-owner", "-p", "-x"]
    subprocess.run(command, input=data, check=True)
    assert listing(root) == listing(reference)
