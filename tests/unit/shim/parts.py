"""A loop that is run as long as a test needs it, and a runtime that is none."""

from __future__ import annotations

import os
from collections.abc import Callable
from typing import Any

from rung.shim.loop import Loop
from rung.shim.runtimes import Checkpoint, Started
from rung.shim.stdio.streams import Ends

PATIENCE_S = 30.0


def run_until(loop: Loop, condition: Callable[[], bool]) -> None:
    """Let the loop work until something is so."""
    late: list[str] = []

    def look() -> None:
        if condition():
            loop.stop()
        else:
            loop.after(0.005, look)

    def give_up() -> None:
        late.append("it did not come")
        loop.stop()

    timer = loop.after(PATIENCE_S, give_up)
    look()
    if not condition():
        loop.run()
    timer.cancel()
    assert not late, late


class FakeRuntime:
    """Keeps what it is asked for; its containers are forks that wait for a byte, and end with it as their status."""

    name = "fake"
    parent = ""

    def keep_story(self, directory: str) -> None:
        self.calls.append("keep_story")

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.gates: dict[int, int] = {}
        self.fails: dict[str, Exception] = {}
        self.pid = 0

    def _do(self, what: str) -> None:
        self.asked.append(what)
        if what in self.fails:
            raise self.fails[what]

    def _process(self, ends: Ends, said: bytes = b"") -> Started:
        reader, writer = os.pipe()
        pid = os.fork()
        if not pid:
            try:
                os.close(writer)
                os.write(ends.stdout, said)
                for fd in (ends.stdin, ends.stdout, ends.stderr):
                    os.close(fd)
                byte = os.read(reader, 1)
            finally:
                os._exit(byte[0] if byte else 99)
        os.close(reader)
        self.gates[pid] = writer
        return Started(pid)

    def finish(self, pid: int, status: int) -> None:
        """Let a process end."""
        os.write(self.gates[pid], bytes((status,)))
        os.close(self.gates.pop(pid))

    def create(self, bundle: str, ends: Ends, checkpoint: str = "") -> Started:
        self._do("create")
        started = self._process(ends, b"hello\n")
        self.pid = started.pid
        return started

    def start(self) -> None:
        self._do("start")

    def exec(self, process: dict[str, Any], ends: Ends) -> Started:
        self._do("exec")
        return self._process(ends, str(process.get("said", "")).encode())

    def kill(self, signal: int, *, all: bool) -> None:
        self._do(f"kill {signal}{' all' if all else ''}")
        for pid in list(self.gates) if all else [self.pid]:
            os.kill(pid, signal)

    def pause(self) -> None:
        self._do("pause")

    def resume(self) -> None:
        self._do("resume")

    def update(self, resources: dict[str, Any]) -> None:
        self._do(f"update {resources}")

    def checkpoint(self, options: Checkpoint) -> None:
        self._do(f"checkpoint {options.path}")

    def pids(self) -> list[int]:
        return [self.pid]

    def stats(self) -> dict[str, Any]:
        return {"pids": {"current": 1}}

    def delete(self, *, force: bool) -> None:
        self._do("delete force" if force else "delete")
