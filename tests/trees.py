"""Trees of files for tests: one of every odd thing, lists of all that can be compared, and a place for them."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

CAPABILITY = bytes.fromhex("0100000200200000000000000000000000000000")  # cap_net_raw=ep, version 2


@contextmanager
def ext4(size_gib: int = 2) -> Iterator[Path]:
    """A file system of its own that can do all that files can (tmpfs cannot be read by page)."""
    folder = Path(tempfile.mkdtemp(prefix="rung-ext4-", dir="/dev/shm"))
    place = folder / "mnt"
    place.mkdir()
    try:
        with open(folder / "disk", "wb") as file:
            file.truncate(size_gib << 30)
        subprocess.run(["mkfs.ext4", "-q", "-F", folder / "disk"], check=True)
        done = subprocess.run(["mount", "-o", "loop", folder / "disk", place], capture_output=True, text=True)
        if done.returncode:
            pytest.skip(f"no loop device: {done.stderr.strip()}")
        try:
            yield place
        finally:
            subprocess.run(["umount", place], check=True)
    finally:
        shutil.rmtree(folder)


def listing(root: Path) -> dict[str, tuple[object, ...]]:
    """Every entry with all that can be compared: type, mode, owner, time, device, links, content, attributes."""
    found: dict[str, tuple[object, ...]] = {}
    groups: dict[int, str] = {}
    for name in sorted(_names(root)):
        path = os.path.join(os.fsencode(root), name)
        s = os.lstat(path)
        content: object = b""
        if stat.S_ISREG(s.st_mode):
            with open(path, "rb") as file:
                content = (s.st_size, file.read())
        elif stat.S_ISLNK(s.st_mode):
            content = os.readlink(path)
        xattrs = {k: os.getxattr(path, k, follow_symlinks=False) for k in os.listxattr(path, follow_symlinks=False)}
        shown = repr(name)
        same = groups.setdefault(s.st_ino, shown) if not stat.S_ISDIR(s.st_mode) else ""
        links = 0 if stat.S_ISDIR(s.st_mode) else s.st_nlink
        found[shown] = (oct(s.st_mode), s.st_uid, s.st_gid, s.st_mtime_ns, s.st_rdev, links, same, content, xattrs)
    return found


def _names(root: Path) -> Iterator[bytes]:
    top = os.fsencode(root)
    yield b"."
    for folder, directories, files in os.walk(top):
        for name in (*directories, *files):
            yield os.path.relpath(os.path.join(folder, name), top)


def differences(ours: dict[str, tuple[object, ...]], theirs: dict[str, tuple[object, ...]]) -> list[str]:
    """What is not the same, a line each."""
    lines = [f"only ours: {name}" for name in ours.keys() - theirs.keys()]
    lines += [f"only theirs: {name}" for name in theirs.keys() - ours.keys()]
    for name in ours.keys() & theirs.keys():
        for field, mine, other in zip(FIELDS, ours[name], theirs[name]):
            if mine != other:
                lines.append(f"{name}: {field}: {str(mine)[:200]} and {str(other)[:200]}")
    return sorted(lines)


FIELDS = ("mode", "uid", "gid", "mtime", "device", "links", "same as", "content", "xattrs")


def odd(root: Path, *, step_ns: int = 1_000_000_007) -> None:
    """Fill a directory with one of everything that a layer can hold; each entry is ``step_ns`` younger than the one before."""
    root.mkdir()
    (root / "d/e/f").mkdir(parents=True)
    (root / "d/file").write_bytes(b"content\n" * 4000)
    (root / "d/empty").touch()
    os.link(root / "d/file", root / "d/e/hard")
    os.symlink("../file", root / "d/e/up")
    os.symlink("/etc/passwd", root / "d/absolute")
    os.symlink("t" * 4000, root / "d/long-target")
    os.link(root / "d/absolute", root / "d/link-to-link", follow_symlinks=False)
    os.mknod(root / "d/null", stat.S_IFCHR | 0o666, os.makedev(1, 3))
    os.mknod(root / "d/disk", stat.S_IFBLK | 0o660, os.makedev(259, 65_537))
    os.mkfifo(root / "d/pipe")
    (root / ("n" * 255)).write_bytes(b"long name")
    (root / ("p" * 200) / ("q" * 200)).mkdir(parents=True)
    (root / ("p" * 200) / ("q" * 200) / "deep").write_bytes(b"deep")
    with open(os.fsencode(root) + b"/\xff\xfe\x01 name", "wb") as file:
        file.write(b"not UTF-8")
    (root / "\N{SNOWMAN}").write_bytes(b"UTF-8")
    for at in range(700):  # a directory of many blocks
        (root / "d/e/f" / f"entry-{at:05}").write_bytes(b"%d" % at)
    with open(root / "d/sparse", "wb") as file:
        for offset in (0, 1 << 20, 5 << 20):
            file.seek(offset)
            file.write(b"data" * 1024)
        file.truncate(9 << 20)
    with open(root / "d/all-hole", "wb") as file:
        file.truncate(1 << 20)
    for name, mode in (("set-user", 0o4755), ("set-group", 0o2755), ("no-mode", 0)):
        (root / "d" / name).write_bytes(name.encode())
        os.chown(root / "d" / name, 12, 34)
        os.chmod(root / "d" / name, mode)
    (root / "set-group-directory").mkdir()
    os.chown(root / "set-group-directory", 0, 77)
    os.chmod(root / "set-group-directory", 0o2775)
    (root / "set-group-directory/root-s").write_bytes(b"of group 0")
    os.chown(root / "set-group-directory/root-s", 0, 0)
    (root / "set-group-directory/below").mkdir(mode=0o755)
    os.chown(root / "set-group-directory/below", 0, 0)
    os.chmod(root / "set-group-directory/below", 0o755)
    os.symlink("x", root / "set-group-directory/link")
    os.chown(root / "set-group-directory/link", 0, 0, follow_symlinks=False)
    (root / "tmp").mkdir()
    os.chmod(root / "tmp", 0o1777)
    (root / "large-ids").touch()
    os.chown(root / "large-ids", 3_000_000_000, 4_000_000_000)
    os.chown(root / "d/e/up", 5, 6, follow_symlinks=False)
    os.setxattr(root / "d/file", "user.binary", bytes(range(256)))
    os.setxattr(root / "d/file", "user.empty", b"")
    os.setxattr(root / "d/set-user", "security.capability", CAPABILITY)
    os.setxattr(root / "d", "user.directory", b"yes")
    os.setxattr(root / "d/e", "trusted.note", b"t" * 1000)
    os.setxattr(root / "d/absolute", "trusted.link", b"of a link", follow_symlinks=False)
    for at, name in enumerate(sorted(_names(root), reverse=True)):
        path = os.path.join(os.fsencode(root), name)
        os.utime(path, ns=(10**18, 1_400_000_000_000_000_000 + at * step_ns), follow_symlinks=False)
