"""How much an unpacked tree holds: the bytes of its files, hard links once, as docker counts a layer."""

from __future__ import annotations

import os
import stat

from rung.record import Record


class Usage(Record):
    """What a tree takes on disk: inodes, and the bytes of their blocks."""

    inodes: int
    size_bytes: int


def usage_of(path: str) -> Usage:
    """Of a directory with all below it, hard links once; as containerd counts."""
    inodes, blocks = 0, 0
    seen: set[tuple[int, int]] = set()
    waiting = [path]
    while waiting:
        here = waiting.pop()
        found = os.lstat(here)
        if (found.st_dev, found.st_ino) in seen:
            continue
        seen.add((found.st_dev, found.st_ino))
        inodes, blocks = inodes + 1, blocks + found.st_blocks
        if stat.S_ISDIR(found.st_mode) and found.st_dev == os.lstat(path).st_dev:
            waiting += [os.path.join(here, name) for name in os.listdir(here)]
    return Usage(inodes, blocks * 512)


def bytes_of(path: str) -> int:
    """The apparent size of all regular files below a directory; links are not followed."""
    total = 0
    seen: set[tuple[int, int]] = set()
    waiting = [path]
    while waiting:
        with os.scandir(waiting.pop()) as entries:
            for entry in entries:
                found = entry.stat(follow_symlinks=False)
                if stat.S_ISDIR(found.st_mode):
                    waiting.append(entry.path)
                elif stat.S_ISREG(found.st_mode) and (found.st_dev, found.st_ino) not in seen:
                    total += found.st_size
                    if found.st_nlink > 1:
                        seen.add((found.st_dev, found.st_ino))
    return total
