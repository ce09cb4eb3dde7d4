"""Terminals as clients hold them: a pty of our own, or one received over a console socket."""

from __future__ import annotations

import array
import fcntl
import os
import select
import socket
import subprocess
import termios
import time
from collections.abc import Sequence
from pathlib import Path

from .outcome import DEFAULT_TIMEOUT_S, end

Dialogue = Sequence[tuple[bytes, bytes]]
"""Wait for this, then type that."""


def converse(
    argv: Sequence[str | Path], dialogue: Dialogue, timeout_s: float = DEFAULT_TIMEOUT_S
) -> tuple[int, str]:
    """Run a program on a new controlling terminal; returns its exit code and all it wrote."""
    master, slave = os.openpty()
    try:
        program = subprocess.Popen(
            [str(word) for word in argv],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            start_new_session=True,
            preexec_fn=_take_terminal,
        )
    finally:
        os.close(slave)
    deadline = time.monotonic() + timeout_s
    try:
        said = talk(master, dialogue, deadline)
        program.wait(max(0.1, deadline - time.monotonic()))
    finally:
        os.close(master)
        if program.poll() is None:
            end(program)
    return program.returncode, said.decode(errors="replace")


def talk(master: int, dialogue: Dialogue, deadline: float) -> bytes:
    """Hold the dialogue, then read on until the other side closes."""
    said, start, waiting = b"", 0, list(dialogue)
    while True:
        if waiting and waiting[0][0] in said[start:]:
            start = len(said)
            os.write(master, waiting.pop(0)[1])
        ready, _, _ = select.select([master], [], [], max(0.0, deadline - time.monotonic()))
        assert ready, f"the terminal is silent; waiting for {waiting[:1]}, so far: {said!r}"
        try:
            part = os.read(master, 65536)
        except OSError:  # EIO: the last process that had the terminal open has gone.
            part = b""
        if not part:
            assert not waiting, f"the terminal closed; waiting for {waiting[:1]}, so far: {said!r}"
            return said
        said += part


class ConsoleSocket:
    """Where ``--console-socket`` sends the terminal's master, as runc's docs/terminals.md describes it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(str(path))
        self._socket.listen(1)
        self._socket.settimeout(DEFAULT_TIMEOUT_S)

    def receive(self) -> tuple[int, bytes]:
        """The master's descriptor, and the message it came with."""
        connection, _ = self._socket.accept()
        with connection:
            connection.settimeout(DEFAULT_TIMEOUT_S)
            message, descriptors, _, _ = socket.recv_fds(connection, 4096, 4)
        assert len(descriptors) == 1, f"{len(descriptors)} descriptors came with the console"
        return descriptors[0], message

    def close(self) -> None:
        self._socket.close()


def window_size(terminal: int) -> tuple[int, int]:
    """Rows and columns."""
    size = array.array("H", [0, 0, 0, 0])
    fcntl.ioctl(terminal, termios.TIOCGWINSZ, size)
    return size[0], size[1]


def _take_terminal() -> None:
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)
