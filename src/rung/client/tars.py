"""Files of a container travel as tar archives: one file into one, one file and a folder's names out of one."""

from __future__ import annotations

import io
import tarfile
import time

from rung.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Literal

    Kind = Literal["file", "directory", "link", "other"]


class Entry(Record):
    """One name in a folder."""

    name: str
    kind: Kind
    size_bytes: int
    mode: int


def packed(name: str, data: bytes, mode: int = 0o644, owner: tuple[int, int] = (0, 0)) -> bytes:
    """An archive with one file."""
    into = io.BytesIO()
    with tarfile.open(fileobj=into, mode="w") as archive:
        entry = tarfile.TarInfo(name)
        entry.size, entry.mode, entry.mtime = len(data), mode, int(time.time())
        entry.uid, entry.gid = owner
        archive.addfile(entry, io.BytesIO(data))
    return into.getvalue()


def only_file(data: bytes) -> bytes | None:
    """What the archive's first entry holds; None where that is no file."""
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        entry = archive.next()
        file = archive.extractfile(entry) if entry is not None and entry.isfile() else None
        return file.read() if file is not None else None


def listed(data: bytes) -> list[Entry]:
    """What stands directly in the folder that is the archive's first entry, by name."""
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        _, *entries = archive
        top = [entry for entry in entries if entry.name.count("/") == 1]
    return sorted((_entry(each) for each in top), key=lambda each: each.name)


def _entry(entry: tarfile.TarInfo) -> Entry:
    kind: Kind = "file" if entry.isfile() else "directory" if entry.isdir() else "link" if entry.issym() else "other"
    return Entry(entry.name.rpartition("/")[2], kind, entry.size, entry.mode)
