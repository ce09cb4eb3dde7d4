"""Loading what docker, podman, skopeo or Rung saved.

One pass, from a pipe as well: blobs of an image layout go into the store under the
digests their names say, everything else that may be a layer or a configuration under
the digest it turns out to have; what it all means is decided at the end. What no image
needs is collected.
OCI image specification, image-layout.md; docker's image/spec v1.2 (``manifest.json``).
"""

from __future__ import annotations

from rung import jsonc
from rung.image.archive.save import CONTAINERD_NAME
from rung.image.errors import ArchiveError, LayerError
from rung.image.layer import tar
from rung.image.layer.decompress import plain, sniff
from rung.image.layer.names import clean, show
from rung.image.progress import Event
from rung.image.store.layout import REF_NAME
from rung.record import Record
from rung.spec.errors import SpecError
from rung.spec.image import Descriptor, Digest, Index, Reference, choose_platform, media, parse_manifest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, BinaryIO

    from rung.image.content import Content
    from rung.image.progress import Progress
    from rung.image.store.metadata import Lease
    from rung.spec.image import Manifest, Platform

_DOCUMENTS = (b"index.json", b"manifest.json", b"oci-layout", b"repositories")
_DOCUMENT_LIMIT = 8 << 20
_ENTRY_LIMIT = 100_000


class Held(Record):
    """What one pass over an archive found. ``files``: name -> digest and size of what is stored."""

    documents: dict[bytes, bytes]
    files: dict[bytes, tuple[Digest, int]]
    links: dict[bytes, bytes]


class Loadable(Record):
    """One image of the archive. ``target`` is what its name stood for."""

    names: tuple[str, ...]
    target: Descriptor
    manifest_at: Descriptor
    manifest: Manifest


def load(content: Content, file: BinaryIO, platform: Platform, progress: Progress) -> list[str]:
    """Load all images of an archive (also compressed): their names."""
    names: list[str] = []
    try:
        with content.metadata.lease("load") as lease:
            held = _take_in(content, file, lease)
            images = _images(content, held, platform, lease)
            if not images:
                raise ArchiveError("archive", "", "holds no image")
            for image in images:
                progress(Event("", f"Loading {image.names[0]}"))
                config = content.config(image.manifest)
                content.unpack(image.manifest, config, lease, progress)
                for name in image.names:
                    content.publish(name, image.target, image.manifest_at, image.manifest, config)
                    names.append(name)
    except LayerError as error:
        content.collect()
        name = str(getattr(file, "name", ""))
        reason = f"{error.operation} {error.object}".strip() + f" {error.reason}"
        raise ArchiveError("load", name, reason, error.hint) from error
    except Exception:
        content.collect()
        raise
    content.collect()  # what came along and no image needs
    return names


# --- the pass ------------------------------------------------------------------------


def _take_in(content: Content, file: BinaryIO, lease: Lease) -> Held:
    held = Held({}, {}, {})
    reader = tar.TarReader(plain(file.read))
    for count, entry in enumerate(reader):
        if count >= _ENTRY_LIMIT:
            raise ArchiveError("archive", "", f"has more than {_ENTRY_LIMIT} entries", "is it an image? see import")
        name = clean(entry.name)
        if entry.type == tar.FILE and name in _DOCUMENTS:
            held.documents[name] = _document(entry, reader)
        elif entry.type == tar.FILE:
            held.files[name] = _store(content, entry, name, reader, lease)
        elif entry.type in (tar.SYMLINK, tar.HARD_LINK):
            # docker save before 25 writes a layer once and links to it from where it comes again.
            base = name.rpartition(b"/")[0] + b"/" if entry.type == tar.SYMLINK else b""
            held.links[name] = clean(base + entry.link)
    return held


def _document(entry: tar.Entry, reader: tar.TarReader) -> bytes:
    if entry.size > _DOCUMENT_LIMIT:
        raise ArchiveError("archive", show(entry.name), f"is larger than a document may be ({_DOCUMENT_LIMIT})")
    parts = []
    while part := reader.data():
        parts.append(part)
    return b"".join(parts)


def _store(
    content: Content, entry: tar.Entry, name: bytes, reader: tar.TarReader, lease: Lease
) -> tuple[Digest, int]:
    digest = _named_digest(name)
    if digest is not None:
        lease.hold([str(digest)])
    with content.blobs.ingest(digest, entry.size) as ingest:
        if not ingest.done:
            if ingest.offset:
                ingest.restart()
            while chunk := reader.data():
                ingest.write(chunk)
            lease.hold([f"sha256:{ingest.hex}"])
            digest = ingest.commit()
    assert digest is not None
    return digest, entry.size


def _named_digest(name: bytes) -> Digest | None:
    """The digest that ``blobs/sha256/...`` says; None for other names."""
    parts = name.decode("utf-8", "replace").split("/")
    if len(parts) != 3 or parts[0] != "blobs":
        return None
    return Digest.parse(f"{parts[1]}:{parts[2]}", field=show(name), document="archive")


# --- what it means -------------------------------------------------------------------


def _images(content: Content, held: Held, platform: Platform, lease: Lease) -> list[Loadable]:
    if b"index.json" in held.documents:
        return _layout_images(content, held, platform)
    if b"manifest.json" in held.documents:
        return _docker_images(content, held, lease)
    hint = "rung import takes the tar of a root file system"
    raise ArchiveError("archive", "", "has neither index.json nor manifest.json: it is no image", hint)


def _layout_images(content: Content, held: Held, platform: Platform) -> list[Loadable]:
    index = parse_manifest(held.documents[b"index.json"], media.OCI_INDEX, "index.json")
    if not isinstance(index, Index):
        raise SpecError("mediaType", "is not an index", document="index.json")
    tags = _tags_by_config(held)
    found: dict[tuple[Digest, Digest], tuple[list[str], Loadable]] = {}
    for descriptor in index.manifests:
        image = _resolve(content, descriptor, platform)
        if image is None:
            continue
        names, _ = found.setdefault((image.target.digest, image.manifest_at.digest), ([], image))
        annotations = dict(descriptor.annotations)
        wanted = annotations.get(CONTAINERD_NAME) or annotations.get(REF_NAME) or ""
        if wanted and (CONTAINERD_NAME in annotations or not tags):
            names.append(_full_name(wanted))
        names += [_full_name(tag) for tag in tags.get(image.manifest.config.digest, ())]
    return [_named(image, names) for names, image in found.values()]


def _resolve(content: Content, descriptor: Descriptor, platform: Platform) -> Loadable | None:
    """The image behind a descriptor of a layout; None for what is there for other platforms."""
    at = descriptor
    for _ in range(4):
        if not content.blobs.has(at.digest):
            raise ArchiveError("archive", str(at.digest), "is named by index.json and not there")
        parsed = parse_manifest(content.blobs.read(at.digest), at.media_type, f"manifest {at.digest}")
        if not isinstance(parsed, Index):
            if parsed.config.media_type not in media.CONFIGS:
                return None  # an attestation or another artifact
            return Loadable((), descriptor, at, parsed)
        here = [one for one in parsed.manifests if content.blobs.has(one.digest)]
        chosen = choose_platform(here, platform) or next(iter(here), None)
        if chosen is None:
            raise ArchiveError("archive", str(at.digest), "is an index none of whose manifests is there")
        at = chosen
    raise SpecError("manifests", "indexes are nested more than 4 deep", document="index.json")


def _tags_by_config(held: Held) -> dict[Digest, list[str]]:
    """Names from docker's ``manifest.json`` beside an image layout."""
    tags: dict[Digest, list[str]] = {}
    if b"manifest.json" in held.documents:
        for entry in _docker_entries(held):
            config = held.files.get(_linked(held, str(entry["Config"]).encode()))
            if config:
                tags.setdefault(config[0], []).extend(entry.get("RepoTags") or ())
    return tags


def _docker_images(content: Content, held: Held, lease: Lease) -> list[Loadable]:
    images = []
    for entry in _docker_entries(held):
        config = _file(held, entry["Config"])
        layers = []
        for name in entry["Layers"]:
            digest, size = _file(held, name)
            layers.append(Descriptor(_layer_type(content, digest), digest, size))
        config_at = Descriptor(media.OCI_CONFIG, *config)
        data = jsonc.dumps(
            {
                "schemaVersion": 2,
                "mediaType": media.OCI_MANIFEST,
                "config": config_at.to_json(),
                "layers": [layer.to_json() for layer in layers],
            }
        ).encode()
        at = Descriptor(media.OCI_MANIFEST, Digest.of(data), len(data))
        lease.hold([str(at.digest)])
        content.blobs.write(data)
        parsed = parse_manifest(data)
        assert not isinstance(parsed, Index)
        names = [_full_name(tag) for tag in entry.get("RepoTags") or ()]
        images.append(_named(Loadable((), at, at, parsed), names))
    return images


def _docker_entries(held: Held) -> list[dict[str, Any]]:
    try:
        entries = jsonc.loads(held.documents[b"manifest.json"])
    except (ValueError, RecursionError) as error:
        raise SpecError("", f"is not JSON: {error}", document="manifest.json") from None
    if not isinstance(entries, list):
        raise SpecError("", "must be a list", document="manifest.json")
    for at, entry in enumerate(entries):
        layers = entry.get("Layers") if isinstance(entry, dict) else None
        tags = (entry.get("RepoTags") or []) if isinstance(entry, dict) else None
        for field, value in (("Layers", layers), ("RepoTags", tags)):
            if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
                raise SpecError(f"[{at}].{field}", "must be a list of strings", document="manifest.json")
        if not isinstance(entry.get("Config"), str):
            raise SpecError(f"[{at}].Config", "must be a string", document="manifest.json")
    return entries


def _file(held: Held, name: str) -> tuple[Digest, int]:
    found = held.files.get(_linked(held, name.encode("utf-8", "surrogateescape")))
    if found is None:
        raise ArchiveError("archive", show(name.encode("utf-8", "replace")), "is named by manifest.json and not there")
    return found


def _linked(held: Held, name: bytes) -> bytes:
    path = clean(name)
    for _ in range(8):
        if path not in held.links:
            return path
        path = held.links[path]
    raise ArchiveError("archive", show(name), "is a link that leads to itself")


def _layer_type(content: Content, digest: Digest) -> str:
    with content.blobs.open(digest) as file:
        kind = sniff(file.read(6))
    return {"gzip": media.OCI_LAYER_GZIP, "zstd": media.OCI_LAYER_ZSTD}.get(kind, media.OCI_LAYER)


def _full_name(name: str) -> str:
    return str(Reference.parse(name))


def _named(image: Loadable, names: list[str]) -> Loadable:
    """With its names, each once; a made-up one for an image that has none."""
    unique = tuple(dict.fromkeys(names)) or (_full_name(f"untagged:{image.manifest.config.digest.short}"),)
    return Loadable(unique, image.target, image.manifest_at, image.manifest)
