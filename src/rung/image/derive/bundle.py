"""An image as a bundle for an OCI runtime: a root file system and the configuration it asks for.

Rule: ``runtime_config`` is pure and follows the image specification's conversion.md (1.1): what the
image says is verbatim, the rest is what ``rung-runtime spec`` would write.
"""

from __future__ import annotations

import os

from rung.image.errors import ImageError
from rung.image.snapshot.tree import copy_layer, remove_tree
from rung.kernel.path import read_below
from rung.spec.passwd import GROUP_FIELDS, PASSWD_FIELDS, entries, resolve
from rung.spec.runtime.default import default_config, rootless_config, to_text

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rung.image.images.image import Image
    from rung.image.images.store import Store
    from rung.spec.passwd import Account

_LIMIT_BYTES = 4 << 20
_PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
_NAMES = "org.opencontainers.image."


def unpack_bundle(store: Store, image: Image, bundle: str, *, rootless: bool = False) -> None:
    """Make a bundle at ``bundle``, a directory that must not exist or be empty."""
    if os.path.isdir(bundle) and os.listdir(bundle):
        raise ImageError("unpack", bundle, "is not empty")
    os.makedirs(bundle, exist_ok=True)
    rootfs = os.path.join(bundle, "rootfs")
    config = os.path.join(bundle, "config.json")
    content = store.content
    try:
        os.mkdir(rootfs, 0o755)
        with content.metadata.lease(f"unpack {image.name}") as lease:
            lease.hold([image.row.manifest])
            content.unpack(image.manifest, image.config, lease, lambda _: None)
            for layer in reversed(content.lower_directories(image.row.chain) if image.row.chain else []):
                copy_layer(layer, rootfs)
            content.hide_layers(image.row.chain)
        document = runtime_config(image.document, _account(rootfs, image.config.user), rootless=rootless)
        with open(config, "x") as file:
            file.write(to_text(document))
    except BaseException:
        remove_tree(rootfs)
        raise


def _account(rootfs: str, user: str) -> Account:
    root = os.open(rootfs, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        passwd = entries(read_below(root, "etc/passwd", _LIMIT_BYTES), PASSWD_FIELDS)
        return resolve(user, passwd, entries(read_below(root, "etc/group", _LIMIT_BYTES), GROUP_FIELDS))
    finally:
        os.close(root)


def runtime_config(image: dict[str, Any], account: Account, *, rootless: bool = False) -> dict[str, Any]:
    """The runtime configuration for an image's whole configuration document."""
    running = image.get("config") or {}
    config: dict[str, Any] = dict(
        rootless_config(os.geteuid(), os.getegid()) if rootless else default_config()
    )
    process = config["process"]
    env = list(running.get("Env") or ())
    known = {one.partition("=")[0] for one in env}
    env += [_PATH] * ("PATH" not in known) + ["TERM=xterm"] * ("TERM" not in known)
    env += [f"HOME={account.home}"] * ("HOME" not in known)
    arguments = [*(running.get("Entrypoint") or ()), *(running.get("Cmd") or ())]
    user: dict[str, Any] = {"uid": account.uid, "gid": account.gid}
    if account.groups and not rootless:
        user["additionalGids"] = list(account.groups)
    config["process"] = {
        **process,
        "user": user,
        "args": arguments or process["args"],
        "env": env,
        "cwd": running.get("WorkingDir") or "/",
    }
    config["root"] = {"path": "rootfs"}
    config["mounts"] = [*config["mounts"], *map(_volume, sorted(running.get("Volumes") or ()))]
    notes = annotations_of(image)
    return {**config, "annotations": notes} if notes else config


def annotations_of(image: dict[str, Any]) -> dict[str, str]:
    """conversion.md#annotation-fields; a label of the same name wins."""
    running = image.get("config") or {}
    found = {
        "os": image.get("os"),
        "architecture": image.get("architecture"),
        "variant": image.get("variant"),
        "os.version": image.get("os.version"),
        "os.features": ",".join(image.get("os.features") or ()),
        "author": image.get("author"),
        "created": image.get("created"),
        "stopSignal": running.get("StopSignal"),
        "exposedPorts": ",".join(sorted(running.get("ExposedPorts") or ())),
    }
    notes = {_NAMES + name: value for name, value in found.items() if value}
    return {**notes, **(running.get("Labels") or {})}


def _volume(path: str) -> dict[str, Any]:
    """conversion.md#volumes: a mount at each; a tmpfs, as umoci has it."""
    options = ["rw", "nosuid", "nodev", "noexec", "relatime"]
    return {"destination": path, "type": "tmpfs", "source": "none", "options": options}
