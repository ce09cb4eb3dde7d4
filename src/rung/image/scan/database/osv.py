"""OSV's records (Open Source Vulnerability format 1.x): PyPI, npm, Go, and distributions that publish so."""

from __future__ import annotations

from functools import cmp_to_key

from rung.image.scan import ecosystem as ecosystems
from rung.image.scan import severity as severities
from rung.image.scan.advisory import Advisory, Affected
from rung.image.scan.version import compare

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

_PREFIXES = ("DEBIAN-", "UBUNTU-", "ALPINE-")
_SEVERITY_KEYS = (
    ("ecosystem_specific", "urgency"),
    ("ecosystem_specific", "severity"),
    ("database_specific", "severity"),
)
_RANGES = ("ECOSYSTEM", "SEMVER")


def is_record(value: Any) -> bool:
    """Whether a JSON value is one."""
    return isinstance(value, dict) and isinstance(value.get("id"), str) and isinstance(value.get("affected"), list)


def advisories(value: dict[str, Any]) -> Iterator[Advisory]:
    """The record's advisory, if it is about packages that are matched here."""
    if value.get("withdrawn"):
        return
    affected = [one for item in value["affected"] if isinstance(item, dict) for one in _affected(item)]
    if not affected:
        return
    own = value["id"]
    names = [_plain(name) for key in ("aliases", "upstream") for name in _texts(value.get(key))]
    cves = list(dict.fromkeys(name for name in (_plain(own), *names) if name.startswith("CVE-")))
    cve = cves[0] if len(cves) == 1 else own
    vector, score, severity = _severity(value)
    yield Advisory(
        id=own,
        cve=cve,
        affected=tuple(affected),
        aliases=tuple(name for name in dict.fromkeys((own, *names)) if name != cve),
        severity=severity,
        title=_title(value),
        url=_url(value),
        vector=vector,
        score=score,
    )


def _plain(name: str) -> str:
    for prefix in _PREFIXES:
        if name.startswith(prefix + "CVE-"):
            return name.removeprefix(prefix)
    return name


def _texts(value: Any) -> list[str]:
    return [one for one in value if isinstance(one, str)] if isinstance(value, list) else []


def _affected(item: dict[str, Any]) -> Iterator[Affected]:
    package = item.get("package")
    if not isinstance(package, dict):
        return
    ecosystem = ecosystems.of_osv(str(package.get("ecosystem", "")))
    name = ecosystems.package_name(ecosystem, str(package.get("name", "")))
    if not ecosystem or not name:
        return
    severity = _item_severity(item)
    ranges = [one for one in item.get("ranges") or () if isinstance(one, dict) and one.get("type") in _RANGES]
    for one in ranges:
        events = [event for event in one.get("events") or () if isinstance(event, dict)]
        for introduced, fixed, last in _spans(events, ecosystems.kind_of(ecosystem)):
            yield Affected(ecosystem, name, introduced, fixed, last, severity=severity)
    versions = _texts(item.get("versions"))
    if not ranges and versions:
        yield Affected(ecosystem, name, versions=tuple(versions), severity=severity)


def _spans(events: list[dict[str, Any]], kind: str) -> Iterator[tuple[str, str, str]]:
    """``(introduced, fixed, last)`` of each; an introduction that nothing ends stays open."""
    marks = [
        (str(version), name)
        for event in events
        for name, version in event.items()
        if name in ("introduced", "fixed", "last_affected", "limit")
    ]
    order = cmp_to_key(lambda a, b: compare(kind, str(a), str(b)))
    # "0" is before all; at one version an end comes before a new beginning.
    marks.sort(key=lambda mark: (mark[0] not in ("", "0"), order(mark[0]), mark[1] == "introduced"))
    start: str | None = None
    for version, name in marks:
        if name == "introduced":
            start = ("" if version == "0" else version) if start is None else start
        elif start is not None and version != "*":
            yield (start, "", version) if name == "last_affected" else (start, version, "")
            start = None
    if start is not None:
        yield start, "", ""


def _item_severity(item: dict[str, Any]) -> str:
    for key, name in _SEVERITY_KEYS:
        found = item.get(key)
        if isinstance(found, dict) and isinstance(found.get(name), str):
            severity = severities.of_word(found[name])
            if severity != severities.UNKNOWN:
                return severity
    return ""


def _severity(value: dict[str, Any]) -> tuple[str, float, str]:
    """``(vector, score, word)``; a word of the publisher's goes before the score's."""
    vector, score, word = "", 0.0, ""
    for one in value.get("severity") or ():
        text = str(one.get("score", "")) if isinstance(one, dict) else ""
        if text.startswith("CVSS:3"):
            vector, score = text, severities.base_score(text)
        elif text.startswith("CVSS:4"):
            vector = vector or text
        elif text and severities.of_word(text) != severities.UNKNOWN:
            word = severities.of_word(text)
    specific = value.get("database_specific")
    if not word and isinstance(specific, dict) and isinstance(specific.get("severity"), str):
        word = severities.of_word(specific["severity"])
    if not word or word == severities.UNKNOWN:
        word = severities.of_score(score)
    return vector, score, word


def _title(value: dict[str, Any]) -> str:
    text = str(value.get("summary") or value.get("details") or "").strip().partition("\n")[0]
    return text if len(text) <= 200 else text[:197] + "..."


def _url(value: dict[str, Any]) -> str:
    for kind in ("ADVISORY", "WEB"):
        for one in value.get("references") or ():
            if isinstance(one, dict) and one.get("type") == kind and isinstance(one.get("url"), str):
                return str(one["url"])
    return f"https://osv.dev/vulnerability/{value['id']}"
