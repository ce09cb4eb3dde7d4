"""exec: one more process in a container that runs.

The same two processes as for a new container: rung-init enters the container's cgroups
and namespaces (all at once, by the init's pidfd), gives birth, and becomes the program.
It is not dumpable from its first instruction, so the container cannot look into it
while it is half inside (CVE-2016-9962).
"""

from __future__ import annotations

from errno import ESRCH

from rung import posix
from rung.record import Record
from rung.runtime import privilege, spawn, state
from rung.runtime.create import CreateOptions, console_fd, resctrl_groups, seccomp_program, write_pid
from rung.runtime.errors import CgroupNotEntered, StateError, StepError
from rung.runtime.parent import parent
from rung.runtime.plan.compile import compile_exec
from rung.runtime.plan.namespaces import new_and_joined
from rung.runtime.plan.request import ExecRequest, get
from rung.runtime.plan.steps import SLOT_CONSOLE_SOCKET, SLOT_CONTAINER
from rung.spec.runtime.names import NAMESPACES
from rung.spec.runtime.validate import validate_process
from rung.undo import Closing, Undo

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from rung.runtime.container import Container
    from rung.runtime.plan.request import Plan
    from rung.runtime.plan.wire import Ledger
    from rung.runtime.spawn import Stdio
    from rung.spec.runtime.config import Config
    from rung.spec.runtime.config import Process as Process_
    from rung.trace import Trace


class ExecOptions(Record):
    """What the caller of exec chooses beside the process."""

    stdio: Stdio = spawn.Stdio()
    console_socket: str = ""
    console_fd: int = -1
    pid_file: str = ""
    preserve_fds: int = 0
    ignore_paused: bool = False
    observe: Callable[[Plan, Ledger], None] | None = None  # gets what rung-init has done, or how far it came
    cgroups: dict[str, str] = {}  # controller -> path below the container's; "": all of them


class Process:
    """A process that exec started: this process's child."""

    def __init__(self, pid: int) -> None:
        self.pid = pid

    def wait(self) -> int:
        """Its exit status, or 128 and the signal's number."""
        code = posix.waitstatus_to_exitcode(parent().wait(self.pid))
        return code if code >= 0 else 128 - code


def enter(
    container: Container, process: dict[str, Any], options: ExecOptions, trace: Trace
) -> Process:
    """Start ``process`` in ``container``; returns once the program is being executed."""
    if not (options.ignore_paused and container.status == state.PAUSED):
        container.require("exec")
    checked = validate_process(process)
    paths = container.facts.cgroup_paths
    if options.cgroups:
        from rung.runtime.cgroup.below import below

        paths = below(paths, options.cgroups)
    try:
        return _entered(container, checked, paths, options, trace)
    except StepError as failed:
        # A process that is ending is still there when its namespaces are gone already: setns then says ESRCH.
        if failed.errno != ESRCH and state.alive(container.facts):
            raise
        raise _has_stopped(container) from None  # and its cgroups may have gone under the exec's feet


def _entered(
    container: Container, checked: Process_, paths: dict[str, str], options: ExecOptions, trace: Trace
) -> Process:
    try:
        return _enter(container, checked, paths, options, trace)
    except CgroupNotEntered as failed:
        from rung.runtime.cgroup.below import beside_init, is_for_systemd, with_init

        named = bool(options.cgroups)
        attached = is_for_systemd(failed, container.facts.unit)
        if attached:
            others = paths if named else with_init(paths, container.pid)
        else:
            others = beside_init(failed, paths, container.pid, named=named)
    return _enter(container, checked, others, options, trace, attached=attached)


def _enter(
    container: Container,
    checked: Process_,
    paths: dict[str, str],
    options: ExecOptions,
    trace: Trace,
    *,
    attached: bool = False,
) -> Process:
    config = container.config
    with Closing() as closing, Undo() as undo:
        try:
            pidfd = closing.add(posix.pidfd_open(container.pid))
        except ProcessLookupError:
            raise _has_stopped(container) from None
        if not state.alive(container.facts):
            raise _has_stopped(container)
        program, flags = seccomp_program(config)
        rdt = resctrl_groups(config, container.id)
        plan = compile_exec(
            ExecRequest(
                container.id,
                config,
                checked,
                paths,
                _namespaces_to_enter(container),
                program,
                flags,
                3 + options.preserve_fds,
                _may_set_groups(container, checked),
                rdt.tasks() if rdt else (),
                attached,
            )
        )
        slots = {SLOT_CONTAINER: pidfd}
        if plan.wants_console:
            create = CreateOptions(console_socket=options.console_socket, console_fd=options.console_fd)
            slots[SLOT_CONSOLE_SOCKET] = console_fd(create, closing)
        init = spawn.spawn(plan, "", options.stdio, slots, options.preserve_fds)
        undo.push(init.destroy)
        with trace.span("enter", container.id, "runtime.md#operations"):
            try:
                init.until_ready(
                    lambda _tag, _pid, _fd: _attach(container, init.outer, paths[""]),
                    lambda listener, pid: _inform_agent(container, listener, pid),
                )
                init.until_executed()
            finally:
                if options.observe:
                    options.observe(plan, init.ledger())
        init.close()
        write_pid(options.pid_file, init.pid)
        undo.keep()
    return Process(init.pid)


def _attach(container: Container, pid: int, directory: str) -> None:
    from rung.runtime.cgroup.systemd.driver import attach

    attach(container.facts.unit, container.facts.cgroup_paths[""], pid, directory)


def _inform_agent(container: Container, listener: int, pid: int) -> None:
    from rung.runtime.seccomp.agent import inform

    facts = container.facts
    document = state.state_document(facts.id, state.RUNNING, facts.pid, facts.bundle, facts.annotations)
    inform(container.config, listener, pid, document)


def _may_set_groups(container: Container, process: Process_) -> bool:
    new, joined = new_and_joined(container.config)
    if privilege.is_whole() and "user" not in new and "user" not in joined:
        return True
    denied = privilege.groups_denied(container.pid)
    if denied and posix.geteuid() != 0:
        privilege.check_groups(process)
    return not denied


def _has_stopped(container: Container) -> StateError:
    return StateError("cannot exec in container", f'"{container.id}"', "it has stopped")


def _namespaces_to_enter(container: Container) -> int:
    try:
        return differing_namespaces(container.config, container.pid)
    except (FileNotFoundError, ProcessLookupError):  # it ends meanwhile
        raise _has_stopped(container) from None
    except PermissionError:
        created = container.status == state.CREATED  # rung-init lets nobody but root look into it
        reason = "a user can enter it only once it is started" if created else "it is another user's"
        raise StateError("cannot exec in container", f'"{container.id}"', reason) from None


def differing_namespaces(config: Config, pid: int) -> int:
    """CLONE_NEW* of the container's namespaces that this process is not in already."""
    flags = 0
    for namespace in get(config, "linux", "namespaces") or ():
        flag, name = NAMESPACES[namespace["type"]]
        if posix.stat(f"/proc/{pid}/ns/{name}").st_ino != posix.stat(f"/proc/self/ns/{name}").st_ino:
            flags |= flag
    return flags
