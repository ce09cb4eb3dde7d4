"""restore: a container made from a bundle as create does, its processes made by CRIU from images.

CRIU is started by a plan (plan/restore.py) in the new container's cgroups. The processes it
makes are its siblings: the container's init is this process's child, as after create.
"""

from __future__ import annotations

from time import time_ns

from rung import jsonc, posix
from rung.files import read_file, write_atomically
from rung.runtime import bundle as bundles
from rung.runtime import cgroup, spawn, state
from rung.runtime.checkpoint import criu, outside, rpc
from rung.runtime.checkpoint.dump import DESCRIPTORS, open_directories
from rung.runtime.checkpoint.loopback import set_up
from rung.runtime.checkpoint.request import RESTORE_LOG, named, restore_options
from rung.runtime.create import (
    CreateOptions,
    check_process,
    console_fd,
    made_and_locked,
    runtime_hooks,
    timestamp,
    write_pid,
)
from rung.runtime.errors import CriuError, RuntimeFailure
from rung.runtime.plan.compile import compile_container
from rung.runtime.plan.namespaces import new_and_joined
from rung.runtime.plan.request import Request, get
from rung.runtime.plan.restore import compile_restore
from rung.undo import Closing, Undo

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from rung.runtime.checkpoint.options import RestoreOptions
    from rung.runtime.state import Directory, Facts
    from rung.spec.runtime.config import Config, Resources
    from rung.trace import Trace


def restore(directory: Directory, bundle: str, options: RestoreOptions, trace: Trace) -> int:
    """Make the container; returns the pid of its init, a child of this process. Raises ``CriuError``."""
    with trace.span("read and check", bundle, "config.md"):
        path, text, config = bundles.read_bundle(bundle)
        rootfs = bundles.check_rootfs(path, config)
        create = CreateOptions(console_socket=options.console_socket, console_fd=options.console_fd)
        check_process(config, create)
        program = criu.find()
    with Closing() as closing, made_and_locked(directory), Undo() as undo:
        undo.push(directory.remove)
        files = open_directories(options, closing, make=False)
        hosts = cgroup.hierarchies()
        wanted, annotations = get(config, "linux", "cgroupsPath"), config.get("annotations") or {}
        paths, unit = cgroup.place(options.cgroup_manager, hosts, wanted, directory.id, annotations)
        facts = state.Facts(
            directory.id,
            path,
            rootfs,
            timestamp(time_ns()),
            paths,
            annotations,
            unit=unit,
            descriptors=state.descriptors(options.stdio.values()),
        )
        write_atomically(directory.file("config.json"), text)
        directory.save(facts)
        top = hosts.v2 if hosts.mode == "v2" else ""
        request = Request(directory.id, path, config, paths, hosts.mode, in_unit=bool(unit), cgroup_top=top)
        one = _Restore(directory, facts, request, options, create, trace)
        pid = one.by_criu(program, files, closing, undo)
        write_pid(options.pid_file, pid)
        undo.keep()
    return pid


class _Restore:
    """One restore on its way."""

    def __init__(
        self,
        directory: Directory,
        facts: Facts,
        request: Request,
        options: RestoreOptions,
        create: CreateOptions,
        trace: Trace,
    ) -> None:
        self._directory = directory
        self._facts = facts
        self._request = request
        self._config = request.config
        self._options = options
        self._create = create
        self._trace = trace
        self._group = cgroup.made_by(facts.cgroup_paths, facts.unit)
        self._resources: Resources = self._config.get("linux", {}).get("resources", {})
        self._pid = 0  # of the container's init, once CRIU has told it

    def _make_cgroups(self, first_pid: int) -> None:
        """All limits but that of processes, which CRIU needs one or two of itself."""
        early = self._resources.copy()
        early.pop("pids", None)
        with self._trace.span("make and limit cgroups", self._facts.id, "config-linux.md#control-groups"):
            self._group.make(early, first_pid, self._facts.id, self._facts.annotations)

    def by_criu(self, program: str, files: tuple[int, int], closing: Closing, undo: Undo) -> int:
        """Let CRIU do its work; the container runs when this returns its init's pid."""
        namespaces = {kind: closing.add(_open_namespace(kind, path)) for kind, path in named(self._config).items()}
        descriptors = _read_descriptors(self._options.image_path)
        undo.push(self._group.remove)
        if self._facts.unit:
            self._group.check_unused()
        else:
            self._make_cgroups(0)
        undo.push(self._end_restored)
        with self._start(program, list(namespaces.values())) as talk:
            wanted = restore_options(
                self._options,
                self._config,
                root=self._facts.rootfs,
                images_fd=closing.add(_seen_by(talk.pid, files[0])),
                work_fd=closing.add(_seen_by(talk.pid, files[1])) if files[1] >= 0 else -1,
                cgroups=_cgroups_of(talk.pid),
                namespace_fds={kind: criu.SOCKET_FD + 1 + n for n, kind in enumerate(namespaces)},
                descriptors=descriptors,
                external=outside.for_restore(compile_container(self._request).steps, self._config),
            )
            with self._trace.span("restore", self._options.image_path):
                self._ask(talk, wanted)
        if "pids" in self._resources:
            self._group.apply({"pids": self._resources["pids"]}, update=True)
        return self._pid

    def _start(self, program: str, namespaces: list[int]) -> criu.Talk:
        """CRIU, in the container's cgroups, where it finds the root file system prepared."""
        ours, theirs = criu.sockets()
        passed = (theirs.fileno(), *namespaces)
        env = tuple(f"{name}={value}" for name, value in posix.environment().items())
        request = self._request.replace(keep_fds=criu.SOCKET_FD + len(passed))
        plan = compile_restore(request, (program, *criu.ARGUMENTS), env)
        with self._trace.span("start criu", program), Undo() as undo:
            undo.push(ours.close)
            try:
                file = self._directory.file("plan")
                init = spawn.spawn(plan, file, self._options.stdio, {}, passed_on=passed)
            finally:
                theirs.close()
            undo.push(init.destroy)
            init.until_ready(lambda _tag, _pid, _fd: self._make_cgroups(init.outer), lambda _fd, _pid: None)
            init.until_executed()
            init.close()
            undo.keep()
        return criu.Talk(ours, init.pid)

    def _ask(self, talk: criu.Talk, wanted: dict[str, object]) -> None:
        log = posix.join(self._options.log_directory, RESTORE_LOG)
        try:
            response = talk.ask(rpc.request(type=rpc.RESTORE, opts=wanted), self._notified)
        except CriuError:
            raise criu.failure("restore", self._facts.id, log, None) from None
        if not response.success:
            raise criu.failure("restore", self._facts.id, log, response)
        self._pid = response.restore.pid

    def _notified(self, name: str, pid: int, fd: int) -> None:
        self._pid = pid or self._pid
        if name == "setup-namespaces":
            if "network" in new_and_joined(self._config)[0]:
                set_up(pid)
            runtime_hooks(self._facts, self._config, pid, self._trace)
        elif name == "orphan-pts-master" and fd >= 0:
            self._send_console(fd)
        elif name == "post-restore":  # all is made and nothing runs yet
            _keep_time_namespace(self._directory, self._config, pid)
            self._directory.save(self._facts.replace(pid=pid, start_time=state.start_time(pid)[1]))

    def _send_console(self, fd: int) -> None:
        """The controlling end of the terminal, to where create would have sent it."""
        from _socket import AF_UNIX, SCM_RIGHTS, SOCK_STREAM, SOL_SOCKET, socket

        with Closing() as closing:
            to = socket(AF_UNIX, SOCK_STREAM, 0, posix.dup(console_fd(self._create, closing)))
            try:
                to.sendmsg([b"/dev/ptmx"], [(SOL_SOCKET, SCM_RIGHTS, fd.to_bytes(4, "little"))])
            except OSError as error:
                raise RuntimeFailure("send the terminal", "", str(error.strerror)) from None
            finally:
                to.close()

    def _end_restored(self) -> None:
        """CRIU kills what it has begun to restore; its first process is our child, not CRIU's."""
        if self._pid > 0:
            spawn.kill_child(self._pid)


def _seen_by(pid: int, directory: int) -> int:
    """The same directory in the mount namespace of another process: CRIU mounts in its work directory."""
    path = posix.readlink(f"/proc/self/fd/{directory}")
    return posix.open(f"/proc/{pid}/root{path}", posix.O_RDONLY | posix.O_DIRECTORY | posix.O_CLOEXEC)


def _open_namespace(kind: str, path: str) -> int:
    try:
        return posix.open(path, posix.O_RDONLY | posix.O_CLOEXEC)
    except OSError as error:
        raise RuntimeFailure(f"cannot join {kind} namespace", f'"{path}"', str(error.strerror)) from None


def _cgroups_of(pid: int) -> dict[str, str]:
    """cgroups(7), /proc/PID/cgroup: controllers -> path; what CRIU is to restore into."""
    lines = read_file(f"/proc/{pid}/cgroup").decode("utf-8", "surrogateescape").splitlines()
    return {names: path for _, names, path in (line.split(":", 2) for line in lines)}


def _read_descriptors(image_path: str) -> Sequence[str]:
    path = posix.join(image_path, DESCRIPTORS)
    try:
        found = jsonc.loads(read_file(path))
    except FileNotFoundError:
        hint = "give --image-path: the directory that checkpoint wrote"
        raise RuntimeFailure("cannot restore from", f'"{image_path}"', f"it has no {DESCRIPTORS}", hint) from None
    except ValueError as error:
        raise RuntimeFailure("cannot read", f'"{path}"', str(error)) from None
    if not isinstance(found, list) or not all(isinstance(name, str) for name in found):
        raise RuntimeFailure("cannot read", f'"{path}"', "it is no list of names")
    return found


def _keep_time_namespace(directory: Directory, config: Config, pid: int) -> None:
    """CRIU restores into a time namespace, where the clocks go on as they were; exec must enter it."""
    if "time" in new_and_joined(config)[0]:
        return
    if posix.stat(f"/proc/{pid}/ns/time").st_ino == posix.stat("/proc/self/ns/time").st_ino:
        return
    linux = config.get("linux") or {}
    spaces = [*(linux.get("namespaces") or ()), {"type": "time"}]
    changed = {**config, "linux": {**linux, "namespaces": spaces}}
    write_atomically(directory.file("config.json"), jsonc.dumps(changed).encode())
