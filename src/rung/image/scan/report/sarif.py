"""A scan as SARIF 2.1.0, for code hosts that show findings: a rule a vulnerability, a result a finding.

OASIS SARIF 2.1.0, 3.13 (log), 3.14 (run), 3.27 (result); ``security-severity`` is GitHub's property.
"""

from __future__ import annotations

import json

from rung import __version__
from rung.image.scan.purl import purl

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rung.image.scan.match import Finding
    from rung.image.scan.scanned import Scanned

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_LEVELS = {"CRITICAL": "error", "HIGH": "error", "MEDIUM": "warning", "LOW": "note", "UNKNOWN": "note"}
_SCORES = {"CRITICAL": "9.5", "HIGH": "8.0", "MEDIUM": "5.5", "LOW": "2.0", "UNKNOWN": "0.0"}


def render(scanned: Scanned, format: str) -> str:
    """The log."""
    return json.dumps(document(scanned), indent=2) + "\n"


def document(scanned: Scanned) -> dict[str, Any]:
    """The JSON value."""
    findings = scanned.findings or ()
    rules = list({finding.id: finding for finding in reversed(findings)}.values())[::-1]  # the worst of each
    places = {finding.id: at for at, finding in enumerate(rules)}
    driver = {
        "name": "rung",
        "version": __version__,
        "rules": [_rule(finding) for finding in rules],
    }
    run = {
        "tool": {"driver": driver},
        "results": [_result(scanned, finding, places[finding.id]) for finding in findings],
        "columnKind": "utf16CodeUnits",
        "properties": {"imageName": scanned.name, "imageID": scanned.id, "repoDigests": [scanned.digest]},
    }
    return {"version": "2.1.0", "$schema": _SCHEMA, "runs": [run]}


def _rule(finding: Finding) -> dict[str, Any]:
    title = finding.title or finding.id
    rule: dict[str, Any] = {
        "id": finding.id,
        "name": "OsPackageVulnerability" if finding.package.system else "LanguageSpecificPackageVulnerability",
        "shortDescription": {"text": title},
        "fullDescription": {"text": title},
        "defaultConfiguration": {"level": _LEVELS[finding.severity]},
        "properties": {
            "security-severity": f"{finding.score:.1f}" if finding.score else _SCORES[finding.severity],
            "tags": ["vulnerability", "security", finding.severity],
        },
    }
    if finding.url:
        rule["helpUri"] = finding.url
    return rule


def _result(scanned: Scanned, finding: Finding, rule: int) -> dict[str, Any]:
    package = finding.package
    fix = f"fixed in {finding.fixed}" if finding.fixed else finding.status.replace("_", " ")
    text = f"{package.name} {package.version}: {finding.id} ({finding.severity}), {fix}"
    path = package.path.decode("utf-8", "replace")
    where = f"{scanned.name}: {package.name}@{package.version} in layer {package.layer}"
    return {
        "ruleId": finding.id,
        "ruleIndex": rule,
        "level": _LEVELS[finding.severity],
        "message": {"text": text},
        "locations": [
            {
                "physicalLocation": {
                    "artifactLocation": {"uri": _uri(path), "uriBaseId": "ROOTPATH"},
                    "region": {"startLine": 1, "startColumn": 1, "endLine": 1, "endColumn": 1},
                },
                "message": {"text": where},
            }
        ],
        "partialFingerprints": {"packageUrl/v1": purl(package, scanned.os)},
    }


def _uri(path: str) -> str:
    from urllib.parse import quote

    return quote(path)
