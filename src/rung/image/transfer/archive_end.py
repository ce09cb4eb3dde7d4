"""Archives as ends of a copy: ``oci-archive:`` and ``docker-archive:``.

What is read may be either form, also compressed, also docker's from before version 25, whose
layers have no digests in it: they are made. What is written is an image layout in a tar,
docker's with ``manifest.json`` beside it, as ``rung image save`` writes.
"""

from __future__ import annotations

import io
import os
import tarfile

from rung import jsonc
from rung.image.errors import ArchiveError, ImageError, StoreError
from rung.image.layer.decompress import sniff
from rung.image.progress import COPIED, COPYING
from rung.image.store.layout import CONTAINERD_NAME, OCI_LAYOUT, REF_NAME
from rung.image.transfer.layout_end import choose
from rung.image.transfer.members import Members
from rung.image.transfer.streams import copy_verified
from rung.spec.image import Descriptor, Digest, Index, Manifest, Reference, media, parse_manifest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from rung.image.registry.upload import Open, Stream

_BUFFER = 1 << 20


class ArchiveSource:
    """An image in an archive. ``ref``: what ``index.json`` calls it, or its ``NAME:TAG``."""

    def __init__(self, path: str, ref: str) -> None:
        self.path = path
        self.ref = ref
        self.members = Members(path)
        self._made: dict[str, str] = {}  # digest -> member, of layers whose names say no digest

    def root(self) -> tuple[Descriptor, bytes]:
        """From ``index.json``, else made from docker's ``manifest.json``."""
        index = self.members.read("index.json")
        if index is None:
            return self._from_docker()
        at = self._chosen(index)
        data = self.members.read(_path(at.digest))
        if data is None:
            raise ArchiveError("read", self.path, f"{at.digest} is named by index.json and not there")
        if not at.digest.matches(data):
            raise ArchiveError("read", self.path, f"{at.digest} has other bytes")
        return at, data

    def _chosen(self, index: bytes) -> Descriptor:
        """Docker names images with two annotations; either may be meant."""
        parsed = parse_manifest(index, media.OCI_INDEX, "index.json")
        if self.ref and isinstance(parsed, Index):
            wanted = {self.ref, _full_name(self.ref)}
            for one in parsed.manifests:
                if dict(one.annotations).get(CONTAINERD_NAME) in wanted:
                    return one
        return choose(index, self.ref, self.path)

    def _from_docker(self) -> tuple[Descriptor, bytes]:
        entry = self._docker_entry()
        config = self._make(str(entry.get("Config")), media.OCI_CONFIG)
        names = entry.get("Layers")
        if not isinstance(names, list):
            raise ArchiveError("read", self.path, "manifest.json names no layers")
        layers = [self._make(str(name), None) for name in names]
        document = {
            "schemaVersion": 2,
            "mediaType": media.OCI_MANIFEST,
            "config": config.to_json(),
            "layers": [layer.to_json() for layer in layers],
        }
        data = jsonc.dumps(document).encode()
        return Descriptor(media.OCI_MANIFEST, Digest.of(data), len(data)), data

    def _docker_entry(self) -> dict[str, Any]:
        data = self.members.read("manifest.json")
        if data is None:
            raise ArchiveError("read", self.path, "has neither index.json nor manifest.json: it is no image")
        try:
            entries = jsonc.loads(data)
        except (ValueError, RecursionError) as error:
            raise ArchiveError("read", self.path, f"manifest.json is not JSON: {error}") from None
        entries = [one for one in entries if isinstance(one, dict)] if isinstance(entries, list) else []
        if self.ref:
            wanted = {self.ref, _full_name(self.ref)}
            entries = [one for one in entries if wanted & {_full_name(str(tag)) for tag in one.get("RepoTags") or ()}]
        if len(entries) != 1:
            reason = f"has no {self.ref!r:.200}" if self.ref else f"holds {len(entries)} images"
            raise ImageError("archive", self.path, reason, "write :NAME:TAG behind it" if entries else "")
        entry: dict[str, Any] = entries[0]
        return entry

    def _make(self, name: str, media_type: str | None) -> Descriptor:
        """The descriptor of a member: its bytes are hashed."""
        stream, size = self.members.open(name)
        hasher, view, head = Digest("sha256", "").hasher(), memoryview(bytearray(_BUFFER)), b""
        try:
            while count := stream.readinto(view):
                head = head or bytes(view[:6])
                hasher.update(view[:count])
        finally:
            stream.close()
        digest = Digest("sha256", hasher.hexdigest())
        kinds = {"": media.OCI_LAYER, "gzip": media.OCI_LAYER_GZIP, "zstd": media.OCI_LAYER_ZSTD}
        self._made[str(digest)] = name
        return Descriptor(media_type or kinds[sniff(head)], digest, size)

    def manifest(self, at: Descriptor) -> bytes | None:
        """From its blob."""
        return self.members.read(_path(at.digest))

    def open(self, blob: Descriptor, offset: int) -> Stream:
        """Where it lies in the archive."""
        return self.members.open(self._made.get(str(blob.digest)) or _path(blob.digest), offset)[0]

    def origins(self, blob: Descriptor) -> Sequence[str]:
        """None that we know of."""
        return ()

    def referrers(self, subject: Digest) -> Sequence[Descriptor]:
        """Archives hold images."""
        return ()

    def close(self) -> None:
        """Close the archive."""
        self.members.close()


class ArchiveDestination:
    """A new archive, written beside its name and renamed."""

    at_once = 1
    moving = COPYING

    def __init__(self, path: str, ref: str, *, docker: bool) -> None:
        self.path = path
        self.ref = ref
        self.docker = docker
        self._written: set[str] = set()
        self._temporary = f"{path}.{os.getpid()}.part"
        try:
            self._file = open(self._temporary, "wb")
        except OSError as error:
            raise StoreError("write", path, error.strerror or "") from error
        self._tar = tarfile.open(fileobj=self._file, mode="w", format=tarfile.PAX_FORMAT)

    def has(self, blob: Descriptor) -> bool:
        """What was written by this copy."""
        return str(blob.digest) in self._written

    def put(self, blob: Descriptor, open: Open, origins: Sequence[str], sent: Callable[[int], None]) -> str:
        """Behind what is there: a header, then the bytes as they come."""
        info = tarfile.TarInfo(_path(blob.digest))
        info.size = blob.size
        self._file.write(info.tobuf(tarfile.PAX_FORMAT))
        copy_verified(blob, open, self._file.write, sent)
        self._file.write(bytes(-blob.size % tarfile.BLOCKSIZE))
        self._tar.offset = self._file.tell()
        self._written.add(str(blob.digest))
        return COPIED

    def put_manifest(self, at: Descriptor, data: bytes) -> None:
        """As a blob."""
        if str(at.digest) not in self._written:
            self._add(_path(at.digest), data)
            self._written.add(str(at.digest))

    def name(self, at: Descriptor, data: bytes) -> None:
        """The documents that say what it all is."""
        self.put_manifest(at, data)
        value = at.to_json()
        annotations: dict[str, str] = {}
        if self.ref:
            annotations = {REF_NAME: self.ref}
            if self.docker:
                full = Reference.parse(self.ref)
                annotations = {CONTAINERD_NAME: str(full), REF_NAME: full.tag}
            value["annotations"] = {**value.get("annotations", {}), **annotations}
        index = {"schemaVersion": 2, "mediaType": media.OCI_INDEX, "manifests": [value]}
        self._add("index.json", jsonc.dumps(index).encode())
        if self.docker:
            self._add("manifest.json", jsonc.dumps([self._docker_entry(at, data)]).encode())
        self._add("oci-layout", OCI_LAYOUT)

    def _docker_entry(self, at: Descriptor, data: bytes) -> dict[str, Any]:
        parsed = parse_manifest(data, at.media_type)
        if not isinstance(parsed, Manifest):
            hint = "copy one with --platform, or to oci-archive:"
            raise ImageError("copy", self.path, "docker's archives hold images of one platform", hint)
        tags = [Reference.parse(self.ref).familiar] if self.ref else []
        layers = [_path(layer.digest) for layer in parsed.layers]
        return {"Config": _path(parsed.config.digest), "RepoTags": tags, "Layers": layers}

    def _add(self, name: str, data: bytes) -> None:
        info = tarfile.TarInfo(name)
        info.size = len(data)
        self._tar.addfile(info, io.BytesIO(data))

    def close(self, *, failed: bool) -> None:
        """Give the archive its name, or remove what there is of it."""
        try:
            if not failed:
                self._tar.close()
            self._file.close()
            if not failed:
                os.rename(self._temporary, self.path)
        except OSError as error:
            raise StoreError("write", self.path, error.strerror or "") from error
        finally:
            if os.path.exists(self._temporary):
                os.unlink(self._temporary)


def _path(digest: Digest) -> str:
    return f"blobs/{digest.algorithm}/{digest.hex}"


def _full_name(text: str) -> str:
    from rung.spec.errors import SpecError

    try:
        return str(Reference.parse(text))
    except SpecError:
        return text
