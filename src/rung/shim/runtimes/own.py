"""Rung's own runtime, called in the shim's process: no program is started but ``rung-init``."""

from __future__ import annotations

from rung import posix
from rung.runtime import (
    CheckpointOptions,
    ContainerNotFound,
    ExecOptions,
    RestoreOptions,
    Runtime,
    StateError,
    Stdio,
    pair,
    receive,
)
from rung.shim.errors import NotFound
from rung.shim.runtimes import Checkpoint, Settings, Started
from rung.trace import Trace

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from rung.runtime import Container
    from rung.shim.stdio.streams import Ends

DEFAULT_ROOT = "/run/rung/shim"


class Own:
    """One container of Rung's runtime."""

    name = "rung"

    def __init__(self, container_id: str, settings: Settings) -> None:
        self._id = container_id
        self._settings = settings
        manager = "systemd" if settings.systemd_cgroup else "cgroupfs"
        self._runtime = Runtime(settings.root or DEFAULT_ROOT, cgroup_manager=manager)
        self._container: Container | None = None
        self.parent = ""

    @property
    def container(self) -> Container:
        """The container; raises ``ContainerNotFound``."""
        if self._container is None:
            self._container = self._runtime.get(self._id)
        return self._container

    def create(self, bundle: str, ends: Ends, checkpoint: str = "") -> Started:
        if checkpoint:
            return self._started(ends, lambda how: self._restore(bundle, checkpoint, how))
        options: dict[str, Any] = {"no_pivot": self._settings.no_pivot, "no_new_keyring": self._settings.no_new_keyring}

        def create(how: dict[str, Any]) -> int:
            self._container = self._runtime.create(self._id, bundle, trace=Trace(self.parent), **options, **how)
            return self._container.pid

        return self._started(ends, create)

    def _restore(self, bundle: str, checkpoint: str, how: dict[str, Any]) -> int:
        self._container = self._runtime.restore(self._id, bundle, RestoreOptions(checkpoint, **how))
        return self._container.pid

    def _started(self, ends: Ends, start: Callable[[dict[str, Any]], int]) -> Started:
        """``start`` gets the streams as the runtime takes them and gives the pid."""
        if not ends.terminal:
            return Started(start({"stdio": Stdio(ends.stdin, ends.stdout, ends.stderr)}))
        ours, theirs = pair()
        null = posix.open("/dev/null", posix.O_RDWR | posix.O_CLOEXEC)
        try:
            pid = start({"stdio": Stdio(null, null, null), "console_fd": theirs.fileno()})
            theirs.close()
            return Started(pid, receive(ours))
        finally:
            posix.close(null)
            ours.close()
            theirs.close()

    def start(self) -> None:
        self.container.trace.parent = self.parent
        self.container.start()

    def exec(self, process: dict[str, Any], ends: Ends) -> Started:
        return self._started(ends, lambda how: self.container.exec(process, ExecOptions(**how), Trace()).pid)

    def kill(self, signal: int, *, all: bool) -> None:
        try:
            self.container.kill(signal, all=all)
        except ContainerNotFound as error:  # it has been deleted between the request and this
            raise NotFound("process", f'"{self._id}"', "process already finished: not found") from error
        except StateError as error:
            if self.container.status == "stopped":  # between the look at it and the signal
                raise NotFound("process", f'"{self._id}"', "process already finished: not found") from error
            raise

    def pause(self) -> None:
        self.container.pause()

    def resume(self) -> None:
        self.container.resume()

    def update(self, resources: dict[str, Any]) -> None:
        self.container.update(resources)  # type: ignore[arg-type]  # checked by the runtime itself

    def checkpoint(self, options: Checkpoint) -> None:
        posix.makedirs(options.path, 0o700, exist_ok=True)
        self.container.checkpoint(
            CheckpointOptions(
                options.path,
                work_path=options.work_path,
                leave_running=options.leave_running,
                tcp_established=options.open_tcp,
                ext_unix_sk=options.unix_sockets,
                shell_job=options.terminal,
                file_locks=options.file_locks,
                manage_cgroups_mode=options.cgroups_mode,
            )
        )

    def pids(self) -> list[int]:
        return self.container.pids()

    def stats(self) -> dict[str, Any]:
        return self.container.stats()

    def delete(self, *, force: bool) -> None:
        try:
            self.container.delete(force=force)
        except ContainerNotFound:
            return  # a checkpoint that it did not outlive has deleted it

    def keep_story(self, directory: str) -> None:
        try:
            self.container.move_explanation(directory)
        except (ContainerNotFound, OSError):
            return  # it tells less, and goes all the same
