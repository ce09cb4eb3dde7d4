"""Parts of a document: RFC 9110 section 14, and the conditions of section 13 that go with them.

Rule: one range or the whole. A set of several is answered with the whole document, which
section 14.2 allows and which no registry client asks for.
"""

from __future__ import annotations

import re

from rung.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.http1.head import Request

_ONE = re.compile(r"bytes=[ \t]*([0-9]{0,18})-([0-9]{0,18})[ \t]*", re.IGNORECASE)


class Part(Record):
    """Bytes ``start`` to ``end``, the latter not included."""

    start: int
    end: int


class Unsatisfiable(Record):
    """Nothing of the document is within the range: 416."""


def part_of(request: Request, size: int, etag: str) -> Part | Unsatisfiable | None:
    """Which part of a document of ``size`` bytes is asked for; None for the whole."""
    asked = request.all("range")
    match = _ONE.fullmatch(asked[0]) if len(asked) == 1 else None
    if match is None or match[1] == match[2] == "":
        return None  # "MAY ignore the Range header field"; a unit it does not know it must ignore
    condition = request.get("if-range")
    if condition and condition != etag:
        return None  # section 13.1.5: the document has changed since; the whole of it
    if not match[1]:  # suffix-range: the last so many bytes
        length = int(match[2])
        return Part(max(0, size - length), size) if length and size else Unsatisfiable()
    start = int(match[1])
    end = min(int(match[2]) + 1, size) if match[2] else size
    return Part(start, end) if start < end else Unsatisfiable()


def is_known(request: Request, etag: str) -> bool:
    """Whether the client has the document already (section 13.1.2): 304."""
    known = [each.strip().removeprefix("W/") for each in request.get("if-none-match").split(",")]
    return etag in known or "*" in known
