"""Debian changelogs as a source of fixes: an entry that names a CVE is the version that fixes it.

Debian Policy 4.4. A changelog tells its own package's history only, so what it says counts for the
release it was uploaded to: the topmost entry's distribution, else the version's own end
(``+deb12u1``), else what the caller knows of the place it was found in. Where a CVE comes
several times, the first time counts: later mentions are mostly about the same fix.
"""

from __future__ import annotations

import re

from rung.image.scan import ecosystem as ecosystems
from rung.image.scan.advisory import FIXED, Advisory, Affected
from rung.image.scan.database.debian import TRACKER

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

_HEAD = re.compile(r"^(\S+) \(([^()\s]+)\)((?:\s+[\w.+/-]+)+)\s*;")
_CVE = re.compile(r"CVE-\d{4}-\d{4,}")


def is_changelog(text: str) -> bool:
    """Whether a text begins as one."""
    return _HEAD.match(text.lstrip()) is not None


def advisories(text: str, near: str = "") -> Iterator[Advisory]:
    """One for each CVE. ``near``: the ecosystem of the place where the changelog was found."""
    source, ecosystem = "", ""
    fixed: dict[str, str] = {}
    version = ""
    for line in text.splitlines():
        head = _HEAD.match(line)
        if head:
            version = head[2]
            if not source:
                source, ecosystem = head[1], _release(head[2], head[3].split(), near)
        elif version and "CVE-" in line:
            for cve in _CVE.findall(line):
                fixed[cve] = version  # entries go back in time: what comes last is the oldest
    for cve, first in fixed.items():
        affected = Affected(ecosystem, source, fixed=first, status=FIXED)
        yield Advisory(cve, cve, (affected,), title=f"fixed in {source} {first}", url=TRACKER + cve)


def _release(version: str, suites: list[str], near: str) -> str:
    named = next((found for suite in suites if (found := ecosystems.of_suite(suite))), "")
    if named and named != "debian:sid":
        return named
    return ecosystems.of_version(version) or near or named or "debian:sid"
