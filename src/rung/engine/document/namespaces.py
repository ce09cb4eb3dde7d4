"""Which namespaces a container has for itself, and which it shares."""

from __future__ import annotations

import os

from rung.engine.errors import BadParameter
from rung.kernel.userns import is_initial

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

#: kind -> HostConfig's field, and what it means to say nothing
MODES = {
    "pid": ("PidMode", ""),
    "ipc": ("IpcMode", "private"),
    "uts": ("UTSMode", ""),
    "cgroup": ("CgroupnsMode", ""),
    "network": ("NetworkMode", "default"),
}
#: Ports below 1024 are anybody's in a network of one's own, as with Docker (moby 20.10).
_SYSCTLS = {"net.ipv4.ip_unprivileged_port_start": "0", "net.ipv4.ping_group_range": "0 2147483647"}


def mode(host: Mapping[str, Any], kind: str) -> str:
    """What was asked for of a kind: ``host``, ``container:ID``, ``private`` ..."""
    field, default = MODES[kind]
    if kind == "cgroup":  # as Docker: on v1 containers see the host's hierarchies, privileged ones on v2 too
        default = "private" if has_cgroup_v2() and not host.get("Privileged") else "host"
    return str(host.get(field) or default)


def has_cgroup_v2() -> bool:
    """Whether v2 is what this host's controllers are on."""
    return os.path.exists("/sys/fs/cgroup/cgroup.controllers")


def namespaces(host: Mapping[str, Any], joined: Mapping[str, str]) -> list[dict[str, str]]:
    """config-linux.md#namespaces. ``joined``: paths of those that are another container's; ``user`` with
    none: a new user namespace."""
    found = [{"type": "mount"}]
    if "user" in joined:
        found.append({"type": "user", "path": joined["user"]} if joined["user"] else {"type": "user"})
    for kind in MODES:
        if kind in joined:
            found.append({"type": kind, "path": joined[kind]})
        elif mode(host, kind) != "host":
            found.append({"type": kind})
    return found


def default_sysctls(own: list[dict[str, str]], host: Mapping[str, Any]) -> dict[str, str]:
    """Of a network namespace that is new; what was asked for comes first. In a user namespace not all groups are there
    to be named, and are left as they are (as dockerd does)."""
    given = [*(host.get("Sysctls") or ()), *(["net.ipv4.ping_group_range"] if _has_user(own) else ())]
    if not any(one["type"] == "network" and "path" not in one for one in own):
        return {}
    return {name: value for name, value in _SYSCTLS.items() if name not in given}


def _has_user(own: list[dict[str, str]]) -> bool:
    return any(one["type"] == "user" for one in own) or not is_initial()


def shared_container(host: Mapping[str, Any], kind: str) -> str:
    """The container whose namespace is to be joined, or empty. Raises ``BadParameter``."""
    asked = mode(host, kind)
    word, given, name = asked.partition(":")
    if word != "container":
        return ""
    if not given or not name:
        raise BadParameter(f"invalid {kind} mode: {asked}")
    return name
