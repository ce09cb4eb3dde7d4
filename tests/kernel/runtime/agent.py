"""A seccomp agent: takes listeners at a socket and answers what is notified (seccomp_unotify(2))."""

from __future__ import annotations

import fcntl
import json
import os
import select
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

CONTINUE = 0
_RECV, _SEND = 0xC0502100, 0xC0182101  # SECCOMP_IOCTL_NOTIF_RECV, _SEND
_FLAG_CONTINUE = 1
DEADLINE_S = 60.0


@dataclass
class Agent:
    """``answers``: system call -> errno; what is not there goes on."""

    path: Path
    answers: dict[int, int]
    states: list[dict[str, Any]] = field(default_factory=list)
    notified: list[int] = field(default_factory=list)
    _listeners: list[int] = field(default_factory=list)

    def serve(self, server: socket.socket, stop: int) -> None:
        while True:
            ready, _, _ = select.select([server, stop, *self._listeners], [], [])
            if stop in ready:
                break
            if server in ready:
                self._accept(server)
            for listener in [fd for fd in self._listeners if fd in ready]:
                self._answer(listener)
        for listener in self._listeners:
            os.close(listener)

    def _accept(self, server: socket.socket) -> None:
        connection, _ = server.accept()
        with connection:
            message, fds, _, _ = socket.recv_fds(connection, 1 << 16, 4)
            while more := connection.recv(1 << 16):
                message += more
        if message:  # else it was killed before it said anything
            self.states.append({**json.loads(message), "received": len(fds)})
        self._listeners += fds

    def _answer(self, listener: int) -> None:
        buffer = bytearray(80)
        try:
            fcntl.ioctl(listener, _RECV, buffer)
        except OSError:  # nobody is bound by that filter any more
            self._listeners.remove(listener)
            os.close(listener)
            return
        (identity,) = struct.unpack_from("=Q", buffer)
        (number,) = struct.unpack_from("=i", buffer, 16)
        self.notified.append(number)
        error = self.answers.get(number, CONTINUE)
        answer = struct.pack("=QqiI", identity, 0, -error, 0 if error else _FLAG_CONTINUE)
        try:
            fcntl.ioctl(listener, _SEND, bytearray(answer))
        except FileNotFoundError:
            return  # it was killed meanwhile


@contextmanager
def agent(path: Path, answers: dict[int, int] | None = None) -> Iterator[Agent]:
    """One at ``path``, for the time of the block."""
    made = Agent(path, answers or {})
    stop, stopping = os.pipe()
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(str(path))
        server.listen()
        thread = threading.Thread(target=made.serve, args=(server, stop))
        thread.start()
        try:
            yield made
        finally:
            os.close(stopping)
            thread.join(DEADLINE_S)
            os.close(stop)
            path.unlink()
    assert not thread.is_alive()
