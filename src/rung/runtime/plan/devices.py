"""The container's /dev: nodes and links every container gets, and those it asks for.

config-linux.md: Default Devices, Devices. In a user namespace ``mknod`` is refused, so
each node carries the host's path to bind instead.
"""

from __future__ import annotations

import stat

from rung.runtime.plan import steps
from rung.runtime.plan.mounts import binds, inside
from rung.runtime.plan.request import get

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rung.runtime.plan.request import Request
    from rung.runtime.plan.steps import Step

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
_TYPES = {"c": stat.S_IFCHR, "u": stat.S_IFCHR, "b": stat.S_IFBLK, "p": stat.S_IFIFO}


def device_steps(request: Request) -> Iterator[Step]:
    """Nothing where /dev itself is bound from the host; else nodes first, then links."""
    config = request.config
    for mount in config.get("mounts") or ():
        if binds(mount) and inside(request, mount["destination"]).rstrip("/") == "/dev":
            return
    asked = {device["path"]: device for device in get(config, "linux", "devices") or ()}
    for path, major, minor in _DEFAULT:
        if path not in asked:
            yield steps.MakeNode(path, stat.S_IFCHR | 0o666, major, minor, 0, 0, path)
    for path, device in asked.items():
        numbered = device["type"] != "p"  # a FIFO has no numbers, whatever is written there
        yield steps.MakeNode(
            path,
            _TYPES[device["type"]] | (0o666 if device.get("fileMode") is None else device["fileMode"] & 0o7777),
            (numbered and device.get("major")) or 0,
            (numbered and device.get("minor")) or 0,
            device.get("uid") or 0,
            device.get("gid") or 0,
            path,
        )
    yield steps.MakeSymlink("/dev/ptmx", "pts/ptmx")
    for path, target in _LINKS:
        yield steps.MakeSymlink(path, target)
    if request.has_kcore:
        yield steps.MakeSymlink("/dev/core", "/proc/kcore")
