"""What an ordinary user's engine leaves outside of its namespaces: the way to the network.

The engine has a network of its own, in which it may make bridges; it cannot go back to the host's. So a process stays
there, forked before anything else: it joins the two with pasta(1) or slirp4netns(1), and it opens the sockets of
published ports, which the engine gets by descriptor (unix(7), SCM_RIGHTS): a socket stays of the network it was made
in.

Containers outlive the engine, and so must the namespaces that they are in: a keeper holds them, and the next engine
goes into those (setns(2)) instead of making others, in which it would be nobody to them. Both end with an engine that
is stopped while no container runs.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
from threading import Lock

from rung import jsonc
from rung.cli import uplink
from rung.cli.rootless import MARK, become_root
from rung.errors import RungError
from rung.kernel.libc import failed, library

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_CLONE_NEWNET = 0x4000_0000


class Outside:
    """The process, as the engine sees it."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._turn = Lock()
        #: What joins the networks; empty: nothing does.
        self.by = ""

    def bind(self, family: int, kind: int, address: str, port: int) -> socket.socket:
        """A socket of the host's network, bound; it listens where it can. Raises ``OSError``."""
        answer, fds = self.ask({"family": family, "kind": kind, "address": address, "port": port})
        if answer.get("errno"):
            raise OSError(int(answer["errno"]), os.strerror(int(answer["errno"])))
        return socket.socket(fileno=fds[0])

    def end(self) -> None:
        """Nobody is left who needs it, nor the namespaces."""
        self._connection.sendall(b'{"end": true}')
        self._connection.recv(16)  # until it has

    def ask(self, question: dict[str, Any]) -> tuple[dict[str, Any], list[int]]:
        """One question, and the descriptors that come with the answer. Raises ``RungError``."""
        with self._turn:
            self._connection.sendall(jsonc.dumps(question).encode())
            data, fds, _, _ = socket.recv_fds(self._connection, 1 << 14, 1)
        if not data:
            hint = "stop the containers, start rungd again"
            raise RungError("rootless network", "", "the process outside has ended", hint)
        return jsonc.loads(data), fds


def go_in(run: str) -> Outside:
    """Be root in namespaces of our own: those that are kept for the engine of this run directory, or new ones. This
    process must have one thread."""
    path = f"{run}/outside.sock"
    outside = Outside(_connect(path) or _leave_one(path))
    kept, _ = outside.ask({"kept": True})
    if kept["pid"]:
        _enter(int(kept["pid"]))
    else:
        become_root()
        _call(library().unshare(_CLONE_NEWNET), "unshare", "CLONE_NEWNET")
        kept, _ = outside.ask({"join": _keeper()})
        if kept.get("error"):
            outside.end()
            raise RungError(*kept["error"])
    outside.by = str(kept["by"])
    return outside


def _connect(path: str) -> socket.socket | None:
    found = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        found.connect(path)
    except (FileNotFoundError, ConnectionRefusedError):
        found.close()
        return None
    return found


def _leave_one(path: str) -> socket.socket:
    """Fork the process; it is a daemon of its own."""
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    listening.bind(path)
    listening.listen()
    if not os.fork():
        status = 1
        try:
            os.setsid()
            _Process(listening, path).serve()
            status = 0
        finally:
            os._exit(status)
    listening.close()
    found = _connect(path)
    assert found is not None
    return found


def _keeper() -> int:
    """Somebody who stays in these namespaces, and does nothing."""
    pid = os.fork()
    if not pid:
        try:
            os.setsid()
            os.execvp("sleep", ["sleep", "infinity"])
        finally:
            os._exit(127)
    return pid


def _enter(pid: int) -> None:
    user = os.geteuid()
    for name, flag in (("user", 0x1000_0000), ("mnt", 0x2_0000), ("net", _CLONE_NEWNET)):
        fd = os.open(f"/proc/{pid}/ns/{name}", os.O_RDONLY | os.O_CLOEXEC)
        _call(library().setns(fd, flag), "setns", name)
        os.close(fd)
    os.setgid(0)
    os.setuid(0)
    os.environ[MARK] = str(user)


def _call(result: int, name: str, what: str) -> None:
    if result < 0:
        raise failed(name, what)


# --- the process itself ------------------------------------------------------------------


class _Process:
    """In the host's network, as the user."""

    def __init__(self, listening: socket.socket, path: str) -> None:
        self._listening, self._path, self._log = listening, path, f"{path.removesuffix('.sock')}.log"
        self._kept, self._by = 0, ""
        self._joined: subprocess.Popen[bytes] | None = None

    def serve(self) -> None:
        """One engine after another, until one says that it is over."""
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)  # a terminal's signal is the engine's
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        try:
            while self._one(self._listening.accept()[0]):
                pass
        finally:
            self._end()

    def _one(self, connection: socket.socket) -> bool:
        with connection:
            while question := connection.recv(1 << 14):
                asked = jsonc.loads(question)
                if "end" in asked:
                    self._end()
                    return False
                if "family" in asked:
                    _open(connection, asked)
                    continue
                answer: dict[str, Any] = {"pid": self._kept if _lives(self._kept) else 0, "by": self._by}
                if "join" in asked:
                    self._kept = int(asked["join"])
                    answer = self._join()
                connection.sendall(jsonc.dumps(answer).encode())
        # An engine that ended before it had anything kept has nothing to come back to.
        return _lives(self._kept)

    def _join(self) -> dict[str, Any]:
        """Give the engine's network a way out, where a program is installed that can."""
        try:
            if uplink.program():
                self._joined = uplink.join(self._kept, self._log)
        except RungError as error:
            return {"error": error.args}
        self._by = uplink.program()
        return {"by": self._by}

    def _end(self) -> None:
        if self._kept and _lives(self._kept):
            os.kill(self._kept, signal.SIGKILL)  # pasta ends with the network
        if self._joined is not None:
            self._joined.terminate()
            self._joined.wait()
        for path in (self._path, self._log):
            try:
                os.unlink(path)
            except FileNotFoundError:
                continue


def _lives(pid: int) -> bool:
    """Whether it is there, and no zombie."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return file.read().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _open(connection: socket.socket, asked: dict[str, Any]) -> None:
    with socket.socket(asked["family"], asked["kind"]) as found:
        try:
            if asked["family"] == socket.AF_INET6:
                found.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            if asked["kind"] == socket.SOCK_STREAM:
                found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            found.bind((asked["address"], asked["port"]))
            if asked["kind"] == socket.SOCK_STREAM:
                found.listen()
        except OSError as error:
            connection.sendall(jsonc.dumps({"errno": error.errno}).encode())
            return
        socket.send_fds(connection, [b"{}"], [found.fileno()])
