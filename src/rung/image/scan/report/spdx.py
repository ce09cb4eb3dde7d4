"""A bill of materials as SPDX 2.3 JSON.

SPDX 2.3, clauses 6 (document), 7 (packages), 11 (relationships); the namespace comes from the image's
digest and moment, as 6.5 wants it: unique for this document.
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

    from rung.image.scan.packages import Package
    from rung.image.scan.scanned import Scanned

_NONE = "NOASSERTION"


def render(scanned: Scanned, format: str) -> str:
    """The document."""
    return json.dumps(document(scanned), indent=2) + "\n"


def document(scanned: Scanned) -> dict[str, Any]:
    """The JSON value."""
    image_id = "SPDXRef-ContainerImage"
    packages: list[dict[str, Any]] = [_image(scanned, image_id)]
    relationships = [_relationship("SPDXRef-DOCUMENT", "DESCRIBES", image_id)]
    owner = image_id
    if scanned.os:
        owner = "SPDXRef-OperatingSystem"
        packages.append(_system(scanned, owner))
        relationships.append(_relationship(image_id, "CONTAINS", owner))
    for package in scanned.packages:
        element = f"SPDXRef-Package-{uuid5(NAMESPACE_URL, repr(package.values()[:4])).hex[:16]}"
        packages.append(_package(scanned, package, element))
        relationships.append(_relationship(owner if package.system else image_id, "CONTAINS", element))
    unique = uuid5(NAMESPACE_URL, f"{scanned.digest} {scanned.moment}")
    return {
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": scanned.name,
        "documentNamespace": f"urn:uuid:{unique}",
        "creationInfo": {"creators": [f"Tool: rung-{__version__}"], "created": scanned.moment},
        "packages": packages,
        "relationships": relationships,
    }


def _relationship(one: str, kind: str, other: str) -> dict[str, str]:
    return {"spdxElementId": one, "relationshipType": kind, "relatedSpdxElement": other}


def _reference(locator: str) -> dict[str, str]:
    return {"referenceCategory": "PACKAGE-MANAGER", "referenceType": "purl", "referenceLocator": locator}


def _common(id: str, name: str, version: str, purpose: str) -> dict[str, Any]:
    return {
        "SPDXID": id,
        "name": name,
        **({"versionInfo": version} if version else {}),
        "downloadLocation": _NONE,
        "filesAnalyzed": False,
        "primaryPackagePurpose": purpose,
        "licenseConcluded": _NONE,
        "licenseDeclared": _NONE,
        "copyrightText": _NONE,
    }


def _image(scanned: Scanned, id: str) -> dict[str, Any]:
    algorithm, _, checksum = scanned.digest.partition(":")
    name = scanned.repository.rpartition("/")[2]
    return {
        **_common(id, scanned.name, scanned.digest, "CONTAINER"),
        "checksums": [{"algorithm": algorithm.upper(), "checksumValue": checksum}],
        "externalRefs": [_reference(f"pkg:oci/{name}@{algorithm}%3A{checksum}")],
    }


def _system(scanned: Scanned, id: str) -> dict[str, Any]:
    assert scanned.os is not None
    return {**_common(id, scanned.os.id, scanned.os.version, "OPERATING_SYSTEM"), "summary": scanned.os.name}


def _package(scanned: Scanned, package: Package, id: str) -> dict[str, Any]:
    value = _common(id, package.name, package.version, "LIBRARY")
    value["externalRefs"] = [_reference(purl(package, scanned.os))]
    layer = scanned.layers[package.layer]
    path = package.path.decode("utf-8", "backslashreplace")
    value["sourceInfo"] = f"found in /{path} of layer {layer.digest}"
    if package.system:
        value["sourceInfo"] += f", built from {package.origin} {package.origin_version}"
    if package.supplier:
        value["supplier"] = f"Organization: {package.supplier}"
    if package.licence and is_expression(package.licence):
        value["licenseDeclared"] = package.licence
    elif package.licence:
        value["licenseComments"] = f"declared as: {package.licence}"
    return value
