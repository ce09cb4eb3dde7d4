"""create: from a bundle to a container that waits for start.

runtime.md#lifecycle, steps 1 to 5. Each thing made registers how it is unmade; if any
step fails, the caller gets the error and the host is as it was.
"""

from __future__ import annotations

from time import gmtime, strftime, time_ns

from rung import posix
from rung.files import write_atomically
from rung.record import Record
from rung.runtime import bundle as bundles
from rung.runtime import cgroup, privilege, spawn, state
from rung.runtime.errors import ContainerExists, ContainerNotFound, InitKilled, RuntimeFailure
from rung.runtime.plan.compile import RUNTIME_HOOKS, compile_container
from rung.runtime.plan.mounts import passed_over
from rung.runtime.plan.request import Request, get
from rung.runtime.plan.steps import SLOT_CONSOLE_SOCKET, SLOT_START_FIFO, SYNC_DEVICES, SYNC_UNIT
from rung.spec.runtime.warnings import warnings
from rung.undo import Closing, Undo

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    from rung.runtime.plan.request import Caller, Plan
    from rung.runtime.plan.wire import Ledger
    from rung.runtime.resctrl import Groups
    from rung.runtime.spawn import Stdio
    from rung.runtime.state import Directory, Lock
    from rung.spec.runtime.config import Config
    from rung.trace import Trace


class CreateOptions(Record):
    """What the caller of create chooses beside the bundle."""

    stdio: Stdio = spawn.Stdio()
    console_socket: str = ""
    console_fd: int = -1
    pid_file: str = ""
    preserve_fds: int = 0
    no_pivot: bool = False
    no_new_keyring: bool = False
    config_file: str = ""  # in place of the bundle's config.json
    rootless: bool | None = None  # pass over cgroups that cannot be had; None: unless root of the host
    env: tuple[str, ...] = ()  # more variables for the process: descriptors that come with it
    notify: bool = False  # the process may say that it is ready (notify.py)
    observe: Callable[[Plan, Ledger], None] | None = None  # gets what rung-init has done, or how far it came
    cgroup_manager: str = cgroup.PLAIN


def create(
    directory: Directory, bundle: str, options: CreateOptions, trace: Trace, warn: Callable[[str], None]
) -> int:
    """Make the container; returns the pid of its init, a child of this process."""
    with trace.span("read and check", bundle, "config.md"):
        path, text, config = bundles.read_bundle(bundle, options.config_file)
        rootfs = bundles.check_rootfs(path, config)
        check_process(config, options)
        who = privilege.caller()
        privilege.check(config, who)
        for sentence in (*warnings(config), *passed_over(config)):
            warn(sentence)
    with made_and_locked(directory), Undo() as undo:  # what fails is taken back under the lock
        undo.push(directory.remove)
        pid = _create_locked(directory, (path, text, config, rootfs), who, options, trace, undo)
        undo.keep()
    return pid


def check_process(config: Config, options: CreateOptions) -> None:
    """That there is one, and a console socket exactly where it wants a terminal."""
    process = config.get("process")
    if not process:
        raise RuntimeFailure("config.json", "process", "missing", "a container needs a program to run")
    wants = bool(process.get("terminal"))
    given = bool(options.console_socket) or options.console_fd >= 0
    if wants and not given:
        raise RuntimeFailure(
            "cannot create", "the terminal", "process.terminal is true", "give --console-socket"
        )
    if given and not wants:
        raise RuntimeFailure(
            "cannot use", "the console socket", "process.terminal is false", "set it, or leave the socket out"
        )


def made_and_locked(directory: Directory) -> Lock:
    """A new directory, locked. Between the two somebody may delete it and a third make it
    anew: whoever holds the lock on a directory without records is its creator."""
    posix.makedirs(posix.dirname(directory.path), mode=0o711, exist_ok=True)
    while True:
        try:
            posix.mkdir(directory.path, 0o700)
        except FileExistsError:
            raise _exists(directory) from None
        try:
            lock = directory.lock().take()
        except ContainerNotFound:
            continue
        if posix.exists(directory.file("state.json")):
            lock.release()
            raise _exists(directory)
        return lock


def _exists(directory: Directory) -> ContainerExists:
    return ContainerExists(
        "container", f'"{directory.id}"', "exists already", f"delete it: rung-runtime delete {directory.id}"
    )


def _create_locked(
    directory: Directory,
    read: tuple[str, bytes, Config, str],
    who: Caller,
    options: CreateOptions,
    trace: Trace,
    undo: Undo,
) -> int:
    path, text, config, rootfs = read
    hosts = cgroup.hierarchies()
    wanted = get(config, "linux", "cgroupsPath")
    lenient = options.rootless if options.rootless is not None else not privilege.is_whole()
    how = options.cgroup_manager
    if lenient and how == cgroup.PLAIN:
        how = cgroup.REACHABLE
    lenient = lenient or how == cgroup.DISABLED
    annotations = config.get("annotations") or {}
    paths, unit = cgroup.place(how, hosts, wanted, directory.id, annotations)
    created = timestamp(time_ns())
    descriptors = state.descriptors(options.stdio.values())
    facts = state.Facts(
        directory.id, path, rootfs, created, paths, annotations, unit=unit, descriptors=descriptors
    )
    rdt = resctrl_groups(config, directory.id)
    if rdt:
        facts = facts.replace(resctrl=list(rdt.left_to_us()))
    write_atomically(directory.file("config.json"), text)
    config = _with_callers(config, directory, options)
    directory.save(facts)
    group = cgroup.made_by(paths, unit)
    undo.push(group.remove)
    resources = config.get("linux", {}).get("resources", {})

    def make_cgroups(first_pid: int) -> None:
        with trace.span("make and limit cgroups", wanted or directory.id, "config-linux.md#control-groups"):
            group.make(resources, first_pid, directory.id, annotations, lenient)
            if hosts.mode == "v2":
                _give_cgroup(group, config)

    if unit:
        group.check_unused()  # it begins with a process, so it is made when rung-init says that it waits
    else:
        make_cgroups(0)
    if rdt:
        with trace.span("make groups of Intel RDT", rdt.control, "config-linux.md#intelrdt"):
            rdt.make(undo)
    with trace.span("compile the plan", directory.id):
        program, flags = seccomp_program(config)
        plan = compile_container(
            Request(
                directory.id,
                path,
                config,
                paths,
                hosts.mode,
                program,
                flags,
                3 + options.preserve_fds,
                options.no_pivot,
                options.no_new_keyring,
                posix.exists("/proc/kcore"),
                caller=who,
                mount_label=mount_label(config),
                cgroup_shown=hosts.own if lenient else {},
                cgroup_top=hosts.v2 if hosts.mode == "v2" else "",
                in_unit=bool(unit),
                resctrl_tasks=rdt.tasks() if rdt else (),
            )
        )
    init = _spawn(directory, plan, options, trace, undo)

    def at_sync(tag: str, pid: int, descriptor: int) -> None:
        if tag == SYNC_UNIT:
            make_cgroups(init.outer)
        elif tag == SYNC_DEVICES:
            _move_devices(config, pid, descriptor, trace, undo)
        else:
            runtime_hooks(facts, config, pid, trace)

    with trace.span("wait until ready", directory.id, "runtime.md#create"):
        try:
            init.until_ready(
                at_sync,
                lambda listener, pid: _inform_agent(facts, config, listener, pid),
            )
        except InitKilled:
            if group.oom_kills():
                raise RuntimeFailure(
                    "container", f'"{directory.id}"', "its init ran out of memory", "raise linux.resources.memory.limit"
                ) from None
            raise
        finally:
            if options.observe:
                options.observe(plan, init.ledger())
        group.apply_late(resources)
    init.close()
    letter, began = state.start_time(init.pid)
    if not letter:
        raise RuntimeFailure("container", f'"{directory.id}"', "its init died while it was created")
    directory.save(facts.replace(pid=init.pid, start_time=began))
    write_pid(options.pid_file, init.pid)
    return init.pid


def resctrl_groups(config: Config, container_id: str) -> Groups | None:
    """The groups of Intel RDT, where a container has some."""
    if get(config, "linux", "intelRdt") is None:
        return None
    from rung.runtime.resctrl import groups_of

    return groups_of(config, container_id)


def _with_callers(config: Config, directory: Directory, options: CreateOptions) -> Config:
    """The configuration with what comes from the caller's own service manager."""
    if options.env:
        process: Any = config["process"]
        process = {**process, "env": [*(process.get("env") or ()), *options.env]}
        config = {**config, "process": process}
    if options.notify:
        from rung.runtime.notify import inside

        posix.mkdir(directory.file("notify"), 0o755)
        config = inside(config, directory.file("notify"))
    return config


def _give_cgroup(group: cgroup.Cgroup, config: Config) -> None:
    from rung.runtime.cgroup.owner import owner

    uid = owner(config)
    if uid:  # root of the host owns what it makes
        group.give_to(uid)


def write_pid(path: str, pid: int) -> None:
    """The pid for the caller, where it asked for it."""
    if not path:
        return
    try:
        write_atomically(path, str(pid).encode(), 0o644)
    except OSError as error:
        raise RuntimeFailure("cannot write the pid file", f'"{path}"', str(error.strerror)) from None


def mount_label(config: Config) -> str:
    """SELinux's label for what is mounted; where the kernel has no SELinux it would only be refused."""
    label = get(config, "linux", "mountLabel")
    return label if label and posix.exists("/sys/fs/selinux/enforce") else ""


def timestamp(moment_ns: int) -> str:
    """RFC 3339 in UTC with nanoseconds, as managers read it."""
    seconds, rest = divmod(moment_ns, 1_000_000_000)
    return f"{strftime('%Y-%m-%dT%H:%M:%S', gmtime(seconds))}.{rest:09d}Z"


def seccomp_program(config: Config) -> tuple[bytes, int]:
    """The compiled filter and its flags; empty where there is none."""
    wanted = get(config, "linux", "seccomp")
    annotations = config.get("annotations") or {}
    if any(name.startswith("run.oci.seccomp_") for name in annotations):
        from rung.runtime.seccomp.annotations import check_names, given_program

        program = given_program(annotations)
        if program:
            return program, 0
        check_names(annotations, wanted or {})
    if not wanted:
        return b"", 0
    from rung.runtime.seccomp import cached_filter, filter_flags

    return cached_filter(wanted), filter_flags(wanted)


def _spawn(
    directory: Directory, plan: Plan, options: CreateOptions, trace: Trace, undo: Undo
) -> spawn.Init:
    with Closing() as closing, trace.span("start rung-init", f"{len(plan.steps)} steps"):
        fifo = directory.file("exec.fifo")
        posix.mkfifo(fifo, 0o600)
        gate = closing.add(posix.open(fifo, posix.O_RDWR | posix.O_NONBLOCK | posix.O_CLOEXEC))
        slots = {SLOT_START_FIFO: gate}
        if plan.wants_console:
            slots[SLOT_CONSOLE_SOCKET] = console_fd(options, closing)
        init = spawn.spawn(plan, directory.file("plan"), options.stdio, slots, options.preserve_fds)
    undo.push(init.destroy)
    return init


def console_fd(options: CreateOptions, closing: Closing) -> int:
    """The connected socket that will receive the terminal."""
    if options.console_fd >= 0:
        return options.console_fd
    from _socket import AF_UNIX, SOCK_STREAM, socket

    connection = socket(AF_UNIX, SOCK_STREAM)
    try:
        connection.connect(options.console_socket)
    except OSError as error:
        raise RuntimeFailure(
            "console socket", f'"{options.console_socket}"', f"cannot connect: {error.strerror}"
        ) from None
    return closing.add(connection.detach())


def _inform_agent(facts: state.Facts, config: Config, listener: int, pid: int) -> None:
    from rung.runtime.seccomp.agent import inform

    document = state.state_document(facts.id, state.CREATING, pid, facts.bundle, facts.annotations)
    inform(config, listener, pid, document)


def _move_devices(config: Config, pid: int, netlink: int, trace: Trace, undo: Undo) -> None:
    from rung.runtime.netdevices import move

    devices = config["linux"]["netDevices"]
    with trace.span("move network devices", ", ".join(devices), "config-linux.md#network-devices"):
        move(devices, pid, netlink, undo)


def runtime_hooks(facts: state.Facts, config: Config, pid: int, trace: Trace) -> None:
    """Those that run in our namespaces while init waits."""
    from rung.runtime import hooks

    document = state.state_document(facts.id, state.CREATING, pid, facts.bundle, facts.annotations)
    for stage in RUNTIME_HOOKS:
        for number, hook in enumerate(get(config, "hooks", stage) or ()):
            with trace.span(f"run {stage} hook", hook["path"], "config.md#posix-platform-hooks"):
                hooks.run_hook(stage, number, hook, document)
