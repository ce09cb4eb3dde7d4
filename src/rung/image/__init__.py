"""Rung 3: images. What the rungs above may use is named here; all of it loads when touched.

    store = Store("/var/lib/rung")
    image = store.pull("debian:trixie")
    rootfs = store.prepare_rootfs(image, "web-1")
    rootfs.mount("/run/web-1/rootfs")
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.image.archive.changes import parse_changes
    from rung.image.cancellation import Cancellation
    from rung.image.derive.bundle import unpack_bundle
    from rung.image.derive.convert import convert
    from rung.image.derive.diff import diff_images
    from rung.image.derive.squash import squash
    from rung.image.derive.view import mount_image, unmount_image, views
    from rung.image.errors import (
        ArchiveError,
        BootstrapError,
        Cancelled,
        ContentError,
        ImageError,
        ImageInUse,
        ImageNotFound,
        LayerError,
        PolicyError,
        RegistryError,
        ScanError,
        SignatureError,
        StoreError,
    )
    from rung.image.explore.explored import Explored, explore_image
    from rung.image.explore.rules import rules_from
    from rung.image.images.forest import ImageTree
    from rung.image.images.history import Past
    from rung.image.images.image import Image
    from rung.image.images.inspect import inspected
    from rung.image.images.remove import Removed
    from rung.image.images.store import Store
    from rung.image.images.summary import Summary
    from rung.image.images.times import seconds_of
    from rung.image.images.usage import Usage
    from rung.image.progress import Event
    from rung.image.registry.auth import Credentials
    from rung.image.registry.search import list_tags, search
    from rung.image.registry.session import login, logout, stored_login, stored_user, try_login
    from rung.image.rootfs import Rootfs
    from rung.image.scan.choose import Choice, parse_ignored, parse_severities
    from rung.image.scan.scanned import (
        BILL_FORMATS,
        Scanned,
        scan_image,
        update_database,
        vulnerability_database,
    )
    from rung.image.serve.bcrypt import bcrypt_hash
    from rung.image.serve.service import RegistryOptions, RegistryServer, collect_registry
    from rung.image.sign.keys import PrivateKey, PublicKey
    from rung.image.sign.signing import sign_image
    from rung.image.sign.verifying import verify_image
    from rung.image.snapshot.snapshots import Snapshots
    from rung.image.store.collect import Collected
    from rung.image.store.verify import Problem, Verified
    from rung.image.transfer.manifest_list import ManifestLists, describe_remote, read_remote
    from rung.image.transfer.places import copy_image
    from rung.image.transfer.referrers import list_referrers

_HOME = {
    "Cancellation": "cancellation",
    "RegistryOptions": "serve.service",
    "RegistryServer": "serve.service",
    "bcrypt_hash": "serve.bcrypt",
    "collect_registry": "serve.service",
    "PrivateKey": "sign.keys",
    "PublicKey": "sign.keys",
    "sign_image": "sign.signing",
    "verify_image": "sign.verifying",
    "Credentials": "registry.auth",
    "Event": "progress",
    "Explored": "explore.explored",
    "Image": "images.image",
    "ImageTree": "images.forest",
    "ManifestLists": "transfer.manifest_list",
    "Past": "images.history",
    "Summary": "images.summary",
    "Removed": "images.remove",
    "Rootfs": "rootfs",
    "Snapshots": "snapshot.snapshots",
    "Store": "images.store",
    "convert": "derive.convert",
    "squash": "derive.squash",
    "unpack_bundle": "derive.bundle",
    "views": "derive.view",
    "unmount_image": "derive.view",
    "mount_image": "derive.view",
    "diff_images": "derive.diff",
    "Collected": "store.collect",
    "Usage": "images.usage",
    "Problem": "store.verify",
    "Verified": "store.verify",
    "copy_image": "transfer.places",
    "explore_image": "explore.explored",
    "list_referrers": "transfer.referrers",
    "list_tags": "registry.search",
    "login": "registry.session",
    "logout": "registry.session",
    "describe_remote": "transfer.manifest_list",
    "read_remote": "transfer.manifest_list",
    "rules_from": "explore.rules",
    "search": "registry.search",
    "stored_login": "registry.session",
    "stored_user": "registry.session",
    "try_login": "registry.session",
    "inspected": "images.inspect",
    "seconds_of": "images.times",
    "Choice": "scan.choose",
    "parse_changes": "archive.changes",
    "parse_ignored": "scan.choose",
    "parse_severities": "scan.choose",
    "BILL_FORMATS": "scan.scanned",
    "Scanned": "scan.scanned",
    "scan_image": "scan.scanned",
    "update_database": "scan.scanned",
    "vulnerability_database": "scan.scanned",
}

__all__ = [
    "ArchiveError",
    "BILL_FORMATS",
    "BootstrapError",
    "Cancellation",
    "Cancelled",
    "Choice",
    "ContentError",
    "Credentials",
    "Event",
    "Explored",
    "Image",
    "ImageError",
    "ImageInUse",
    "ImageNotFound",
    "ImageTree",
    "LayerError",
    "ManifestLists",
    "Past",
    "PolicyError",
    "PrivateKey",
    "PublicKey",
    "RegistryError",
    "RegistryOptions",
    "RegistryServer",
    "Removed",
    "Rootfs",
    "ScanError",
    "Scanned",
    "SignatureError",
    "Snapshots",
    "Store",
    "StoreError",
    "convert",
    "squash",
    "unpack_bundle",
    "views",
    "unmount_image",
    "mount_image",
    "diff_images",
    "Summary",
    "Collected",
    "Usage",
    "Problem",
    "Verified",
    "bcrypt_hash",
    "collect_registry",
    "copy_image",
    "explore_image",
    "inspected",
    "list_referrers",
    "list_tags",
    "login",
    "logout",
    "parse_changes",
    "parse_ignored",
    "parse_severities",
    "describe_remote",
    "read_remote",
    "rules_from",
    "scan_image",
    "search",
    "seconds_of",
    "sign_image",
    "stored_login",
    "stored_user",
    "try_login",
    "update_database",
    "verify_image",
    "vulnerability_database",
]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOME.get(name, 'errors')}"), name)
