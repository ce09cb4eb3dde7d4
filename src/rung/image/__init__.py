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
    from rung.image.images.image import Image
    from rung.image.images.remove import Removed
    from rung.image.images.store import Store
    from rung.image.progress import Event
    from rung.image.rootfs import Rootfs
    from rung.image.serve.bcrypt import bcrypt_hash
    from rung.image.serve.service import RegistryOptions, RegistryServer, collect_registry

_HOME = {
    "RegistryOptions": "serve.service",
    "RegistryServer": "serve.service",
    "bcrypt_hash": "serve.bcrypt",
    "collect_registry": "serve.service",
    "Event": "progress",
    "Explored": "explore.explored",
    "Image": "images.image",
    "Removed": "images.remove",
    "Rootfs": "rootfs",
    "Store": "images.store",
    "explore_image": "explore.explored",
    "rules_from": "explore.rules",
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
    "RegistryError",
    "RegistryOptions",
    "RegistryServer",
    "Removed",
    "Rootfs",
    "Store",
    "StoreError",
    "bcrypt_hash",
    "collect_registry",
    "explore_image",
    "rules_from",
]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOME.get(name, 'errors')}"), name)
