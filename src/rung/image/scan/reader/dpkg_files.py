"""Which files dpkg's packages installed: ``info/*.list``, and distroless's ``status.d/*.md5sums``."""

from __future__ import annotations

from rung.image.scan.packages import Contents


def read(path: bytes, data: bytes) -> Contents:
    """The paths, relative to the root."""
    if path.endswith(b".list"):
        return Contents(owned=b"\n".join(line[1:] for line in data.splitlines()))
    lines = (line.split(maxsplit=1) for line in data.splitlines())
    return Contents(owned=b"\n".join(words[1].removeprefix(b"./") for words in lines if len(words) == 2))
