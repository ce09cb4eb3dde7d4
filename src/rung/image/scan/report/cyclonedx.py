"""A bill of materials as CycloneDX 1.6 (or 1.5) JSON, with vulnerabilities where they were looked for.

ECMA-424; https://cyclonedx.org/docs/1.6/json/. The serial number comes from the image's ID and what
is said of it, so that the same bill has the same number.
"""

from __future__ import annotations

import json
from uuid import NAMESPACE_URL, uuid5

from rung import __version__
from rung.image.scan.purl import purl
from rung.image.scan.report.licence import is_expression

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rung.image.scan.match import Finding
    from rung.image.scan.packages import Package
    from rung.image.scan.scanned import Scanned

_SEVERITIES = {"CRITICAL": "critical", "HIGH": "high", "MEDIUM": "medium", "LOW": "low", "UNKNOWN": "unknown"}


def render(scanned: Scanned, format: str) -> str:
    """The bill."""
    return json.dumps(document(scanned, "1.5" if format.endswith("1.5") else "1.6"), indent=2) + "\n"


def document(scanned: Scanned, version: str) -> dict[str, Any]:
    """The JSON value."""
    image = f"pkg:oci/{scanned.repository.rpartition('/')[2]}@{scanned.digest.replace(':', '%3A')}"
    components = [_system(scanned)] if scanned.os else []
    references: dict[Package, str] = {}
    for package in scanned.packages:
        references[package] = _reference(scanned, package)
        components.append(_component(scanned, package, references[package]))
    top = _system_reference(scanned) if scanned.os else image
    value: dict[str, Any] = {
        "$schema": f"http://cyclonedx.org/schema/bom-{version}.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": version,
        "version": 1,
        "metadata": {
            "timestamp": scanned.moment,
            "tools": {"components": [{"type": "application", "name": "rung", "version": __version__}]},
            "component": {
                "type": "container",
                "bom-ref": image,
                "name": scanned.name,
                "version": scanned.digest,
                "purl": image,
                "properties": [
                    {"name": "rung:image:id", "value": scanned.id},
                    *({"name": "rung:image:diffId", "value": str(layer.diff_id)} for layer in scanned.layers),
                ],
            },
        },
        "components": components,
        "dependencies": _dependencies(image, top, references),
    }
    if scanned.findings is not None:
        value["vulnerabilities"] = _vulnerabilities(scanned.findings, references)
    value["serialNumber"] = f"urn:uuid:{uuid5(NAMESPACE_URL, json.dumps(value, sort_keys=True))}"
    return value


def _reference(scanned: Scanned, package: Package) -> str:
    """Unique in the bill: a package may be installed in several places."""
    place = uuid5(NAMESPACE_URL, package.path.hex()) if not package.system else ""
    return f"{purl(package, scanned.os)}#{place}" if place else purl(package, scanned.os)


def _system_reference(scanned: Scanned) -> str:
    return f"os:{scanned.os.id}:{scanned.os.version}" if scanned.os else ""


def _system(scanned: Scanned) -> dict[str, Any]:
    assert scanned.os is not None
    value = {"type": "operating-system", "bom-ref": _system_reference(scanned), "name": scanned.os.id}
    if scanned.os.version:
        value["version"] = scanned.os.version
    return {**value, "description": scanned.os.name}


def _component(scanned: Scanned, package: Package, reference: str) -> dict[str, Any]:
    layer = scanned.layers[package.layer]
    properties = {
        "rung:package:type": package.kind,
        "rung:package:path": package.path.decode("utf-8", "backslashreplace"),
        "rung:layer:digest": str(layer.digest),
        "rung:layer:diffId": str(layer.diff_id),
    }
    if package.system:
        properties |= {"rung:source:name": package.origin, "rung:source:version": package.origin_version}
    value: dict[str, Any] = {
        "type": "library",
        "bom-ref": reference,
        "name": package.name,
        "version": package.version,
        "purl": purl(package, scanned.os),
        "properties": [{"name": name, "value": text} for name, text in properties.items()],
    }
    if package.supplier:
        value["supplier"] = {"name": package.supplier}
    if package.licence:
        expression = is_expression(package.licence)
        value["licenses"] = (
            [{"expression": package.licence}] if expression else [{"license": {"name": package.licence}}]
        )
    return value


def _dependencies(image: str, top: str, references: dict[Package, str]) -> list[dict[str, Any]]:
    system = sorted({ref for package, ref in references.items() if package.system})
    others = sorted({ref for package, ref in references.items() if not package.system})
    if top == image:
        return [{"ref": image, "dependsOn": sorted([*system, *others])}]
    return [{"ref": image, "dependsOn": [top, *others]}, {"ref": top, "dependsOn": system}]


def _vulnerabilities(findings: tuple[Finding, ...], references: dict[Package, str]) -> list[dict[str, Any]]:
    groups: dict[str, list[Finding]] = {}
    for finding in findings:
        groups.setdefault(finding.id, []).append(finding)
    return [_vulnerability(name, group, references) for name, group in groups.items()]


def _vulnerability(id: str, group: list[Finding], references: dict[Package, str]) -> dict[str, Any]:
    first = group[0]
    rating: dict[str, Any] = {"severity": _SEVERITIES[first.severity]}
    if first.score:
        method = "CVSSv31" if first.vector.startswith("CVSS:3.1") else "CVSSv3"
        rating |= {"score": first.score, "method": method, "vector": first.vector}
    value: dict[str, Any] = {
        "bom-ref": id,
        "id": id,
        "source": {"url": first.url} if first.url else {"name": "rung"},
        "ratings": [rating],
        "affects": [{"ref": references[one.package]} for one in group],
    }
    if first.title:
        value["description"] = first.title
    fixes = sorted({f"{one.package.name} {one.fixed}" for one in group if one.fixed})
    if fixes:
        value["recommendation"] = "upgrade to " + ", ".join(fixes)
    return value
