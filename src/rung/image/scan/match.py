"""Which vulnerabilities the packages of an image have.

Pure but for ``lookup``, which answers from the database. Rule: of one vulnerability in one package
the feed that knows it best decides, also where it says that the package was never vulnerable.
"""

from __future__ import annotations

from rung.image.scan import ecosystem as ecosystems
from rung.image.scan import severity as severities
from rung.image.scan.advisory import FIXED, NEVER, UPDATE
from rung.image.scan.packages import Package
from rung.image.scan.version import compare
from rung.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Protocol

    from rung.image.scan.advisory import Affected
    from rung.image.scan.database.database import Known
    from rung.image.scan.packages import OsRelease

    class Lookup(Protocol):
        """The database's answers."""

        def known(self, ecosystem: str, package: str) -> list[Known]:
            """All that feeds say of a package."""
            ...

        def severities(self, cve: str) -> list[tuple[str, str, float]]:
            """``(severity, vector, score)`` that any feed gives a CVE."""
            ...


class Finding(Record):
    """One vulnerability of one package. ``fixed`` is empty where no version fixes it; ``status`` is
    one of ``advisory``'s words."""

    id: str
    package: Package
    fixed: str
    status: str
    severity: str
    title: str = ""
    url: str = ""
    vector: str = ""
    score: float = 0.0
    aliases: tuple[str, ...] = ()


def match(packages: Iterable[Package], system: OsRelease | None, lookup: Lookup) -> list[Finding]:
    """All findings, the worst first."""
    world = ecosystems.of_os(system) if system else ""
    found: list[Finding] = []
    for package in packages:
        found.extend(_of_package(package, world, lookup))
    rank = {severity: -at for at, severity in enumerate(severities.SEVERITIES)}
    found.sort(key=lambda one: (rank[one.severity], one.package.name, one.id, one.package.path))
    return found


def _of_package(package: Package, world: str, lookup: Lookup) -> list[Finding]:
    ecosystem = world if package.system else package.kind
    if not ecosystem or not package.version or package.version == "(devel)":
        return []
    if package.system and ecosystems.kind_of(ecosystem) != package.kind:
        return []
    groups: dict[str, list[Known]] = {}
    for name in _names(ecosystem, package):
        for known in lookup.known(ecosystem, name):
            groups.setdefault(known.advisory.cve, []).append(known)
    found = [one for group in groups.values() if (one := _decided(package, group, lookup))]
    # That there is an update says nothing more where it is known what it fixes.
    certain = [one for one in found if one.status != UPDATE]
    return certain or found


def _names(ecosystem: str, package: Package) -> list[str]:
    if not package.system:
        return [ecosystems.package_name(ecosystem, package.name)]
    if package.kind == "rpm":  # some publish by source, some by package
        return list(dict.fromkeys((package.name, package.origin)))
    return [package.origin]


def _decided(package: Package, group: list[Known], lookup: Lookup) -> Finding | None:
    best = min(known.rank for known in group)
    version = package.origin_version if package.kind == "deb" else package.version
    hits = [k for k in group if k.rank == best and _hit(package.kind, version, k.affected)]
    if not hits:
        return None
    chosen = next((known for known in hits if known.affected.fixed), hits[0])
    advisory, affected = chosen.advisory, chosen.affected
    severity, vector, score = affected.severity or advisory.severity, advisory.vector, advisory.score
    if severity in ("", severities.UNKNOWN) and (others := lookup.severities(advisory.cve)):
        severity, vector, score = others[0]
    return Finding(
        id=advisory.cve,
        package=package,
        fixed=affected.fixed,
        status=affected.status if affected.status == UPDATE or not affected.fixed else FIXED,
        severity=severity or severities.UNKNOWN,
        title=advisory.title,
        url=advisory.url,
        vector=vector,
        score=score,
        aliases=tuple(name for name in dict.fromkeys((advisory.id, *advisory.aliases)) if name != advisory.cve),
    )


def _hit(kind: str, version: str, affected: Affected) -> bool:
    """Whether a version lies in a range."""
    if affected.versions:
        return any(compare(kind, version, one) == 0 for one in affected.versions)
    if affected.fixed == NEVER:
        return False
    if affected.introduced and compare(kind, version, affected.introduced) < 0:
        return False
    if affected.fixed:
        return compare(kind, version, affected.fixed) < 0
    return not affected.last or compare(kind, version, affected.last) <= 0
