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


class Request(Record):
    """One container to be."""

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
