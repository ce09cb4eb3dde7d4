"""Ubuntu's security notices (``usn-db/database.json``): notice -> release -> source -> fixed version."""

from __future__ import annotations

from rung.image.scan import ecosystem as ecosystems
from rung.image.scan.advisory import FIXED, Advisory, Affected

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

_SITE = "https://ubuntu.com/security/"


def is_notices(value: Any) -> bool:
    """Whether a JSON value is it: the first notice tells."""
    notice = next(iter(value.values()), None) if isinstance(value, dict) else None
    return isinstance(notice, dict) and isinstance(notice.get("releases"), dict) and "cves" in notice


def advisories(value: dict[str, Any]) -> Iterator[Advisory]:
    """One for each CVE of each notice; the notice itself where it names none."""
    for number, notice in value.items():
        if not isinstance(notice, dict):
            continue
        affected = tuple(_affected(notice.get("releases")))
        if not affected:
            continue
        usn = number if number.startswith("USN-") else f"USN-{number}"
        title = str(notice.get("isummary") or notice.get("title") or "").strip().partition("\n")[0]
        cves = [str(cve) for cve in notice.get("cves") or () if str(cve).startswith("CVE-")]
        for cve in cves:
            yield Advisory(f"{usn}/{cve}", cve, affected, aliases=(usn,), title=title, url=_SITE + cve)
        if not cves:
            yield Advisory(usn, usn, affected, title=title, url=f"{_SITE}notices/{usn}")


def _affected(releases: Any) -> Iterator[Affected]:
    for codename, release in releases.items() if isinstance(releases, dict) else ():
        ecosystem = ecosystems.of_suite(codename)
        sources = release.get("sources") if isinstance(release, dict) else None
        for name, source in sources.items() if ecosystem and isinstance(sources, dict) else ():
            version = source.get("version") if isinstance(source, dict) else None
            if isinstance(version, str) and version:
                yield Affected(ecosystem, name, fixed=version, status=FIXED)
