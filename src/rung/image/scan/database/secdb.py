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
        if not isinstance(package, dict) or not isinstance(fixes, dict):
            continue
        for version, texts in fixes.items():
            for name, *aliases in _names(texts):
                affected = Affected(ecosystem, str(package.get("name", "")), fixed=version or NEVER, status=FIXED)
                yield Advisory(name, name, (affected,), aliases=tuple(aliases), url=_TRACKER + name)


def _names(texts: Any) -> Iterator[list[str]]:
    """Each text is a name and, behind blanks, more names for it."""
    for text in texts if isinstance(texts, list) else ():
        names = [word.strip("(),+") for word in str(text).split()]
        names = [name for name in names if "-" in name]
        if names:
            yield names
