"""Images of what ``docker save`` wrote before 1.10: a folder a layer, and ``repositories``.

Each folder has ``json`` (its own and its ``parent``'s ID, what was run, the whole configuration)
and ``layer.tar``; ``repositories`` says which folder a name stands for. There are no diff IDs:
they are found by reading the layers, and a configuration of today's form is written.
docker's image/spec v1.
"""

from __future__ import annotations

import hashlib

from rung import jsonc
from rung.image.archive.loadable import full_name, layer_at, make_manifest
from rung.image.errors import ArchiveError
from rung.image.layer.decompress import plain
from rung.spec.errors import SpecError
from rung.spec.image import Descriptor, Digest, media

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rung.image.archive.loadable import Loadable
    from rung.image.archive.take_in import Held
    from rung.image.content import Content
    from rung.image.store.metadata import Lease

_DEPTH = 500
#: What of a folder's ``json`` is the image's and not the layer's.
_KEPT = ("architecture", "os", "variant", "author", "config", "created", "docker_version")
_CHUNK = 1 << 20


def legacy_images(content: Content, held: Held, lease: Lease) -> list[Loadable]:
    """One for each folder that ``repositories`` names."""
    names: dict[str, list[str]] = {}
    for repository, tags in _mapping(held.documents[b"repositories"], "repositories").items():
        if not isinstance(tags, dict):
            raise SpecError(repository, "must be an object", document="repositories")
        for tag, folder in tags.items():
            if not isinstance(folder, str):
                raise SpecError(f"{repository}.{tag}", "must be a string", document="repositories")
            names.setdefault(folder, []).append(full_name(f"{repository}:{tag}", "repositories"))
    return [_image(content, held, lease, folder, found) for folder, found in names.items()]


def _image(content: Content, held: Held, lease: Lease, folder: str, names: list[str]) -> Loadable:
    chain = _chain(held, folder)
    layers, diff_ids, history = [], [], []
    for name, document in chain:
        digest, size = held.file(f"{name}/layer.tar", f"{name}/json")
        layers.append(layer_at(content, digest, size))
        diff_ids.append(str(_diff_id(content, digest)))
        history.append(_step(document))
    top = chain[-1][1]
    config = {key: top[key] for key in _KEPT if top.get(key)}
    config.setdefault("architecture", "amd64")
    config.setdefault("os", "linux")
    config |= {"rootfs": {"type": "layers", "diff_ids": diff_ids}, "history": history}
    data = jsonc.dumps(config).encode()
    lease.hold([str(Digest.of(data))])
    at = Descriptor(media.OCI_CONFIG, content.blobs.write(data), len(data))
    return make_manifest(content, lease, names, at, layers)


def _chain(held: Held, folder: str) -> list[tuple[str, dict[str, Any]]]:
    """The folders of an image and their documents, base first."""
    chain: list[tuple[str, dict[str, Any]]] = []
    while folder:
        path = f"{folder}/json"
        if len(chain) >= _DEPTH or any(folder == known for known, _ in chain):
            raise ArchiveError("archive", path, "is its own parent, or has too many")
        data = held.legacy.get(held.linked(path.encode()))
        if data is None:
            raise ArchiveError("archive", path, "is named as a parent and not there")
        document = _mapping(data, path)
        chain.append((folder, document))
        folder = document.get("parent") or ""
        if not isinstance(folder, str):
            raise SpecError("parent", "must be a string", document=path)
    return chain[::-1]


def _step(document: dict[str, Any]) -> dict[str, Any]:
    run = document.get("container_config")
    words = run.get("Cmd") if isinstance(run, dict) else None
    step = {
        "created": document.get("created"),
        "author": document.get("author"),
        "created_by": " ".join(map(str, words)) if isinstance(words, list) else "",
        "comment": document.get("comment"),
    }
    return {key: value for key, value in step.items() if isinstance(value, str) and value}


def _mapping(data: bytes, document: str) -> dict[str, Any]:
    try:
        value = jsonc.loads(data)
    except (ValueError, RecursionError) as error:
        raise SpecError("", f"is not JSON: {error}", document=document) from None
    if not isinstance(value, dict):
        raise SpecError("", "must be an object", document=document)
    return value


def _diff_id(content: Content, digest: Digest) -> Digest:
    hasher = hashlib.sha256()
    with content.blobs.open(digest) as file:
        read = plain(file.read)
        while chunk := read(_CHUNK):
            hasher.update(chunk)
    return Digest("sha256", hasher.hexdigest())
