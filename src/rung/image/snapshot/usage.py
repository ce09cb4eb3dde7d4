"""How much an unpacked tree holds: the bytes of its files, hard links once, as docker counts a layer."""

from __future__ import annotations

import os
import stat


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
