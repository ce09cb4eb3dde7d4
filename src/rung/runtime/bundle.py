"""A bundle read and checked: its config.json valid, its root file system a directory."""

from __future__ import annotations

from rung import jsonc, posix
from rung.files import read_file
from rung.runtime.errors import BundleError
from rung.runtime.parent import parent
from rung.spec.runtime.validate import validate

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rung.spec.runtime.config import Config


def read_bundle(bundle: str, config_file: str = "") -> tuple[str, bytes, Config]:
    """``(absolute path, config.json as it is, its validated content)``.

    ``config_file``: a configuration that lies elsewhere or has another name."""
    path = posix.abspath(bundle)
    file = config_file or posix.join(path, "config.json")
    try:
        text = read_file(file)
    except FileNotFoundError:
        hint = "make one with: rung-runtime spec" if posix.isdir(path) else "the bundle is not there"
        raise BundleError("config.json", f'"{file}"', "not found", hint) from None
    except OSError as error:
        raise BundleError("cannot read", f'"{file}"', str(error.strerror)) from None
    try:
        document = jsonc.loads(text)
    except ValueError as error:
        raise BundleError("config.json", f'"{file}"', f"is not JSON: {error}") from None
    return path, text, with_own_ids(validate(document), posix.geteuid(), posix.getegid())


def with_own_ids(config: Config, uid: int, gid: int) -> Config:
    """Where a new user namespace has no mappings, its root is the caller, and nobody else is in it:
    what everybody may map, and what crun does. (runc refuses.)"""
    linux: Any = config.get("linux") or {}
    new = any(each["type"] == "user" and not each.get("path") for each in linux.get("namespaces") or ())
    if not new or linux.get("uidMappings") or linux.get("gidMappings"):
        return config
    own = {
        "uidMappings": [{"containerID": 0, "hostID": uid, "size": 1}],
        "gidMappings": [{"containerID": 0, "hostID": gid, "size": 1}],
    }
    linux = {**linux, **own}
    return {**config, "linux": linux}


def check_rootfs(bundle: str, config: Config) -> str:
    """The root file system's path. Raises ``BundleError`` when it is no directory."""
    rootfs = posix.join(bundle, config["root"]["path"])
    if rootfs.startswith(("/proc/self/", "/proc/thread-self/", "/dev/fd/")):
        parent().own("root.path")
    try:
        posix.close(posix.open(rootfs, posix.O_PATH | posix.O_DIRECTORY | posix.O_CLOEXEC))
    except NotADirectoryError:
        raise BundleError("root.path", f'"{rootfs}"', "is not a directory") from None
    except OSError as error:
        raise BundleError("root.path", f'"{rootfs}"', str(error.strerror)) from None
    return rootfs
