"""Any OCI runtime with runc's command line, called as a program for each operation.

Rule: the program's own words are the error. They come in its log (``--log-format json``), or on standard error.
"""

from __future__ import annotations

from select import POLLIN, poll

from rung import jsonc, posix
from rung.runtime import receive
from rung.shim.children import held, waited
from rung.shim.errors import NotFound, ShimError
from rung.shim.runtimes import Checkpoint, Settings, Started
from rung.shim.spawn import spawn
from rung.undo import Closing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rung.shim.stdio.streams import Ends

#: What is kept of a program's standard error.
_WORDS_BYTES = 4096
#: How long a runtime may take for one operation; saving and restoring a container's memory takes as long as it takes.
RUNTIME_S = 120.0
#: How long its terminal may be in coming after it has ended.
CONSOLE_S = 10
_ENDLESS = ("checkpoint", "restore")


class Program:
    """One container of an OCI runtime that is a program."""

    def __init__(self, container_id: str, settings: Settings) -> None:
        self._id = container_id
        self._settings = settings
        self._bundle = ""
        self.parent = ""
        self.name = settings.program.rpartition("/")[2]

    def create(self, bundle: str, ends: Ends, checkpoint: str = "") -> Started:
        self._bundle = bundle
        words = ["create", "--bundle", bundle]
        if checkpoint:
            words = ["restore", "--detach", "--bundle", bundle, "--image-path", checkpoint]
        words += ["--no-pivot"] * self._settings.no_pivot + ["--no-new-keyring"] * self._settings.no_new_keyring
        return self._start_process(words, [self._id], ends, f"{bundle}/init.pid")

    def _start_process(self, words: list[str], last: list[str], ends: Ends, pid_file: str) -> Started:
        words = [*words, "--pid-file", pid_file]
        with Closing() as closing:
            listening, path = -1, ""
            if ends.terminal:
                from rung.shim.beginning import listen

                path = f"/run/rung-console-{posix.getpid()}-{posix.urandom(6).hex()}"
                listening = closing.add(listen(path))
                words += ["--console-socket", path]
            try:
                self._call([*words, *last], (ends.stdin, ends.stdout, ends.stderr))
                console = _receive_from(listening) if ends.terminal else -1
            finally:
                if path:
                    posix.unlink(path)
        pid = int(_text(pid_file))
        posix.unlink(pid_file)
        return Started(pid, console)

    def start(self) -> None:
        self._call(["start", self._id])

    def exec(self, process: dict[str, Any], ends: Ends) -> Started:
        stem = f"{self._bundle or posix.getcwd()}/.exec-{posix.urandom(6).hex()}"
        file = f"{stem}.json"
        fd = posix.open(file, posix.O_WRONLY | posix.O_CREAT | posix.O_EXCL | posix.O_CLOEXEC, 0o600)
        try:
            posix.write(fd, jsonc.dumps(process).encode())
            words = ["exec", "--process", file, "--detach"]
            return self._start_process(words, [self._id], ends, f"{stem}.pid")
        finally:
            posix.close(fd)
            posix.unlink(file)

    def kill(self, signal: int, *, all: bool) -> None:
        self._call(["kill", *(["--all"] if all else []), self._id, str(signal)])

    def pause(self) -> None:
        self._call(["pause", self._id])

    def resume(self) -> None:
        self._call(["resume", self._id])

    def update(self, resources: dict[str, Any]) -> None:
        reader, writer = posix.pipe2(posix.O_CLOEXEC)
        try:
            posix.write(writer, jsonc.dumps(resources).encode())  # a few hundred bytes: a pipe holds 64 KiB
            posix.close(writer)
            self._call(["update", "--resources", "-", self._id], (reader, -1, -1))
        finally:
            posix.close(reader)

    def checkpoint(self, options: Checkpoint) -> None:
        flags = {
            "--leave-running": options.leave_running,
            "--tcp-established": options.open_tcp,
            "--ext-unix-sk": options.unix_sockets,
            "--shell-job": options.terminal,
            "--file-locks": options.file_locks,
        }
        words = ["checkpoint", "--image-path", options.path, *(flag for flag, given in flags.items() if given)]
        if options.work_path:
            words += ["--work-path", options.work_path]
        if options.cgroups_mode:
            words += ["--manage-cgroups-mode", options.cgroups_mode]
        self._call([*words, self._id])

    def pids(self) -> list[int]:
        found: list[int] = jsonc.loads(self._call(["ps", "--format", "json", self._id]))
        return found

    def stats(self) -> dict[str, Any]:
        document = jsonc.loads(self._call(["events", "--stats", self._id]))
        found: dict[str, Any] = document["data"]
        return found

    def delete(self, *, force: bool) -> None:
        try:
            self._call(["delete", *(["--force"] if force else []), self._id])
        except NotFound:
            return  # a checkpoint that it did not outlive has deleted it

    def keep_story(self, directory: str) -> None:
        return  # it tells nothing of itself

    # --- one call ---------------------------------------------------------------------

    def _call(self, words: list[str], fds: tuple[int, int, int] = (-1, -1, -1)) -> bytes:
        """What the program printed. Raises what it complained of."""
        # In the bundle: a shim that is killed leaves it to whoever takes that away.
        log = f"{self._settings.bundle or '/run'}/.log-{posix.getpid()}-{posix.urandom(6).hex()}"
        program = [self._settings.program, "--log", log, "--log-format", "json"]
        if self._settings.root:
            program += ["--root", self._settings.root]
        if self._settings.systemd_cgroup:
            program.append("--systemd-cgroup")
        try:
            code, out, err = run([*program, *words], fds, deadline_s=None if words[0] in _ENDLESS else RUNTIME_S)
            if code:
                raise _complaint(self.name, words[0], code, _last_error(log), err)
            return out
        finally:
            try:
                posix.unlink(log)
            except FileNotFoundError:
                pass


def run(
    argv: list[str],
    fds: tuple[int, int, int],
    told: dict[str, str] | None = None,
    deadline_s: float | None = RUNTIME_S,
) -> tuple[int, bytes, bytes]:
    """Run a program to its end: status, and what it wrote where no descriptor is given (-1). ``told``: variables.
    One that has not ended by the deadline is killed, and ``ShimError`` raised."""
    with Closing() as closing:
        null = closing.add(posix.open("/dev/null", posix.O_RDWR | posix.O_CLOEXEC))
        # Files and not pipes: a container's process may keep them open for as long as it lives.
        caught = [closing.add(posix.memfd_create("words", posix.MFD_CLOEXEC)) for _ in range(2)]
        given = (fds[0] if fds[0] >= 0 else null, *(fd if fd >= 0 else mine for fd, mine in zip(fds[1:], caught)))
        try:
            variables = {**posix.environment(), **(told or {})}
            pid = held(lambda: spawn(argv, variables, dict(enumerate(given))))
        except OSError as error:
            raise ShimError("run", f'"{argv[0]}"', error.strerror or "", "is that runtime installed?") from None
        try:
            code = posix.waitstatus_to_exitcode(waited(pid, deadline_s))
        except TimeoutError:
            said = f"has not ended within {deadline_s:g} s and was killed"
            raise ShimError("run", f'"{argv[0]}"', said, "does that runtime wait for something?") from None
        out, err = (posix.pread(fd, 1 << 20, 0) for fd in caught)
        return code, out, err


def _complaint(name: str, operation: str, code: int, logged: str, err: bytes) -> ShimError:
    said = logged or err[-_WORDS_BYTES:].decode("utf-8", "replace").strip() or f"ended with status {code}"
    kind = NotFound if "does not exist" in said or "not running" in said or "already finished" in said else ShimError
    return kind(f"{name} {operation}", "", said)


def _last_error(log: str) -> str:
    """The last line of a log that is an error."""
    try:
        text = _text(log)
    except FileNotFoundError:
        return ""
    for line in reversed(text.splitlines()):
        try:
            entry = jsonc.loads(line)
        except ValueError:
            continue
        if entry.get("level") in ("error", "fatal"):
            return str(entry.get("msg", ""))
    return ""


def _receive_from(listening: int) -> int:
    from _socket import AF_UNIX, SOCK_STREAM, socket

    server = socket(AF_UNIX, SOCK_STREAM, 0, posix.dup(listening))
    try:
        waiting = poll()
        waiting.register(listening, POLLIN)
        if not waiting.poll(CONSOLE_S * 1000):
            raise ShimError("terminal", "", f"the runtime has not sent it within {CONSOLE_S} s")
        fd, _ = server._accept()  # type: ignore[attr-defined]
        connection = socket(AF_UNIX, SOCK_STREAM, 0, fd)
        try:
            return receive(connection)
        finally:
            connection.close()
    finally:
        server.close()


def _text(path: str) -> str:
    fd = posix.open(path, posix.O_RDONLY | posix.O_CLOEXEC)
    try:
        return posix.read(fd, 1 << 16).decode("utf-8", "replace")
    finally:
        posix.close(fd)
