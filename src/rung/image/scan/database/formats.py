"""Which of the published formats a document is, told by its content.

Rule: bytes in, advisories out. A feed that knows a package best goes first where several speak of
the same vulnerability (``RANKS``): a distribution's own tracker, then OSV, then what changelogs
and archives let one conclude.
"""

from __future__ import annotations

import bz2
import gzip
import io
import json
import lzma
import zlib

from rung.image.scan.database import archive, changelog, debian, osv, secdb, ubuntu
from rung.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

    from rung.image.scan.advisory import Advisory

TRACKER, NOTICES, SECDB, OSV, CHANGELOG, ARCHIVE = (
    "Debian security tracker",
    "Ubuntu security notices",
    "secdb",
    "OSV",
    "Debian changelog",
    "package archive",
)
RANKS = {TRACKER: 0, NOTICES: 0, SECDB: 0, OSV: 1, CHANGELOG: 2, ARCHIVE: 3}
#: No document is taken that is longer when unpacked; the tracker's is some 80 MB.
LIMIT_BYTES = 1 << 30

_OPENERS: dict[bytes, Any] = {b"\x1f\x8b": gzip.open, b"\xfd7zXZ\0": lzma.open, b"BZh": bz2.open}


class Near(Record):
    """What the place of a document tells: the suite and the world it belongs to, or nothing."""

    suite: str = ""
    ecosystem: str = ""


class NotRead(Exception):
    """A document is damaged; why."""


def unpacked(data: bytes) -> bytes:
    """The document without its compression. Raises ``NotRead``."""
    for magic, opener in _OPENERS.items():
        if data.startswith(magic):
            try:
                with opener(io.BytesIO(data)) as file:
                    plain: bytes = file.read(LIMIT_BYTES + 1)
            except (OSError, EOFError, lzma.LZMAError, zlib.error) as error:
                raise NotRead(f"cannot be unpacked: {error}") from None
            if len(plain) > LIMIT_BYTES:
                raise NotRead(f"unpacks to more than {LIMIT_BYTES >> 20} MiB")
            return plain
    return data


def advisories(data: bytes, near: Near) -> tuple[str, Iterator[Advisory]] | None:
    """``(format, advisories)`` of a document; None where it is none of them. Raises ``NotRead``."""
    data = unpacked(data)
    first = data.lstrip()[:1]
    if first in (b"{", b"["):
        return _json(data)
    if first == b"" or b"\0" in data[:4096]:
        return None
    text = data.decode("utf-8", "replace")
    if changelog.is_changelog(text):
        return CHANGELOG, changelog.advisories(text, near.ecosystem)
    if archive.is_archive(text):
        if not near.ecosystem:
            reason = "is a package archive's, but its path does not tell of which release"
            raise NotRead(f"{reason} (.../dists/bookworm-security/...)")
        return ARCHIVE, archive.advisories(text.splitlines(), near.ecosystem, near.suite)
    return None


def _json(data: bytes) -> tuple[str, Iterator[Advisory]] | None:
    try:
        value = json.loads(data)
    except (ValueError, RecursionError) as error:
        raise NotRead(f"is broken JSON: {error}") from None
    if osv.is_record(value):
        return OSV, osv.advisories(value)
    if isinstance(value, list) and value and osv.is_record(value[0]):
        return OSV, (one for record in value if osv.is_record(record) for one in osv.advisories(record))
    if secdb.is_secdb(value):
        return SECDB, secdb.advisories(value)
    if debian.is_tracker(value):
        return TRACKER, debian.advisories(value)
    if ubuntu.is_notices(value):
        return NOTICES, ubuntu.advisories(value)
    return None
