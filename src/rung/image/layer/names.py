"""What an entry's name means: a place in the layer, or a note to overlay a lower one.

Pure. Names are bytes, because tar's are. A name that climbs out of the archive's root
is an error, as it is for Docker; a leading ``/`` means the archive's root; what a
symbolic link says is data and never looked at here.
OCI image specification, layer.md#whiteouts.
"""

from __future__ import annotations

from os import fsdecode

from rung.image.errors import LayerError

#: The kernel takes no longer path in one call; docker's unpackers end there as well.
PATH_LIMIT = 4095
NAME_LIMIT = 255

_WHITEOUT = b".wh."
_OPAQUE = b".wh..wh..opq"
_META = b".wh..wh."

PLAIN, WHITEOUT, OPAQUE, IGNORED = range(4)


def show(name: bytes) -> str:
    """A name fit to be printed in a sentence."""
    text = fsdecode(name[:200]).encode("utf-8", "backslashreplace").decode()
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text) + ("..." if len(name) > 200 else "")


def clean(name: bytes, what: str = "entry") -> bytes:
    """A name as a relative path without ``.``, ``..`` and empty parts; empty: the root itself."""
    if b"\0" in name:
        raise LayerError(what, show(name), "has a NUL byte in its name")
    parts: list[bytes] = []
    for part in name.split(b"/"):
        if part in (b"", b"."):
            continue
        if part == b"..":
            if not parts:
                raise LayerError(what, show(name), "climbs out of the layer")
            parts.pop()
            continue
        if len(part) > NAME_LIMIT:
            raise LayerError(what, show(name), f"has a part longer than {NAME_LIMIT} bytes")
        parts.append(part)
    path = b"/".join(parts)
    if len(path) > PATH_LIMIT:
        raise LayerError(what, show(path), f"is longer than a path may be ({PATH_LIMIT} bytes)")
    return path


def split(path: bytes) -> tuple[bytes, bytes]:
    """A clean path's directory and last part."""
    directory, _, last = path.rpartition(b"/")
    return directory, last


def classify(path: bytes) -> tuple[int, bytes]:
    """``(kind, path)`` of a clean path: PLAIN itself; WHITEOUT of that path; OPAQUE that
    directory; IGNORED for aufs's own bookkeeping (``.wh..wh.plnk``), which nothing else reads."""
    directory, last = split(path)
    if not last.startswith(_WHITEOUT):
        return PLAIN, path
    if last == _OPAQUE:
        return OPAQUE, directory
    if last.startswith(_META):
        return IGNORED, path
    hidden = last[len(_WHITEOUT) :]
    if hidden in (b"", b".", b".."):
        raise LayerError("whiteout", show(path), "hides nothing that could be there")
    return WHITEOUT, directory + b"/" + hidden if directory else hidden
