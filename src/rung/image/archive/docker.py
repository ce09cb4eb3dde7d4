"""Images of what ``docker save`` wrote since 1.10: ``manifest.json`` names configurations and layers.

docker's image/spec v1.2, "Combined Image JSON + Filesystem Changeset Format".
"""

from __future__ import annotations

from rung import jsonc
from rung.image.archive.loadable import full_name, layer_at, make_manifest
from rung.record import Record
from rung.spec.errors import SpecError
from rung.spec.image import Descriptor, media

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rung.image.archive.loadable import Loadable
    from rung.image.archive.take_in import Held
    from rung.image.content import Content
    from rung.image.store.metadata import Lease

_DOCUMENT = "manifest.json"


class Entry(Record):
    """One image of a ``manifest.json``: names of files in the archive."""

    config: str
    tags: tuple[str, ...]
    layers: tuple[str, ...]


def docker_images(content: Content, held: Held, lease: Lease) -> list[Loadable]:
    """One for each entry of ``manifest.json``."""
    images = []
    for entry in docker_entries(held):
        config = Descriptor(media.OCI_CONFIG, *held.file(entry.config))
        layers = [layer_at(content, *held.file(name)) for name in entry.layers]
        names = [full_name(tag, _DOCUMENT) for tag in entry.tags]
        images.append(make_manifest(content, lease, names, config, layers))
    return images


def docker_entries(held: Held) -> list[Entry]:
    """What ``manifest.json`` says; raises ``SpecError``."""
    try:
        entries = jsonc.loads(held.documents[_DOCUMENT.encode()])
    except (ValueError, RecursionError) as error:
        raise SpecError("", f"is not JSON: {error}", document=_DOCUMENT) from None
    if not isinstance(entries, list):
        raise SpecError("", "must be a list", document=_DOCUMENT)
    return [_entry(f"[{at}]", value) for at, value in enumerate(entries)]


def _entry(path: str, value: Any) -> Entry:
    fields = value if isinstance(value, dict) else {}
    if not isinstance(fields.get("Config"), str):
        raise SpecError(f"{path}.Config", "must be a string", document=_DOCUMENT)
    tags, layers = fields.get("RepoTags") or [], fields.get("Layers")
    for field, found in (("RepoTags", tags), ("Layers", layers)):
        if not isinstance(found, list) or not all(isinstance(one, str) for one in found):
            raise SpecError(f"{path}.{field}", "must be a list of strings", document=_DOCUMENT)
    return Entry(fields["Config"], tuple(tags), tuple(layers or ()))
