"""The container's /dev: nodes and links every container gets, and those it asks for.

config-linux.md: Default Devices, Devices. In a user namespace ``mknod`` is refused: those asked
for are made outside, and the default ones carry the host's path to bind instead.
"""

from __future__ import annotations

from rung.runtime.plan import steps
from rung.runtime.plan.cgroupmounts import bind_tree
from rung.runtime.plan.mounts import binds, inside
from rung.runtime.plan.namespaces import new_and_joined
from rung.runtime.plan.request import get

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rung.runtime.plan.request import Request
    from rung.runtime.plan.steps import Step
    from rung.spec.runtime.config import Config, Device, IdMapping

_DEFAULT = (
    ("/dev/null", 1, 3),
    ("/dev/random", 1, 8),
    ("/dev/full", 1, 7),
    ("/dev/tty", 5, 0),
    ("/dev/zero", 1, 5),
    ("/dev/urandom", 1, 9),
)
_LINKS = (
    ("/dev/fd", "/proc/self/fd"),
    ("/dev/stdin", "/proc/self/fd/0"),
    ("/dev/stdout", "/proc/self/fd/1"),
    ("/dev/stderr", "/proc/self/fd/2"),
)
_S_IFIFO, _S_IFCHR, _S_IFBLK = 0o010000, 0o020000, 0o060000  # inode(7)
_TYPES = {"c": _S_IFCHR, "u": _S_IFCHR, "b": _S_IFBLK, "p": _S_IFIFO}


#: MakeDevice's slots are the last ones; what is over is the host's own.
_FIRST_SLOT = steps.SLOT_COUNT - steps.DEVICES_MAX


def device_steps(request: Request) -> Iterator[Step]:
    """Nothing where /dev itself is bound from the host; else nodes first, then links."""
    config = request.config
    if _dev_is_bound(request):
        return
    asked = _asked(config)
    made = dict(made_outside(request))
    for path, major, minor in _DEFAULT:
        if path not in asked:
            yield steps.MakeNode(path, _S_IFCHR | 0o666, major, minor, 0, 0, path)
    for path, device in asked.items():
        if path in made:
            yield bind_tree(path, path, 0, slot=made[path].slot)
        else:
            owners = device.get("uid") or 0, device.get("gid") or 0
            yield steps.MakeNode(path, _mode(device), *_numbers(device), *owners, path)
    yield steps.MakeSymlink("/dev/ptmx", "pts/ptmx")
    for path, target in _LINKS:
        yield steps.MakeSymlink(path, target)
    if request.has_kcore:
        yield steps.MakeSymlink("/dev/core", "/proc/kcore")


def _dev_is_bound(request: Request) -> bool:
    mounts = request.config.get("mounts") or ()
    return any(binds(mount) and inside(request, mount["destination"]).rstrip("/") == "/dev" for mount in mounts)


def _asked(config: Config) -> dict[str, Device]:
    return {device["path"]: device for device in get(config, "linux", "devices") or ()}


def _mode(device: Device) -> int:
    mode = device.get("fileMode")
    return _TYPES[device["type"]] | (0o666 if mode is None else mode & 0o7777)


def _numbers(device: Device) -> tuple[int, int]:
    """A FIFO has none, whatever is written there."""
    return (0, 0) if device["type"] == "p" else (device.get("major") or 0, device.get("minor") or 0)


def made_outside(request: Request) -> Iterator[tuple[str, steps.MakeDevice]]:
    """The devices of a container in a new user namespace, made with the caller's privilege.

    One whose owner has no id on the host is left to MakeNode, as all are where the caller has no privilege:
    the host's node is bound then."""
    config = request.config
    if request.caller.uid or "user" not in new_and_joined(config)[0] or _dev_is_bound(request):
        return
    slot = _FIRST_SLOT
    for path, device in _asked(config).items():
        uid = _outside(device.get("uid") or 0, get(config, "linux", "uidMappings"))
        gid = _outside(device.get("gid") or 0, get(config, "linux", "gidMappings"))
        if device["type"] != "p" and uid is not None and gid is not None and slot < steps.SLOT_COUNT:
            yield path, steps.MakeDevice(slot, path, _mode(device), *_numbers(device), uid, gid)
            slot += 1


def _outside(inside_id: int, mappings: list[IdMapping] | None) -> int | None:
    """The host's number of an id of the container."""
    for mapping in mappings or ():
        if mapping["containerID"] <= inside_id < mapping["containerID"] + mapping["size"]:
            return inside_id - mapping["containerID"] + mapping["hostID"]
    return None
