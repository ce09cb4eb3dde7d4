"""A scan as JSON, in the shape of trivy's report (its schema version 2), which many programs read."""

from __future__ import annotations

import json

from rung.image.scan.purl import purl

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rung.image.scan.match import Finding
    from rung.image.scan.packages import Package
    from rung.image.scan.scanned import Scanned

_TARGETS = {"pypi": ("Python", "python-pkg"), "npm": ("Node.js", "node-pkg")}


def render(scanned: Scanned, format: str) -> str:
    """The document."""
    return json.dumps(document(scanned), indent=2) + "\n"


def document(scanned: Scanned) -> dict[str, Any]:
    """The JSON value."""
    groups: dict[tuple[str, str, str], list[Package]] = {}
    for package in scanned.packages:
        groups.setdefault(_target(scanned, package), []).append(package)
    findings: dict[tuple[str, str, str], list[Finding]] = {}
    for finding in scanned.findings or ():
        findings.setdefault(_target(scanned, finding.package), []).append(finding)
    metadata: dict[str, Any] = {
        "ImageID": scanned.id,
        "DiffIDs": [str(layer.diff_id) for layer in scanned.layers],
        "RepoTags": [scanned.name],
        "RepoDigests": [f"{scanned.repository}@{scanned.digest}"],
    }
    if scanned.os:
        metadata["OS"] = {"Family": scanned.os.id, "Name": scanned.os.version or scanned.os.codename}
    return {
        "SchemaVersion": 2,
        "CreatedAt": scanned.moment,
        "ArtifactName": scanned.name,
        "ArtifactType": "container_image",
        "Metadata": metadata,
        "Results": [_result(scanned, target, packages, findings.get(target)) for target, packages in groups.items()],
    }


def _target(scanned: Scanned, package: Package) -> tuple[str, str, str]:
    if package.system:
        family = scanned.os.id if scanned.os else package.kind
        version = scanned.os.version if scanned.os else ""
        return f"{scanned.name} ({family} {version})".replace(" )", ")"), "os-pkgs", family
    if package.kind == "golang":
        return package.path.decode("utf-8", "backslashreplace"), "lang-pkgs", "gobinary"
    name, kind = _TARGETS[package.kind]
    return name, "lang-pkgs", kind


def _result(
    scanned: Scanned, target: tuple[str, str, str], packages: list[Package], findings: list[Finding] | None
) -> dict[str, Any]:
    value: dict[str, Any] = {
        "Target": target[0],
        "Class": target[1],
        "Type": target[2],
        "Packages": [_package(scanned, package) for package in packages],
    }
    if findings:
        value["Vulnerabilities"] = [_finding(scanned, finding) for finding in findings]
    return value


def _layer(scanned: Scanned, package: Package) -> dict[str, str]:
    layer = scanned.layers[package.layer]
    return {"Digest": str(layer.digest), "DiffID": str(layer.diff_id)}


def _identifier(scanned: Scanned, package: Package) -> dict[str, str]:
    return {"PURL": purl(package, scanned.os)}


def _package(scanned: Scanned, package: Package) -> dict[str, Any]:
    value: dict[str, Any] = {
        "ID": f"{package.name}@{package.version}",
        "Name": package.name,
        "Identifier": _identifier(scanned, package),
        "Version": package.version,
        "Layer": _layer(scanned, package),
        "FilePath": package.path.decode("utf-8", "backslashreplace"),
    }
    if package.system:
        value |= {"Arch": package.architecture, "SrcName": package.origin, "SrcVersion": package.origin_version}
    if package.licence:
        value["Licenses"] = [package.licence]
    return value


def _finding(scanned: Scanned, finding: Finding) -> dict[str, Any]:
    package = finding.package
    value: dict[str, Any] = {
        "VulnerabilityID": finding.id,
        "PkgID": f"{package.name}@{package.version}",
        "PkgName": package.name,
        "PkgPath": package.path.decode("utf-8", "backslashreplace"),
        "PkgIdentifier": _identifier(scanned, package),
        "InstalledVersion": package.version,
        "Status": finding.status,
        "Layer": _layer(scanned, package),
        "Severity": finding.severity,
    }
    if finding.fixed:
        value["FixedVersion"] = finding.fixed
    if finding.aliases:
        value["VendorIDs"] = list(finding.aliases)
    if finding.title:
        value["Title"] = finding.title
    if finding.url:
        value["PrimaryURL"] = finding.url
    if finding.vector:
        value["CVSS"] = {"osv": {"V3Vector": finding.vector, "V3Score": finding.score}}
    return value
