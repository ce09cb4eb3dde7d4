"""A task: one container with its processes, from create to delete.

Rule: here the order of things is kept (which state allows what, which event comes before which); what a container is
made of is the runtime's, what travels is the service's. Every operation that may take its time gets a ``done`` that is
called with None, or with what went wrong.
"""

from __future__ import annotations

from rung.shim.errors import AlreadyExists, FailedPrecondition, NotFound
from rung.shim.process import (
    CREATED,
    CREATING,
    DELETED,
    DELETING,
    RUNNING,
    STARTING,
    STOPPED,
    Process,
)
from rung.shim.rootfs import mount_rootfs, unmount_rootfs
from rung.shim.stdio.streams import Streams
from rung.spec.shim import events

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from rung.shim.loop import Loop
    from rung.shim.memory import MemoryWatch, Watch
    from rung.shim.runtimes import Checkpoint, Runtime, Started
    from rung.shim.stdio.streams import Asked
    from rung.spec.shim.common import Mount

    Done = Callable[[BaseException | None], None]
    Publish = Callable[[events.Event], None]

#: How long delete waits for outputs that a process outside of the container keeps open.
OUTPUT_S = 2.0
_SIGKILL = 9


class Task:
    """One container."""

    def __init__(
        self,
        loop: Loop,
        runtime: Runtime,
        publish: Publish,
        task_id: str,
        namespace: str,
        bundle: str,
        asked: Asked,
    ) -> None:
        self._loop, self._runtime, self._publish = loop, runtime, publish
        self.id, self.namespace, self.bundle = task_id, namespace, bundle
        self.init = Process(task_id, "", asked)
        self.execs: dict[str, Process] = {}
        self.paused = False
        self._shares_pids = False
        self._checkpoint = ""
        self._mounts = False
        #: Where what the runtime has recorded goes when it is deleted; nowhere if empty.
        self.story = ""
        #: What knows of lack of memory, where somebody wants to hear of it.
        self.watch: Watch | None = None
        self._memory: MemoryWatch | None = None

    @property
    def parent(self) -> str:
        """The ``traceparent`` of what the runtime is asked for next."""
        return self._runtime.parent

    @parent.setter
    def parent(self, header: str) -> None:
        self._runtime.parent = header

    @property
    def rootfs(self) -> str:
        """Where its root file system is mounted."""
        return f"{self.bundle}/rootfs"

    def process(self, exec_id: str) -> Process:
        """The init, or an exec. Raises ``NotFound``."""
        if not exec_id:
            return self.init
        found = self.execs.get(exec_id)
        if found is None:
            raise NotFound("process", f'"{exec_id}" of "{self.id}"', "does not exist: not found")
        return found

    # --- create -----------------------------------------------------------------------

    def create(self, mounts: Sequence[Mount], checkpoint: str, shares_pids: bool, done: Done) -> None:
        """Mount its root and make it. With a checkpoint there is a root only: ``start`` restores it."""
        self._shares_pids, self._checkpoint, self._mounts = shares_pids, checkpoint, bool(mounts)
        streams = Streams(self._loop, self.init.asked, self.id, self.namespace)

        def work() -> Started | None:
            if mounts:
                mount_rootfs(mounts, self.rootfs)
            try:
                return None if checkpoint else self._runtime.create(self.bundle, streams.theirs)
            except BaseException:
                self._unmount()
                raise

        def made(started: Started | None, error: BaseException | None) -> None:
            if error is not None:
                streams.close()
                self.init.become(DELETED)
                done(error)
                return
            self.init.become(CREATED)
            self.init.streams = streams
            self._publish(
                events.TaskCreate(
                    container_id=self.id,
                    bundle=self.bundle,
                    rootfs=list(mounts),
                    io=_io(self.init.asked),
                    checkpoint=checkpoint,
                    pid=started.pid if started is not None else 0,
                )
            )
            if started is not None:
                self._follow(self.init, started, streams)
            done(None)

        self._loop.aside(work, made)

    def _follow(self, process: Process, started: Started, streams: Streams) -> None:
        process.pid = started.pid
        process.streams = streams
        process.remote = remote = started.remote
        if remote is not None:
            streams.when_input_ends(lambda: self._loop.aside(remote.close_input, lambda _result, _error: None))
        streams.flow(started.console, started.typed)
        if process is self.init and self.watch is not None:
            from rung.shim.memory import MemoryWatch

            event = events.TaskOOM(container_id=self.id)
            self._memory = MemoryWatch(self._loop, self.watch, started.pid, lambda: self._publish(event))

        def ended(status: int) -> None:
            self._ended(process, status)

        if remote is None:
            self._loop.child(started.pid, ended)
        else:
            remote.follow(self._loop, ended)

    # --- start ------------------------------------------------------------------------

    def start(self, done: Done) -> None:
        """Let the init run."""
        self.init.become(STARTING)

        streams = self.init.streams
        restores = bool(self._checkpoint) and streams is not None

        def work() -> Started | None:
            if streams is None or not restores:
                self._runtime.start()
                return None
            return self._runtime.create(self.bundle, streams.theirs, self._checkpoint)

        def started(restored: Started | None, error: BaseException | None) -> None:
            if error is not None:
                self.init.become(STOPPED if self.init.ended else CREATED)
                if self.init.ended:
                    self._tell_end(self.init)
                done(error)
                return
            self.init.become(RUNNING)
            if restored is not None and streams is not None:
                self._follow(self.init, restored, streams)
            self._publish(events.TaskStart(container_id=self.id, pid=self.init.pid))
            done(None)
            self._tell_late_end(self.init)

        self._loop.aside(work, started)

    def add_exec(self, exec_id: str, asked: Asked) -> Process:
        """A process that will be started."""
        if exec_id in self.execs:
            raise AlreadyExists("process", f'"{exec_id}" of "{self.id}"', "exists already")
        if self.init.ended:
            raise FailedPrecondition("task", f'"{self.id}"', "has ended: nothing can be executed in it")
        process = Process(self.id, exec_id, asked)
        process.streams = Streams(self._loop, asked, self.id, self.namespace)
        self.execs[exec_id] = process
        process.become(CREATED)
        self._publish(events.TaskExecAdded(container_id=self.id, exec_id=exec_id))
        return process

    def start_exec(self, process: Process, spec: dict[str, Any], done: Done) -> None:
        """Run it."""
        streams = process.streams
        if streams is None:
            raise FailedPrecondition("process", process.name, "has no streams")
        process.become(STARTING)

        def started(found: Started, error: BaseException | None) -> None:
            if error is not None:
                streams.close()
                process.over(255)
                process.become(STOPPED)
                process.tell_waiters()
                done(error)
                return
            process.become(RUNNING)
            self._publish(events.TaskExecStarted(container_id=self.id, exec_id=process.id, pid=found.pid))
            self._follow(process, found, streams)
            done(None)

        self._loop.aside(lambda: self._runtime.exec(spec, streams.theirs), started)

    def disown(self, process: Process) -> None:
        """An exec of somebody who has gone: away with it, now if it was never started, else after its end."""

        def deleted(error: BaseException | None) -> None:
            return  # whoever was to hear of it has gone

        def delete() -> None:
            if process.state in (CREATED, STOPPED):
                self.delete(process, deleted)

        if process.state == CREATED:
            delete()
        else:
            process.when_over(lambda: self._loop.soon(delete))  # after who else waits for it

    # --- the end ----------------------------------------------------------------------

    def _ended(self, process: Process, status: int) -> None:
        process.over(status)
        if process is self.init and self._shares_pids and self._running_execs():
            self._kill_everything()  # "init" is no init of theirs: the kernel leaves them alone
        if process.state != STARTING:  # else the start tells it, after itself
            self._tell_late_end(process)

    def _kill_everything(self) -> None:
        self._loop.aside(
            lambda: self._runtime.kill(_SIGKILL, all=True), lambda _result, _error: None, brings=False
        )

    def _running_execs(self) -> list[Process]:
        return [one for one in self.execs.values() if one.pid and not one.ended]

    def _tell_late_end(self, process: Process) -> None:
        """Tell an end whose time has come: the init's after those of its execs."""
        if process.ended and process.state in (CREATED, RUNNING) and (process.id or not self._running_execs()):
            process.become(STOPPED)
            self._tell_end(process)
            if process.id:
                self._tell_late_end(self.init)

    def _tell_end(self, process: Process) -> None:
        if self._memory is not None:
            self._memory.look()
        self._publish(
            events.TaskExit(
                container_id=self.id,
                id=process.id or self.id,
                pid=process.pid,
                exit_status=process.exit_status,
                exited_at=process.exited_at,
            )
        )
        process.tell_waiters()
        if process.streams is not None:
            process.streams.process_over()

    # --- delete -----------------------------------------------------------------------

    def delete(self, process: Process, done: Done) -> None:
        """Remove a process that has ended or was never started; the init's is the container's end."""
        if process.state in (CREATING, STARTING, RUNNING):
            raise FailedPrecondition("process", process.name, f"is {process.state}", "cannot delete a running process")
        before = process.state
        process.become(DELETING)

        def removed(_: object, error: BaseException | None) -> None:
            if error is not None:
                process.become(before)
                done(error)
            else:
                self._after_outputs(process, lambda: self._deleted(process, done))

        if process.id:
            removed(None, None)
        else:
            if self._memory is not None:
                self._memory.close()  # v1 would take the cgroup's removal for one more event
            force = before == CREATED
            self._loop.aside(lambda: self._remove(force), removed, brings=False)

    def _remove(self, force: bool) -> None:
        if self.story:
            self._runtime.keep_story(self.story)
        self._runtime.delete(force=force)
        self._unmount()

    def _unmount(self) -> None:
        if self._mounts:  # else it is somebody else's
            unmount_rootfs(self.rootfs)

    def _after_outputs(self, process: Process, then: Callable[[], None]) -> None:
        streams = process.streams
        if streams is None:
            then()
            return
        called = False

        def once() -> None:
            nonlocal called
            if not called:
                called = True
                patience.cancel()
                streams.close()
                then()

        def enough() -> None:
            streams.drain()
            once()

        patience = self._loop.after(OUTPUT_S, enough)
        streams.when_ended(once)

    def _deleted(self, process: Process, done: Done) -> None:
        process.become(DELETED)
        if process.id:
            del self.execs[process.id]
        else:
            for one in self.execs.values():  # nobody deleted them: their client is gone, or was never told of them
                if one.streams is not None:
                    one.streams.close()
        self._publish(
            events.TaskDelete(
                container_id=self.id,
                id=process.id,
                pid=process.pid,
                exit_status=process.exit_status,
                exited_at=process.exited_at,
            )
        )
        done(None)

    # --- while it runs ----------------------------------------------------------------

    def kill(self, process: Process, signal: int, all: bool, done: Done) -> None:
        """Signal a process, or all of the container's."""
        if not all:
            process.require_running()
        remote = process.remote
        if process.id and remote is not None:
            self._loop.aside(lambda: remote.kill(signal), lambda _result, error: done(error))
            return
        if process.id:
            _signal(process.pid, signal)
            done(None)
            return

        def killed(_: object, error: BaseException | None) -> None:
            if error is not None and not all and process.ended:  # meanwhile: it may be being taken away already
                error = NotFound("process", process.name, "process already finished: not found")
            done(error)

        self._loop.aside(lambda: self._runtime.kill(signal, all=all), killed, brings=False)

    def resize(self, process: Process, columns: int, rows: int, done: Done) -> None:
        """Give a process's terminal a size."""
        remote = process.remote
        if remote is not None:
            self._loop.aside(lambda: remote.resize(columns, rows), lambda _result, error: done(error))
            return
        if process.streams is not None:
            process.streams.resize(columns, rows)
        done(None)

    def pause(self, done: Done) -> None:
        """Freeze it."""

        def paused(_: object, error: BaseException | None) -> None:
            if error is None:
                self.paused = True
                self._publish(events.TaskPaused(container_id=self.id))
            done(error)

        self._loop.aside(self._runtime.pause, paused)

    def resume(self, done: Done) -> None:
        """Thaw it."""

        def resumed(_: object, error: BaseException | None) -> None:
            if error is None:
                self.paused = False
                self._publish(events.TaskResumed(container_id=self.id))
            done(error)

        self._loop.aside(self._runtime.resume, resumed)

    def checkpoint(self, options: Checkpoint, done: Done) -> None:
        """Save its processes."""

        def saved(_: object, error: BaseException | None) -> None:
            if error is None:
                self._publish(events.TaskCheckpointed(container_id=self.id, checkpoint=options.path))
            done(error)

        self._loop.aside(lambda: self._runtime.checkpoint(options), saved)

    def update(self, resources: dict[str, Any], done: Done) -> None:
        """Change its limits."""
        self._loop.aside(lambda: self._runtime.update(resources), lambda _result, error: done(error))

    def ask(self, question: Callable[[Runtime], Any], done: Callable[[Any, BaseException | None], None]) -> None:
        """What only the runtime knows: pids, statistics."""
        self._loop.aside(lambda: question(self._runtime), done)


def _io(asked: Asked) -> events.TaskIO:
    return events.TaskIO(stdin=asked.stdin, stdout=asked.stdout, stderr=asked.stderr, terminal=asked.terminal)


def _signal(pid: int, signal: int) -> None:
    """It is our child and not yet reaped: the pid is its own."""
    from rung import posix

    posix.kill(pid, signal)
