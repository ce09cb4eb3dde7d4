"""Rung 3: images. What the rungs above may use is named here; all of it loads when touched.

    store = Store("/var/lib/rung")
    image = store.pull("debian:trixie")
    rootfs = store.prepare_rootfs(image, "web-1")
    rootfs.mount("/run/web-1/rootfs")
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.image.errors import (
        ArchiveError,
        BootstrapError,
        ContentError,
        ImageError,
        ImageInUse,
        ImageNotFound,
        LayerError,
        RegistryError,
        StoreError,
    )
    from rung.image.explore.explored import Explored, explore_image
    from rung.image.explore.rules import rules_from
    from rung.image.images.history import Past
    from rung.image.images.image import Image
    from rung.image.images.inspect import inspected
    from rung.image.images.remove import Removed
    from rung.image.images.store import Store
    from rung.image.images.summary import Summary
    from rung.image.images.times import seconds_of
    from rung.image.progress import Event
    from rung.image.registry.search import list_tags, search
    from rung.image.registry.session import login, logout, stored_user
    from rung.image.rootfs import Rootfs
    from rung.image.serve.bcrypt import bcrypt_hash
    from rung.image.serve.service import RegistryOptions, RegistryServer, collect_registry
    from rung.image.transfer.manifest_list import ManifestLists, read_remote
    from rung.image.transfer.places import copy_image
    from rung.image.transfer.referrers import list_referrers

_HOME = {
    "RegistryOptions": "serve.service",
    "RegistryServer": "serve.service",
    "bcrypt_hash": "serve.bcrypt",
    "collect_registry": "serve.service",
    "Event": "progress",
    "Explored": "explore.explored",
    "Image": "images.image",
    "ManifestLists": "transfer.manifest_list",
    "Past": "images.history",
    "Summary": "images.summary",
    "Removed": "images.remove",
    "Rootfs": "rootfs",
    "Store": "images.store",
    "copy_image": "transfer.places",
    "explore_image": "explore.explored",
    "list_referrers": "transfer.referrers",
    "list_tags": "registry.search",
    "login": "registry.session",
    "logout": "registry.session",
    "read_remote": "transfer.manifest_list",
    "rules_from": "explore.rules",
    "search": "registry.search",
    "stored_user": "registry.session",
    "inspected": "images.inspect",
    "seconds_of": "images.times",
}

__all__ = [
    "ArchiveError",
    "BootstrapError",
    "ContentError",
    "Event",
    "Explored",
    "Image",
    "ImageError",
    "ImageInUse",
    "ImageNotFound",
    "LayerError",
    "ManifestLists",
    "RegistryError",
    "RegistryOptions",
    "RegistryServer",
    "Past",
    "Summary",
    "Removed",
    "Rootfs",
    "Store",
    "StoreError",
    "bcrypt_hash",
    "collect_registry",
    "copy_image",
    "explore_image",
    "list_referrers",
    "list_tags",
    "login",
    "logout",
    "read_remote",
    "rules_from",
    "search",
    "stored_user",
    "inspected",
    "seconds_of",
]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOME.get(name, 'errors')}"), name)
