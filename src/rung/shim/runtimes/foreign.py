"""A container kept by somebody else's shim: ``containerd-shim-NAME-vN`` is started and driven as containerd does.

What the caller speaks to is still Rung's shim, which holds the streams, the log and the clients; the other one is its
runtime, and what it asks of it are calls of the Task service. A foreign shim knows nothing but FIFOs: it gets our pipes
by their names in /proc, so nothing lies in a directory. Its processes are not our children: their ends come as the
answers to ``Wait``.

containerd, core/runtime/v2/README.md.
"""

from __future__ import annotations

from errno import ENOENT
from itertools import count
from select import POLLIN, poll

from rung import jsonc, posix
from rung.files import read_file, write_atomically
from rung.shim.errors import ShimError
from rung.shim.runtimes import Checkpoint, Settings, Started
from rung.shim.runtimes.program import run
from rung.shim.runtimes.remote import Gone, Remote, ask
from rung.spec.protobuf import Message
from rung.spec.shim import task as messages
from rung.spec.shim.bootstrap import OPTIONS_NAME, Options
from rung.spec.shim.common import Anything
from rung.undo import Closing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rung.shim.stdio.streams import Ends

NAMESPACE = "rung"
#: In the bundle: what the other shim's ``start`` has printed.
FILE = "other-shim"
#: A shim that is told to shut down has so long.
PATIENCE_MS = 5000
#: posix_spawn(3) has no word for a directory.
_IN_DIRECTORY = 'cd "$1" && shift && exec "$@"'


def is_shim(program: str) -> bool:
    """Whether a program is a shim and no OCI runtime, by its name."""
    return program.rpartition("/")[2].startswith("containerd-shim-")


class Foreign:
    """One container of another shim."""

    def __init__(self, container_id: str, settings: Settings) -> None:
        self._id, self._settings, self._bundle = container_id, settings, settings.bundle
        self.parent = ""
        self.name = settings.program.rpartition("/")[2]
        self._address, self._service = "", messages.SERVICES[1]
        self._execs = count(1)

    # --- its life ---------------------------------------------------------------------

    def create(self, bundle: str, ends: Ends, checkpoint: str = "") -> Started:
        if checkpoint:
            raise ShimError("restore", f'"{self._id}"', f"{self.name} is not asked for that", "use --runtime rung")
        self._begin()
        request = messages.CreateTaskRequest(id=self._id, bundle=bundle, options=self._options())
        try:
            return self._started("", ends, request)
        except BaseException:
            self.delete(force=True)
            raise

    def _begin(self) -> None:
        """Start the shim. It logs to ``log`` in the bundle, a FIFO under containerd."""
        log = f"{self._bundle}/log"
        posix.close(posix.open(log, posix.O_WRONLY | posix.O_CREAT | posix.O_CLOEXEC, 0o600))
        options = self._options()
        said = self._run("start", options.encode() if options is not None else b"")
        write_atomically(f"{self._bundle}/{FILE}", said)
        self._use(said)

    def _use(self, said: bytes) -> None:
        self._address, version = _answer(said)
        self._service = messages.SERVICES[0] if version > 2 else messages.SERVICES[1]

    def _options(self) -> Anything | None:
        """runc's shim has its state where we say; what options others have, nobody here knows."""
        if not self.name.startswith("containerd-shim-runc-"):
            return None
        given = Options(root=f"{self._settings.root}-{self.name}", systemd_cgroup=self._settings.systemd_cgroup)
        return Anything(type_url=OPTIONS_NAME, value=given.encode())

    def _started(self, exec_id: str, ends: Ends, request: Any) -> Started:
        """Create or Exec, with the streams; an exec is started, too."""
        with Closing() as closing:
            theirs = {"stdin": ends.stdin, "stdout": ends.stdout, "stderr": ends.stderr}
            ours = (-1, -1)
            if ends.terminal:
                (inner, typed), (shown, outer) = posix.pipe2(posix.O_CLOEXEC), posix.pipe2(posix.O_CLOEXEC)
                closing.add(inner)
                closing.add(outer)
                theirs, ours = {"stdin": inner, "stdout": outer}, (shown, typed)
            request.terminal = ends.terminal
            for name, fd in theirs.items():
                setattr(request, name, _fifo(fd))
            try:
                found = self._call("Exec" if exec_id else "Create", request)
                if exec_id:
                    found = self._call("Start", messages.OfProcess(id=self._id, exec_id=exec_id))
            except BaseException:
                for fd in ours:
                    if fd >= 0:
                        posix.close(fd)
                raise
        remote = Remote(self._address, self._service, self._id, exec_id)
        return Started(found.pid, *ours, remote)

    def start(self) -> None:
        self._call("Start", messages.OfProcess(id=self._id))

    def exec(self, process: dict[str, Any], ends: Ends) -> Started:
        exec_id = f"exec-{next(self._execs)}"
        spec = Anything(type_url=messages.PROCESS_URL, value=jsonc.dumps(process).encode())
        return self._started(exec_id, ends, messages.ExecProcessRequest(id=self._id, exec_id=exec_id, spec=spec))

    def kill(self, signal: int, *, all: bool) -> None:
        self._call("Kill", messages.KillRequest(id=self._id, signal=signal, all=all))

    def delete(self, *, force: bool) -> None:
        """The task, the shim, and then whatever its own ``delete`` finds."""
        self._find()
        try:
            if force and self._address:
                self._end()
            if self._address:
                self._call("Delete", messages.OfProcess(id=self._id))
        except Gone:
            pass  # it was killed: its program takes away what it had
        except ShimError:
            if not force:
                raise
        try:
            if self._address:
                self._shut_down(now=force)
        finally:
            self._run("delete", b"")

    def _shut_down(self, *, now: bool) -> None:
        """Have the shim end, and see it do so: it may tell events still, which are taken meanwhile."""
        with Closing() as closing:
            try:
                pid = self._call("Connect", messages.OfTask(id=self._id)).shim_pid
                ended = closing.add(posix.pidfd_open(pid))
            except (Gone, ProcessLookupError):
                return  # it was killed
            try:
                self._call("Shutdown", messages.ShutdownRequest(id=self._id, now=now))
            except Gone:
                pass  # with ``now`` runc's ends at once, and its answer does not always come first
            waiting = poll()
            waiting.register(ended, POLLIN)
            if not waiting.poll(PATIENCE_MS):
                posix.kill(pid, 9)

    def _end(self) -> None:
        """Kill what runs, and wait for its end."""
        try:
            self._call("Kill", messages.KillRequest(id=self._id, signal=9, all=True))
            self._call("Wait", messages.OfProcess(id=self._id))
        except ShimError:
            return  # it has no process, or none any more

    def _find(self) -> None:
        """Where its shim listens: who deletes need not be who created."""
        if not self._address:
            try:
                self._use(read_file(f"{self._bundle}/{FILE}"))
            except OSError as error:
                if error.errno != ENOENT:
                    raise
                return  # it has not come so far

    # --- while it runs ----------------------------------------------------------------

    def pause(self) -> None:
        self._call("Pause", messages.OfTask(id=self._id))

    def resume(self) -> None:
        self._call("Resume", messages.OfTask(id=self._id))

    def update(self, resources: dict[str, Any]) -> None:
        given = Anything(type_url=messages.RESOURCES_URL, value=jsonc.dumps(resources).encode())
        self._call("Update", messages.UpdateTaskRequest(id=self._id, resources=given))

    def checkpoint(self, options: Checkpoint) -> None:
        raise ShimError("checkpoint", f'"{self._id}"', f"{self.name} is not asked for that", "use --runtime rung")

    def pids(self) -> list[int]:
        return [one.pid for one in self._call("Pids", messages.OfTask(id=self._id)).processes]

    def stats(self) -> Anything | None:
        found: Anything | None = self._call("Stats", messages.OfTask(id=self._id)).stats
        return found

    def keep_story(self, directory: str) -> None:
        return  # it tells nothing of itself

    # --- asking -----------------------------------------------------------------------

    def _call(self, method: str, request: Message) -> Any:
        return ask(self._address, self._service, method, request)

    def _run(self, action: str, given: bytes) -> bytes:
        """The shim's program with an action: what it printed."""
        settings = self._settings
        words = [settings.program, "-namespace", NAMESPACE, "-address", settings.listens]
        words += ["-publish-binary", "/bin/true", "-id", self._id]
        words += ["-bundle", self._bundle, action] if action == "delete" else [action]
        told = {"MAX_SHIM_VERSION": "2", "GOMAXPROCS": "2", "NAMESPACE": NAMESPACE}
        told |= {"TTRPC_ADDRESS": settings.listens, "GRPC_ADDRESS": settings.listens}
        with Closing() as closing:
            fd = closing.add(posix.memfd_create("options", posix.MFD_CLOEXEC))
            posix.pwrite(fd, given, 0)
            code, out, err = run(["/bin/sh", "-c", _IN_DIRECTORY, "sh", self._bundle, *words], (fd, -1, -1), told)
        if code:
            said = (err or out)[-4096:].decode("utf-8", "replace").strip() or f"ended with status {code}"
            raise ShimError(f"{self.name} {action}", "", said)
        return out


def _fifo(fd: int) -> str:
    """The name of a pipe of ours, for whoever opens FIFOs; none for what is no pipe."""
    import stat

    if fd < 0 or not stat.S_ISFIFO(posix.fstat(fd).st_mode):
        return ""
    return f"/proc/{posix.getpid()}/fd/{fd}"


def _answer(said: bytes) -> tuple[str, int]:
    """``(address, version)`` of what ``start`` printed: an address, or a document. Raises ``ShimError``."""
    text = said.decode("utf-8", "replace").strip()
    document: dict[str, Any] = {"address": text}
    if text.startswith("{"):
        document = jsonc.loads(text)
    address, protocol = str(document.get("address", "")), document.get("protocol", "ttrpc")
    if not address.startswith("unix://") or protocol != "ttrpc":
        raise ShimError("start shim", "", f"it listens at {address or text!r} with {protocol}", "ttrpc is spoken")
    return address.removeprefix("unix://"), int(document.get("version", 2))
