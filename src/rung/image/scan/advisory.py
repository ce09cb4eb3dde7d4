"""What is known of a vulnerability, in one shape whatever feed it comes from."""

from __future__ import annotations

from rung.record import Record

#: How far a fix is, in trivy's words; ``update`` is ours: a newer version is in a security archive,
#: and which vulnerabilities it fixes is not known.
AFFECTED, WILL_NOT_FIX, DEFERRED, END_OF_LIFE, INVESTIGATED, FIXED, UPDATE = (
    "affected",
    "will_not_fix",
    "fix_deferred",
    "end_of_life",
    "under_investigation",
    "fixed",
    "update",
)
#: In place of a version: none was ever vulnerable.
NEVER = "0"


class Affected(Record):
    """A range of versions of one package: from ``introduced`` (empty: the first) up to, but not, ``fixed``,
    or up to ``last``; all later ones where both are empty. ``versions``: these only."""

    ecosystem: str
    package: str
    introduced: str = ""
    fixed: str = ""
    last: str = ""
    versions: tuple[str, ...] = ()
    status: str = AFFECTED
    severity: str = ""


class Advisory(Record):
    """``id`` is the feed's; ``cve`` the one CVE it is about, or again ``id``; ``aliases`` its other
    names. ``vector`` and ``score`` are CVSS."""

    id: str
    cve: str
    affected: tuple[Affected, ...]
    aliases: tuple[str, ...] = ()
    severity: str = ""
    title: str = ""
    url: str = ""
    vector: str = ""
    score: float = 0.0
