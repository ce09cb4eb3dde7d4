"""Who calls: root of the host, or somebody with less.

Only the first user namespace's root has power over the host's cgroups, mounts and devices. Every
other caller, be it a user or root of a user namespace, gets what the kernel and the
administrator grant: its own id or those of /etc/subuid (newuidmap(1)), cgroups that were
delegated to it. What a user needs for a container is checked here first, so that it is told by name.
"""

from __future__ import annotations

from rung import posix
from rung.runtime.errors import RuntimeFailure
from rung.runtime.plan.namespaces import is_own, new_and_joined
from rung.runtime.plan.request import Caller, get

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.spec.runtime.config import Config, Process

#: include/linux/proc_ns.h: PROC_USER_INIT_INO, the first user namespace's on every kernel.
_FIRST_USER_NAMESPACE = 0xEFFFFFFD
_USUAL_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def is_whole() -> bool:
    """Whether this is root of the host."""
    return posix.geteuid() == 0 and not in_user_namespace()


def in_user_namespace() -> bool:
    """Whether this process is in another user namespace than the first."""
    try:
        return posix.stat("/proc/self/ns/user").st_ino != _FIRST_USER_NAMESPACE
    except FileNotFoundError:  # a kernel without them
        return False


def caller() -> Caller:
    """Who we are, for the plan."""
    if is_whole():
        return Caller()
    if posix.geteuid() == 0:
        return Caller(groups_denied=groups_denied("self"))
    return Caller(
        posix.geteuid(), posix.getegid(), _found("newuidmap"), _found("newgidmap"), groups_denied("self")
    )


def groups_denied(pid: int | str) -> bool:
    """Whether in the user namespace of a process nobody may set groups."""
    from rung.files import read_file

    return read_file(f"/proc/{pid}/setgroups").strip() == b"deny"


def _found(program: str) -> str:
    for directory in posix.getenv("PATH", _USUAL_PATH).split(":"):
        path = f"{directory}/{program}"
        if directory.startswith("/") and posix.access(path, posix.X_OK):
            return path
    return ""


def check_groups(process: Process) -> None:
    """That no groups are asked for where they cannot be set."""
    if (process.get("user") or {}).get("additionalGids"):
        raise RuntimeFailure(
            "config.json",
            "process.user.additionalGids",
            "groups cannot be set where a user maps no more than the own one",
            "leave them out, or map those that /etc/subgid grants",
        )


def check(config: Config, who: Caller) -> None:
    """That a user can have this container. Raises ``RuntimeFailure``."""
    if not who.uid:
        return
    new, joined = new_and_joined(config)
    if "user" not in new and "user" not in joined:
        raise RuntimeFailure(
            "config.json",
            "linux.namespaces",
            f"user {who.uid} needs a new user namespace to make a container",
            "see rung-runtime spec --rootless",
        )
    if who.groups_denied or ("user" in new and is_own(get(config, "linux", "gidMappings"), who.gid)):
        check_groups(config["process"])
    if "user" in new:
        for field, own, tool, name in (
            ("uidMappings", who.uid, who.uid_tool, "newuidmap"),
            ("gidMappings", who.gid, who.gid_tool, "newgidmap"),
        ):
            if not tool and not is_own(get(config, "linux", field), own):
                raise RuntimeFailure(
                    "config.json",
                    f"linux.{field}",
                    f"without {name} only the own id {own} can be mapped",
                    f"install {name} (package uidmap), or map one id: hostID {own}, size 1",
                )
