"""OCI runtimes as a shim uses them: Rung's own in this process, any other as a program, or behind a shim of its own.

All are a ``Runtime``. Rule: every method may take its time and is called aside from the loop; errors are
``RungError``s whose sentence is the caller's answer. Processes that are started are children of the shim (it is a
subreaper), which alone waits for them.
"""

from __future__ import annotations

from rung.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, Protocol

    from rung.shim.runtimes.remote import Remote
    from rung.shim.stdio.streams import Ends
    from rung.spec.shim.common import Anything

    class Runtime(Protocol):
        """One container in an OCI runtime."""

        #: What the runtime is called, for messages.
        name: str
        #: The ``traceparent`` of who asks for what comes next; empty where nobody wants to know.
        parent: str

        def create(self, bundle: str, ends: Ends, checkpoint: str = "") -> Started:
            """Make it from a bundle; it waits for ``start``. With ``checkpoint`` (a directory) it runs at once."""
            ...

        def start(self) -> None:
            """Let its workload run."""
            ...

        def exec(self, process: dict[str, Any], ends: Ends) -> Started:
            """One more process in it (config.md#process)."""
            ...

        def kill(self, signal: int, *, all: bool) -> None:
            """Signal its init, or every process."""
            ...

        def pause(self) -> None: ...

        def resume(self) -> None: ...

        def update(self, resources: dict[str, Any]) -> None:
            """Change its limits (config-linux.md#control-groups)."""
            ...

        def checkpoint(self, options: Checkpoint) -> None:
            """Save its processes below ``options.path``."""
            ...

        def pids(self) -> list[int]: ...

        def stats(self) -> dict[str, Any] | Anything | None:
            """Resource usage in the shape of ``runc events --stats``'s data, or as containerd's metrics already."""
            ...

        def delete(self, *, force: bool) -> None:
            """Remove what create made; with ``force`` kill it first. One that is gone already is fine."""
            ...

        def keep_story(self, directory: str) -> None:
            """Before delete: put what it has recorded of itself there, if it has."""
            ...


class Started(Record):
    """A process that a runtime has started. ``console``: its terminal's controlling end, or -1; ``typed``: where its
    input goes, if that is another; ``remote``: who follows it, where it is no child of ours."""

    pid: int
    console: int = -1
    typed: int = -1
    remote: Remote | None = None


class Checkpoint(Record):
    """What the caller of a checkpoint chooses. ``leave_running``: the container goes on."""

    path: str
    work_path: str = ""
    leave_running: bool = True
    open_tcp: bool = False
    unix_sockets: bool = False
    terminal: bool = False
    file_locks: bool = False
    cgroups_mode: str = ""


class Settings(Record):
    """What the engine's or containerd's configuration says of the runtime."""

    root: str = ""
    systemd_cgroup: bool = False
    no_pivot: bool = False
    no_new_keyring: bool = False
    program: str = ""  # an OCI runtime's path, or another shim's; empty: Rung's own, in this process
    bundle: str = ""
    listens: str = ""  # where this shim does, for another one's events
    worker: str = ""  # where workers are asked for what Rung's own does; empty: it is done in this process


def runtime(container_id: str, settings: Settings) -> Runtime:
    """The one that the settings name."""
    if settings.program:
        from rung.shim.runtimes.foreign import Foreign, is_shim
        from rung.shim.runtimes.program import Program

        if is_shim(settings.program):
            return Foreign(container_id, settings)

        return Program(container_id, settings)
    if settings.worker:
        from rung.shim.runtimes.apart import Apart

        return Apart(container_id, settings)
    from rung.shim.runtimes.own import Own

    return Own(container_id, settings)
