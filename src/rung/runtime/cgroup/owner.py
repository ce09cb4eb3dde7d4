"""Who owns a container's v2 cgroup; config-linux.md#cgroup-ownership. Pure.

It is given to the user of the container's process, as the host numbers it, where the container has a cgroup namespace
of its own and mounts its cgroup writable there; else nothing in it could use the gift.
"""

from __future__ import annotations

from rung.runtime.plan.mountopts import RDONLY, parse
from rung.runtime.plan.namespaces import new_and_joined
from rung.runtime.plan.request import get

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.spec.runtime.config import Config, Mount


def owner(config: Config) -> int | None:
    """The host's id of the user that owns the cgroup; None: it stays whose it is."""
    new, joined = new_and_joined(config)
    if "cgroup" not in new or not any(map(_is_writable_cgroup, config.get("mounts") or ())):
        return None
    uid = get(config, "process", "user", "uid") or 0
    if "user" not in new and "user" not in joined:
        return uid
    for mapping in get(config, "linux", "uidMappings") or ():
        if 0 <= uid - mapping["containerID"] < mapping["size"]:
            return int(mapping["hostID"] + uid - mapping["containerID"])
    return None


def _is_writable_cgroup(mount: Mount) -> bool:
    return mount.get("type") in ("cgroup", "cgroup2") and not parse(mount.get("options") or ()).set & RDONLY
