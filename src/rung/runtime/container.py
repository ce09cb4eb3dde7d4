"""One container: what its state allows, done.

runtime.md#lifecycle as a table: which operation may be asked for in which status.
"""

from __future__ import annotations

from rung import jsonc, posix
from rung.files import read_file, write_atomically
from rung.runtime import state
from rung.runtime.errors import ContainerNotFound, RuntimeFailure, StateError
from rung.runtime.parent import parent
from rung.runtime.state import CREATED, CREATING, PAUSED, RUNNING, STOPPED, Directory, Facts

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    from rung.runtime.cgroup import Cgroup
    from rung.runtime.checkpoint.options import CheckpointOptions
    from rung.runtime.enter import ExecOptions, Process
    from rung.spec.runtime.config import Config, Resources
    from rung.trace import Trace

#: operation -> the statuses that allow it
ALLOWED = {
    "start": (CREATED,),
    "exec": (CREATED, RUNNING),
    "kill": (CREATED, RUNNING, PAUSED),
    "pause": (CREATED, RUNNING),
    "resume": (PAUSED,),
    "update": (CREATED, RUNNING, PAUSED),
    "delete": (CREATED, STOPPED),
    "ps": (CREATED, RUNNING, PAUSED),
    "events": (CREATED, RUNNING, PAUSED),
    "checkpoint": (RUNNING, PAUSED),
}
_SAID = {"ps": "list the processes of", "events": "read the events of", "exec": "exec in"}
_SIGKILL = 9
_SOON_MS = 300


class Container:
    """A container under a runtime's root. Cheap: reads its records when asked."""

    def __init__(self, directory: Directory, trace: Trace, warn: Callable[[str], None]) -> None:
        self._directory = directory
        self._trace = trace
        self._warn = warn
        self._facts: Facts | None = None

    @property
    def id(self) -> str:
        return self._directory.id

    @property
    def trace(self) -> Trace:
        """What is recorded of what this object does."""
        return self._trace

    @property
    def facts(self) -> Facts:
        """Its record; raises ``ContainerNotFound``."""
        if self._facts is None or self._facts.pid == 0:
            self._facts = self._directory.load()
        return self._facts

    @property
    def pid(self) -> int:
        """The init's pid, 0 before there is one."""
        return self.facts.pid

    @property
    def annotations(self) -> dict[str, str]:
        """Those of its configuration."""
        return self.facts.annotations

    @property
    def notify_directory(self) -> str:
        """Where the container finds its socket to say that it is ready, if it may."""
        return self._directory.file("notify")

    @property
    def config(self) -> Config:
        """The configuration it was created from."""
        return self._directory.config()

    @property
    def cgroup(self) -> Cgroup:
        """Its cgroups."""
        from rung.runtime.cgroup import made_by

        return made_by(self.facts.cgroup_paths, self.facts.unit)

    @property
    def status(self) -> str:
        """creating, created, running, paused or stopped, as it is now."""
        facts = self.facts
        if not facts.pid:
            if self._directory.being_created():
                return CREATING
            facts = self.facts  # create may have ended between the two looks, and left its init
        if not facts.pid:
            return STOPPED
        if not state.alive(facts):
            return STOPPED
        if self.cgroup.frozen():  # a created one, too: it could not be started
            return PAUSED
        return CREATED if posix.exists(self._directory.file("exec.fifo")) else RUNNING

    def state(self) -> dict[str, Any]:
        """The state document (runtime.md#state) with what runc adds to it; a stopped
        container's pid is 0. Raises ``ContainerNotFound`` before and after it has a record."""
        status = self.status
        facts = self._recorded()
        document = {
            "ociVersion": state.OCI_VERSION,
            "id": self.id,
            "pid": 0 if status in (STOPPED, CREATING) else facts.pid,
            "status": status,
            "bundle": facts.bundle,
            "rootfs": facts.rootfs,
            "created": facts.created,
        }
        if facts.unit:
            document["systemd-scope"] = facts.unit["name"]  # as crun says it
        if facts.annotations:
            document["annotations"] = facts.annotations
        return {**document, "owner": ""}

    def _recorded(self) -> Facts:
        if not self.facts.bundle:  # its directory is just being made or removed
            raise self._directory.missing()
        return self.facts

    def require(self, operation: str) -> str:
        """The status, if it allows ``operation``; else ``StateError``."""
        status = self.status
        self._recorded()
        if status not in ALLOWED[operation]:
            if operation == "exec" and status == PAUSED:
                hint = "resume it, or --ignore-paused to wait until somebody does"
                raise StateError("cannot exec in a paused container", f'"{self.id}"', "", hint)
            wanted = " or ".join(ALLOWED[operation])
            asked = f"cannot {_SAID.get(operation, operation)} container"
            raise StateError(asked, f'"{self.id}"', f"it is {status}", f"it must be {wanted}")
        return status

    def start(self) -> None:
        """Let the workload run (runtime.md#start); returns once it is being executed."""
        with self._directory.lock():
            with self._trace.span("start", self.id, "runtime.md#start"):
                self.require("start")
                self._open_gate()
                self._poststart()
            self._append_trace()

    def _poststart(self) -> None:
        """If one of these hooks fails, "stop the container, and continue the lifecycle at step 12"."""
        try:
            self._run_hooks("poststart", RUNNING)
        except RuntimeFailure:
            self._end()
            self._destroy()
            raise

    def _open_gate(self) -> None:
        from select import POLLERR, poll

        path = self._directory.file("exec.fifo")
        try:
            gate = posix.open(path, posix.O_WRONLY | posix.O_NONBLOCK | posix.O_CLOEXEC)
        except OSError as error:
            self._check_executed()  # it has died since the look at it, and may have written down why
            raise StateError("cannot start container", f'"{self.id}"', f"its init is gone ({error})") from None
        try:
            posix.write(gate, b"1")
            posix.unlink(path)
            waiter = poll()
            waiter.register(gate, POLLERR)
            waiter.poll()  # the reading end closes when init executes the workload, or dies
        except BrokenPipeError:
            pass  # it has died between the look at it and here
        finally:
            posix.close(gate)
        self._check_executed()

    def _check_executed(self) -> None:
        """Raises what went wrong between the start and the workload, as the ledger has it."""
        from rung.runtime.plan import wire

        path = self._directory.file("plan")
        fd = posix.open(path, posix.O_RDONLY | posix.O_CLOEXEC)
        try:
            reached, _ = state.standing(fd)
        finally:
            posix.close(fd)
        if reached == wire.FAILED:
            from rung.runtime.spawn import failure

            plan = read_file(path)
            raise failure(wire.decode(plan), wire.read_ledger(plan, with_calls=True))
        if reached != wire.EXECUTING:
            raise StateError("cannot start container", f'"{self.id}"', "its init was killed")

    def _run_hooks(self, stage: str, status: str) -> None:
        if b'"hooks"' not in read_file(self._directory.file("config.json")):
            return
        from rung.runtime.hooks import run_hooks, run_late_hooks
        from rung.runtime.plan.request import get

        found = get(self.config, "hooks", stage)
        facts = self.facts
        pid = facts.pid if status == RUNNING else 0
        document = state.state_document(self.id, status, pid, facts.bundle, facts.annotations)
        if stage == "poststop":
            run_late_hooks(stage, found, document, self._warn)
        else:
            run_hooks(stage, found, document)

    def wait(self) -> int:
        """Wait for the init to end: its exit status, or 128 and the signal's number.

        Raises ``RuntimeFailure`` when the init is not this process's child (then only its
        parent learns the status)."""
        with self._trace.span("wait", self.id):
            try:
                status = parent().wait(self.pid)
            except ChildProcessError:
                raise RuntimeFailure(
                    "cannot wait for container", f'"{self.id}"', "its init is another process's child"
                ) from None
        code = posix.waitstatus_to_exitcode(status)
        return code if code >= 0 else 128 - code

    def kill(self, signal: int, *, all: bool = False) -> None:
        """Send a signal to the init, or to every process of the container."""
        status = self.status
        if all or (status == STOPPED and self._shares_pids()):
            self._kill_all(signal)
            return
        self.require("kill")
        if signal == _SIGKILL and self._shares_pids():
            self.cgroup.kill(signal)
        self._signal(signal)
        if signal == _SIGKILL and status == PAUSED:
            self.cgroup.thaw()

    def _kill_all(self, signal: int) -> None:
        if self.facts.cgroup_paths:
            self.cgroup.kill(signal)
            return
        from rung.runtime.members import in_namespace_of

        for pid in in_namespace_of(self.pid) if state.alive(self.facts) else ():
            try:
                posix.kill(pid, signal)
            except ProcessLookupError:
                continue

    def _signal(self, signal: int) -> None:
        """By pidfd, opened first and identified after, so that no reused pid is hit."""
        from _signal import pidfd_send_signal  # type: ignore[import-not-found]

        try:
            pidfd = posix.pidfd_open(self.pid)
        except ProcessLookupError:
            return
        try:
            if state.alive(self.facts):
                pidfd_send_signal(pidfd, signal)
        except ProcessLookupError:
            return
        finally:
            posix.close(pidfd)

    def _shares_pids(self) -> bool:
        namespaces = (self.config.get("linux") or {}).get("namespaces") or ()
        return not any(each["type"] == "pid" and not each.get("path") for each in namespaces)

    def delete(self, *, force: bool = False) -> None:
        """Remove what create made (runtime.md#delete); with ``force`` kill it first."""
        with self._trace.span("delete", self.id, "runtime.md#delete"), self._directory.lock():
            self._facts = self._directory.recovered() if force else None
            # "creating" cannot be, since the lock is ours: a creator that died is "stopped"
            status = STOPPED if not self.facts.pid else self.status
            if status not in ALLOWED["delete"] and not force:
                self.require("delete")
            if status != STOPPED:
                self._end()
            self._destroy()

    def _end(self) -> None:
        """Kill the init and wait until it is gone, whoever's child it is."""
        from select import POLLIN, poll

        try:
            pidfd = posix.pidfd_open(self.pid)
        except ProcessLookupError:
            return
        try:
            if not state.alive(self.facts):
                return
            self._signal(_SIGKILL)
            self.cgroup.thaw()
            waiter = poll()
            waiter.register(pidfd, POLLIN)
            if not waiter.poll(_SOON_MS):  # somebody has put it into a frozen cgroup, it seems
                self.cgroup.take_back(self.pid)
            if not waiter.poll(10_000):
                raise StateError("cannot delete container", f'"{self.id}"', "its init survives SIGKILL for 10 s")
        finally:
            posix.close(pidfd)

    def _destroy(self) -> None:
        group = self.cgroup
        if self.facts.cgroup_paths:
            with self._trace.span("remove cgroups", self.id):
                if not group.remove_empty():
                    group.kill(_SIGKILL)
                    group.remove()
        if self.facts.resctrl:
            from rung.runtime.resctrl import remove

            remove(self.facts.resctrl)
        if self.facts.bundle:
            try:
                self._run_hooks("poststop", STOPPED)
            except (RuntimeFailure, OSError) as error:  # the record of them is spoilt
                self._warn(str(error))
        with self._trace.span("remove records", self._directory.path):
            self._directory.remove()

    def pause(self) -> None:
        """Freeze every process of the container."""
        with self._directory.lock():
            self.require("pause")
            if not self.facts.cgroup_paths:
                raise StateError(
                    "cannot pause container", f'"{self.id}"', "it has no cgroup", "have cgroups delegated to its user"
                )
            self.cgroup.freeze()

    def resume(self) -> None:
        """Thaw a paused container."""
        with self._directory.lock():
            self.require("resume")
            self.cgroup.thaw()

    def update(self, resources: Resources, schemata: Sequence[str] = ()) -> None:
        """Change the limits of a container that lives; what is not named stays.

        ``schemata``: lines for its group of Intel RDT, as ``linux.intelRdt`` has them."""
        from rung.runtime.cgroup.update import contradictions, updated
        from rung.spec.runtime.validate import validate_resources

        resources = validate_resources(resources)
        for sentence in contradictions(resources):
            self._warn(sentence)
        with self._directory.lock():
            self.require("update")
            if schemata:
                from rung.runtime.resctrl import rewrite

                rewrite(self.config, self.id, schemata)
            wanted = updated(self._directory.resources(), resources)
            self.cgroup.apply(wanted, update=True)
            self._directory.save_resources(wanted)

    def checkpoint(self, options: CheckpointOptions) -> None:
        """Save its processes as files; then it is killed and deleted, unless it shall go on."""
        from rung.runtime.checkpoint.dump import dump

        with self._trace.span("checkpoint", self.id), self._directory.lock():
            status = self.require("checkpoint")
            dump(self.facts, self.config, self.cgroup, status, options)
            if not (options.leave_running or options.pre_dump):
                self._end()
                self._destroy()

    def pids(self) -> list[int]:
        """Every process of the container, as the host numbers them."""
        self.require("ps")
        if not self.facts.cgroup_paths:
            from rung.runtime.members import in_namespace_of

            return in_namespace_of(self.pid)
        return self.cgroup.pids()

    def stats(self) -> dict[str, Any]:
        """Resource usage, in the shape of ``runc events --stats``'s data."""
        self.require("events")
        found: dict[str, Any] = self.cgroup.stats()
        return found

    def oom_events(self) -> Iterator[int]:
        """A number each time the kernel has killed for lack of memory; ends with the container."""
        self.require("events")
        return self.cgroup.watch_oom()

    def exec(
        self, process: dict[str, Any], options: ExecOptions | None = None, trace: Trace | None = None
    ) -> Process:
        """Run one more process in the container (a ``process`` object of config.md).

        ``trace`` gets its spans in place of the container's own: for who executes many, or several at once."""
        from rung.runtime.enter import ExecOptions, enter

        return enter(self, process, options or ExecOptions(), trace or self._trace)

    def save_trace(self) -> None:
        """Add the spans so far to the container's, one JSON line; each span is saved once.

        Under the lock, or the file would be made in a directory that is being removed."""
        try:
            with self._directory.lock():
                self._append_trace()
        except ContainerNotFound:
            return  # deleted meanwhile, and its story with it

    def _append_trace(self) -> None:
        data = jsonc.dumps(self._trace.take_batch()).encode() + b"\n"
        flags = posix.O_WRONLY | posix.O_CREAT | posix.O_APPEND | posix.O_CLOEXEC
        fd = posix.open(self._directory.file("trace"), flags, 0o600)
        try:
            posix.write(fd, data)
        finally:
            posix.close(fd)

    def save_explanation(self, directory: str) -> None:
        """Copy what ``explain`` reads (plan, ledger, spans) to a directory that outlives this one."""
        for name in ("plan", "trace"):
            write_atomically(f"{directory}/{name}", read_file(self._directory.file(name)))

    def move_explanation(self, directory: str) -> None:
        """The same before ``delete``, without a copy: ``directory`` is on the same file system. Raises ``OSError``."""
        posix.makedirs(directory, 0o700, exist_ok=True)
        for name in ("plan", "trace"):
            posix.rename(self._directory.file(name), f"{directory}/{name}")

    def explanation(self) -> tuple[bytes, bytes]:
        """What ``nodes`` and ``story`` take: the plan with its ledger, and the spans. Raises ``OSError``."""
        return read_file(self._directory.file("plan")), read_file(self._directory.file("trace"))
