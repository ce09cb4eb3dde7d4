"""The Debian security tracker's JSON: source package -> CVE -> release."""

from __future__ import annotations

from rung.image.scan import ecosystem as ecosystems
from rung.image.scan import severity as severities
from rung.image.scan.advisory import (
    AFFECTED,
    DEFERRED,
    END_OF_LIFE,
    FIXED,
    INVESTIGATED,
    NEVER,
    WILL_NOT_FIX,
    Advisory,
    Affected,
)

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

TRACKER = "https://security-tracker.debian.org/tracker/"


def is_tracker(value: Any) -> bool:
    """Whether a JSON value is it: the first package's first CVE tells."""
    package = next(iter(value.values()), None) if isinstance(value, dict) else None
    cve = next(iter(package.values()), None) if isinstance(package, dict) else None
    return isinstance(cve, dict) and isinstance(cve.get("releases"), dict)


def advisories(value: dict[str, Any]) -> Iterator[Advisory]:
    """One for each CVE of each package."""
    for package, cves in value.items():
        for cve, known in cves.items() if isinstance(cves, dict) else ():
            releases = known.get("releases") if isinstance(known, dict) else None
            affected = [
                one
                for suite, state in (releases.items() if isinstance(releases, dict) else ())
                if isinstance(state, dict)
                for one in _affected(package, suite, state)
            ]
            if affected:
                description = str(known.get("description", ""))
                title = description if len(description) <= 200 else description[:197] + "..."
                yield Advisory(cve, cve, tuple(affected), title=title, url=TRACKER + cve)


def _affected(package: str, suite: str, state: dict[str, Any]) -> Iterator[Affected]:
    ecosystem = ecosystems.of_suite(suite)
    if not ecosystem:
        return
    urgency = str(state.get("urgency", ""))
    severity, status, fixed = severities.of_word(urgency), AFFECTED, ""
    if state.get("status") == "resolved":
        status, fixed = FIXED, str(state.get("fixed_version") or NEVER)
    elif state.get("status") == "undetermined":
        status = INVESTIGATED
    elif urgency == "end-of-life":
        status = END_OF_LIFE
    elif state.get("nodsa_reason") == "postponed":
        status = DEFERRED
    elif "nodsa" in state:
        status = WILL_NOT_FIX
    yield Affected(ecosystem, package, fixed=fixed, status=status, severity=severity)
