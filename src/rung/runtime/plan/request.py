"""Everything a plan is decided from, as one value.

The compiler is pure: what it needs to know of the host (cgroup directories, whether
``/proc/kcore`` exists) is gathered first by the lifecycle and put here.
"""

from __future__ import annotations

from rung.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rung.runtime.plan.steps import Step
    from rung.spec.runtime.config import Config, Process


class Plan(Record):
    """The steps, in order, and the one thing the runtime must do meanwhile.

    ``wants_console``: the plan sends a terminal to the console socket."""

    steps: tuple[Step, ...]
    wants_console: bool = False


class Caller(Record):
    """With whose privileges the container is made: by default root's of the host.

    ``uid_tool`` and ``gid_tool``: the programs that map more than one's own id, where there are.
    ``groups_denied``: in the caller's user namespace nobody may set groups (user_namespaces(7))."""

    uid: int = 0
    gid: int = 0
    uid_tool: str = ""
    gid_tool: str = ""
    groups_denied: bool = False


class Request(Record):
    """One container to be.

    ``cgroup_shown``: directories that stand in a cgroup mount for those that the container has not;
    ``cgroup_top``: where the whole of v2 is, for a container that is in the host's cgroup namespace."""

    id: str
    bundle: str
    config: Config
    cgroup_paths: dict[str, str] = {}
    cgroup_mode: str = "v1"
    seccomp_program: bytes = b""
    seccomp_flags: int = 0
    keep_fds: int = 3
    no_pivot: bool = False
    no_new_keyring: bool = False
    has_kcore: bool = True
    wait_for_start: bool = True
    caller: Caller = Caller()
    mount_label: str = ""
    cgroup_shown: dict[str, str] = {}
    cgroup_top: str = ""
    resctrl_tasks: tuple[str, ...] = ()
    in_unit: bool = False  # the cgroup is a unit of systemd's, which begins with rung-init


class ExecRequest(Record):
    """One more process in a container that runs."""

    id: str
    config: Config
    process: Process
    cgroup_paths: dict[str, str] = {}
    namespace_flags: int = 0
    seccomp_program: bytes = b""
    seccomp_flags: int = 0
    keep_fds: int = 3
    may_set_groups: bool = True
    resctrl_tasks: tuple[str, ...] = ()
    attached: bool = False  # to its cgroup, by systemd


def environment(process: Process) -> dict[str, str]:
    """The process's variables; of duplicates the last one counts."""
    found: dict[str, str] = {}
    for entry in process.get("env") or ():
        name, _, value = entry.partition("=")
        found[name] = value
    return found


def get(mapping: Any, *keys: str) -> Any:
    """A nested optional field of the configuration, or None."""
    for key in keys:
        if not mapping:
            return None
        mapping = mapping.get(key)
    return mapping
