"""Alpine's (and Wolfi's) security database: package -> the version that fixes -> CVEs."""

from __future__ import annotations

from rung.image.scan import ecosystem as ecosystems
from rung.image.scan.advisory import FIXED, NEVER, Advisory, Affected

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

_TRACKER = "https://security.alpinelinux.org/vuln/"


def is_secdb(value: Any) -> bool:
    """Whether a JSON value is one."""
    return (
        isinstance(value, dict)
        and isinstance(value.get("packages"), list)
        and ("distroversion" in value or "apkurl" in value)
    )


def advisories(value: dict[str, Any]) -> Iterator[Advisory]:
    """One for each CVE of each package."""
    ecosystem = ecosystems.of_secdb(str(value.get("distroversion", "")))
    if not ecosystem:
        place = f"{value.get('urlprefix', '')} {value.get('reponame', '')}"
        ecosystem = "chainguard" if "chainguard" in place else "wolfi"
    for item in value["packages"]:
        package = item.get("pkg") if isinstance(item, dict) else None
        fixes = package.get("secfixes") if isinstance(package, dict) else None
        for version, ids in fixes.items() if isinstance(package, dict) and isinstance(fixes, dict) else ():
            for id, *aliases in _names(ids):
                affected = Affected(ecosystem, str(package.get("name", "")), fixed=version or NEVER, status=FIXED)
                yield Advisory(id, id, (affected,), aliases=tuple(aliases), url=_TRACKER + id)


def _names(ids: Any) -> Iterator[list[str]]:
    """Each text is a name and, behind blanks, more names for it."""
    for text in ids if isinstance(ids, list) else ():
        names = [word.strip("(),+") for word in str(text).split()]
        names = [name for name in names if "-" in name]
        if names:
            yield names
