"""``scan_image``: packages, vulnerabilities, and the forms they are shown in.

    database = update_database(store, ["/srv/feeds"])
    scanned = scan_image(store, "debian:bookworm")
    for finding in scanned.findings: ...
    print(scanned.render("sarif"))
"""

from __future__ import annotations

import os
from importlib import import_module

from rung.image.errors import ScanError
from rung.image.layer.listing import layers_of
from rung.image.progress import Event, silent
from rung.image.scan.database.database import Database
from rung.image.scan.inventory import take_inventory
from rung.image.scan.match import match
from rung.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from rung.image.images.store import Store
    from rung.image.layer.listing import Layer
    from rung.image.progress import Progress
    from rung.image.scan.database.database import Feed
    from rung.image.scan.match import Finding
    from rung.image.scan.packages import OsRelease, Package

#: format -> the module of ``report`` that writes it
FORMATS = {
    "table": "table",
    "json": "document",
    "sarif": "sarif",
    "cyclonedx": "cyclonedx",
    "cyclonedx-1.5": "cyclonedx",
    "spdx-json": "spdx",
    "spdx": "spdx",
}
#: Bills of what is in an image: they need no database.
BILL_FORMATS = ("cyclonedx", "cyclonedx-1.5", "spdx-json", "spdx")


class Scanned(Record):
    """A scan's outcome. ``findings`` is None where only packages were asked for; ``database`` are
    the feeds behind it; ``moment`` is RFC 3339."""

    name: str
    id: str
    digest: str
    repository: str
    architecture: str
    layers: tuple[Layer, ...]
    os: OsRelease | None
    packages: tuple[Package, ...]
    notes: tuple[str, ...]
    findings: tuple[Finding, ...] | None
    moment: str

    def render(self, format: str) -> str:
        """The scan as text of a format of ``FORMATS``."""
        if format not in FORMATS:
            raise ScanError("--format", format, "is not known", f"use {', '.join(FORMATS)}")
        text: str = import_module(f"rung.image.scan.report.{FORMATS[format]}").render(self, format)
        return text


#: What `--update` reads where it is not told: publishers' own addresses.
DEFAULT_FEEDS = (
    "https://security-tracker.debian.org/tracker/data/json",
    "https://osv-vulnerabilities.storage.googleapis.com/PyPI/all.zip",
    "https://osv-vulnerabilities.storage.googleapis.com/npm/all.zip",
    "https://osv-vulnerabilities.storage.googleapis.com/Go/all.zip",
    "https://osv-vulnerabilities.storage.googleapis.com/Ubuntu/all.zip",
    "https://osv-vulnerabilities.storage.googleapis.com/Alpine/all.zip",
    "https://osv-vulnerabilities.storage.googleapis.com/AlmaLinux/all.zip",
    "https://osv-vulnerabilities.storage.googleapis.com/Rocky%20Linux/all.zip",
)


def vulnerability_database(store: Store, path: str = "") -> Database:
    """The vulnerability database of a store, or the one at ``path``."""
    return Database(path or os.path.join(store.root, "scan", "vulnerabilities.db"))


def update_database(
    store: Store, places: Sequence[str] = (), progress: Progress = silent, *, path: str = ""
) -> list[Feed]:
    """Read feeds (files, directories, URLs; the publishers' where none is given) into the database."""
    database = vulnerability_database(store, path)
    feeds = []
    for place in places or DEFAULT_FEEDS:
        progress(Event("", f"Reading {place}"))
        feeds.append(database.update(place))
    return feeds


def scan_image(
    store: Store, name: str, *, vulnerabilities: bool = True, database: str = "", moment: str = ""
) -> Scanned:
    """Look through an image in the store. Raises ``ImageNotFound``, ``LayerError``, ``ScanError``."""
    image = store.get(name)
    known = vulnerability_database(store, database)
    if vulnerabilities and not known.exists():
        with known.lookup():
            pass
    with store.content.metadata.lease(f"scan {image.id.short}") as lease:
        lease.hold([image.row.manifest])
        layers = layers_of(image.manifest, image.config)
        inventory = take_inventory(store.content, layers)
    findings = None
    if vulnerabilities:
        with known.lookup() as lookup:
            findings = tuple(match(inventory.packages, inventory.os, lookup))
    return Scanned(
        name=image.name,
        id=str(image.id),
        digest=str(image.digest),
        repository=image.reference.familiar_name,
        architecture=str(image.platform),
        layers=tuple(layers),
        os=inventory.os,
        packages=inventory.packages,
        notes=inventory.notes,
        findings=findings,
        moment=moment or _now(),
    )


def _now() -> str:
    from datetime import UTC, datetime

    epoch = os.environ.get("SOURCE_DATE_EPOCH", "")
    moment = datetime.fromtimestamp(int(epoch), UTC) if epoch.isdigit() else datetime.now(UTC)
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")
