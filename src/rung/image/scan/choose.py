"""Which findings count: severities, fixes, and those that somebody decided to live with.

Pure. An ignore file is trivy's: an identifier a line, ``#`` begins a comment, ``exp:2026-01-31`` behind
it ends its time.
"""

from __future__ import annotations

from rung.errors import RungError
from rung.image.scan.severity import SEVERITIES
from rung.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from rung.image.scan.match import Finding


class Choice(Record):
    """``ignored`` holds identifiers, a vulnerability's own or one of its aliases."""

    severities: tuple[str, ...] = SEVERITIES
    ignore_unfixed: bool = False
    ignored: frozenset[str] = frozenset()

    def of(self, findings: Iterable[Finding]) -> tuple[Finding, ...]:
        """The findings that count."""
        return tuple(
            finding
            for finding in findings
            if finding.severity in self.severities
            and (finding.fixed or not self.ignore_unfixed)
            and self.ignored.isdisjoint((finding.id, *finding.aliases))
        )


def parse_severities(text: str) -> tuple[str, ...]:
    """``HIGH,CRITICAL``."""
    words = tuple(word.strip().upper() for word in text.split(",") if word.strip())
    wrong = next((word for word in words if word not in SEVERITIES), None)
    if wrong is not None or not words:
        raise RungError("--severity", text, f"{wrong or 'nothing'} is no severity", f"use {','.join(SEVERITIES)}")
    return words


def parse_ignored(text: str, today: str) -> frozenset[str]:
    """The identifiers of an ignore file that hold on ``today`` (``2026-01-31``)."""
    found = set()
    for number, line in enumerate(text.splitlines(), 1):
        words = line.partition("#")[0].split()
        if not words:
            continue
        end = next((word.removeprefix("exp:") for word in words[1:] if word.startswith("exp:")), "")
        if end and (len(end) != 10 or not end.replace("-", "").isdigit()):
            raise RungError("ignore file", f"line {number}", f"{end!r} is no date", "exp:2026-01-31, for example")
        if not end or today <= end:
            found.add(words[0])
    return frozenset(found)
