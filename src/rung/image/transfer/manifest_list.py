"""``rung manifest``: an index put together from manifests that are in registries.

As docker's: a list is drafted here (``create``, ``annotate``), and becomes an index in a
registry with ``push``. Drafts are small JSON files; nothing of the images is fetched but what
says for which platform they are.
"""

from __future__ import annotations

import os
from urllib.parse import quote

from rung import jsonc
from rung.image.errors import ImageError, StoreError
from rung.image.registry import manifests
from rung.image.registry.client import Registry
from rung.image.registry.limits import limits_with
from rung.image.store.blobs import replace_file
from rung.image.transfer.copy import copy
from rung.image.transfer.registry_end import RegistryDestination, RegistrySource
from rung.spec.image import Index, Reference, media, parse_config, parse_manifest

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from rung.image.cancellation import Cancellation
    from rung.image.progress import Progress
    from rung.image.registry.auth import Credentials
    from rung.spec.image import Descriptor, Digest, Manifest, Platform

    #: ``{"manifests": [{"name": reference, "descriptor": {...}}]}``
    Draft = dict[str, Any]


def read_remote(name: str, *, insecure: bool = False) -> tuple[str, bytes]:
    """A manifest or an index as a registry has it: its type and bytes."""
    reference = Reference.parse(name)
    with Registry(reference.domain, insecure=insecure) as registry:
        at, data = manifests.get(registry, reference.path, reference.target)
    return at.media_type, data


def describe_remote(
    name: str,
    *,
    insecure: bool = False,
    credentials: Credentials | None = None,
    cancellation: Cancellation | None = None,
) -> tuple[Descriptor, list[Platform]]:
    """What a registry has under a name, and the platforms that it is for: an index says them, an image's configuration
    its one."""
    reference = Reference.parse(name)
    limits = limits_with(cancellation)
    with Registry(reference.domain, insecure=insecure, credentials=credentials, limits=limits) as registry:
        at, data = manifests.get(registry, reference.path, reference.target)
        parsed = parse_manifest(data, at.media_type, f"manifest {reference.familiar}")
        if isinstance(parsed, Index):
            return at, [one.platform for one in parsed.manifests if one.platform]
        return at, [_platform(registry, reference, parsed)] if parsed.config.media_type in media.CONFIGS else []


def _platform(registry: Registry, of: Reference, manifest: Manifest) -> Platform:
    """Of an image, from its configuration."""
    config = registry.document(of.path, f"blobs/{manifest.config.digest}", "*/*").data
    if not manifest.config.digest.matches(config):
        raise ImageError("image", of.familiar, "its configuration has another digest")
    return parse_config(config, f"config of {of.familiar}").platform


class ManifestLists:
    """The drafts below one directory."""

    def __init__(self, directory: str, *, insecure: bool = False) -> None:
        self.directory = directory
        self.insecure = insecure

    def create(self, name: str, members: Sequence[str], *, amend: bool = False) -> str:
        """Draft a list, or add to one; its full name."""
        reference = Reference.parse(name)
        draft = self._load(reference)
        if draft is not None and not amend:
            hint = "--amend adds to it, rung manifest rm drops it"
            raise ImageError("manifest list", reference.familiar, "is drafted already", hint)
        draft = draft or {"manifests": []}
        for member in members:
            self._add(draft, Reference.parse(member))
        self._save(reference, draft)
        return str(reference)

    def _add(self, draft: Draft, member: Reference) -> None:
        with Registry(member.domain, insecure=self.insecure) as registry:
            at, data = manifests.get(registry, member.path, member.target)
            parsed = parse_manifest(data, at.media_type, f"manifest {member.familiar}")
            if isinstance(parsed, Index):
                raise ImageError("manifest list", member.familiar, "is a manifest list itself")
            value = at.to_json()
            if parsed.config.media_type in media.CONFIGS:
                value = at.replace(platform=_platform(registry, member, parsed)).to_json()
        draft["manifests"] = [one for one in draft["manifests"] if one["name"] != str(member)]
        draft["manifests"].append({"name": str(member), "descriptor": value})

    def annotate(self, name: str, member: str, **platform: Any) -> None:
        """Say of a manifest in a list for which platform it is: ``os``, ``architecture``, ``variant``,
        ``os.version`` and ``os.features``; what is empty stays."""
        reference, of = Reference.parse(name), Reference.parse(member)
        draft = self._get(reference)
        for one in draft["manifests"]:
            if one["name"] == str(of):
                said = {key.replace("_", "."): value for key, value in platform.items() if value}
                one["descriptor"]["platform"] = {**one["descriptor"].get("platform", {}), **said}
                break
        else:
            raise ImageError("manifest list", reference.familiar, f"has no manifest {of.familiar}")
        self._save(reference, draft)

    def index(self, name: str) -> bytes | None:
        """The index that a draft stands for; None where there is no such draft."""
        draft = self._load(Reference.parse(name))
        return None if draft is None else _index(draft)

    def push(self, name: str, progress: Progress, *, purge: bool = False) -> Digest:
        """Bring the list into its registry, and those of its manifests that are in other repositories."""
        reference = Reference.parse(name)
        draft = self._get(reference)
        for one in draft["manifests"]:
            member = Reference.parse(one["name"])
            if member.name == reference.name:
                continue
            source = RegistrySource(_by_digest(member, one), insecure=self.insecure)
            to = RegistryDestination(_by_digest(reference, one), insecure=self.insecure)
            copy(source, to, progress)
        data = _index(draft)
        with Registry(reference.domain, insecure=self.insecure) as registry:
            digest = manifests.put(registry, reference.path, reference.target, data, jsonc.loads(data)["mediaType"])
        if purge:
            self.remove(name)
        return digest

    def remove(self, name: str) -> None:
        """Drop a draft."""
        reference = Reference.parse(name)
        try:
            os.unlink(self._path(reference))
        except FileNotFoundError:
            raise _unknown(reference) from None

    # --- the files -----------------------------------------------------------------------

    def _path(self, reference: Reference) -> str:
        return os.path.join(self.directory, quote(str(reference), safe="") + ".json")

    def _get(self, reference: Reference) -> Draft:
        draft = self._load(reference)
        if draft is None:
            raise _unknown(reference)
        return draft

    def _load(self, reference: Reference) -> Draft | None:
        path = self._path(reference)
        try:
            with open(path, "rb") as file:
                draft: Draft = jsonc.loads(file.read())
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            raise StoreError("read", path, getattr(error, "strerror", None) or str(error)) from error
        return draft

    def _save(self, reference: Reference, draft: Draft) -> None:
        try:
            os.makedirs(self.directory, mode=0o700, exist_ok=True)
            replace_file(self._path(reference), jsonc.dumps(draft).encode())
        except OSError as error:
            raise StoreError("write", self._path(reference), error.strerror or "") from error


def _unknown(reference: Reference) -> ImageError:
    return ImageError("manifest list", reference.familiar, "is not drafted here", "rung manifest create drafts it")


def _index(draft: Draft) -> bytes:
    """docker's type of list if everything in it is docker's, as not every registry takes a mixed one."""
    members = [one["descriptor"] for one in draft["manifests"]]
    all_docker = all(one["mediaType"] == media.DOCKER_MANIFEST for one in members)
    kind = media.DOCKER_INDEX if all_docker and members else media.OCI_INDEX
    return jsonc.dumps({"schemaVersion": 2, "mediaType": kind, "manifests": members}, indent=3).encode()


def _by_digest(reference: Reference, member: Draft) -> Reference:
    return Reference.parse(f"{reference.name}@{member['descriptor']['digest']}")


