"""One container's operations, to be done under the tracer, and what an operator does after a crash."""

from __future__ import annotations

import functools
import os
import struct
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from kernel.runtime.bed import captured, ended_within, until
from rung.files import read_file
from rung.runtime import Stdio
from rung.runtime.plan import wire


class Subject:
    """One container's operations, to be done under the tracer."""

    def __init__(self, bed, edits: dict[str, Any]) -> None:
        self.bed = bed
        root = bed.own_rootfs()
        for name in ("mnt", "home"):
            (root / name).mkdir()
        for folder in (bed.folder, bed.folder.parent, bed.folder.parent.parent):
            folder.chmod(0o755)  # the user namespace's root is nobody out here
        self.bundle = bed.bundle(["sleep", "1000"], {"root.path": str(root), **edits})
        self.id = bed.new_id()
        self.null = os.open("/dev/null", os.O_RDWR)

    def create(self) -> None:
        self.bed.runtime.create(self.id, str(self.bundle), stdio=Stdio(self.null, self.null, self.null))

    def start(self) -> None:
        self.bed.runtime.get(self.id).start()

    def exec(self) -> None:
        container = self.bed.runtime.get(self.id)
        container.exec({**container.config["process"], "args": ["true"]})

    def delete(self) -> None:
        self.bed.runtime.get(self.id).delete(force=True)

    def plan(self) -> bytes:
        return read_file(f"{self.bed.state}/{self.id}/plan")

    def no_init_but_a_ready_one(self) -> None:
        """Whoever was not told ready dies with its runtime."""
        try:
            ledger = wire.read_ledger(self.plan())
        except (FileNotFoundError, struct.error):
            return
        if ledger.pid and ledger.state not in (wire.READY, wire.EXECUTING):
            ended_within(ledger.pid)

    def first_calls(self, calls: Sequence[wire.Call]) -> Iterator[tuple[int, Callable[[], bool]]]:
        """The call that begins each step, and when it is entered: the ledger counts a call before it makes it."""
        firsts: dict[int, int] = {}
        for index, call in enumerate(calls):
            firsts.setdefault(call.step, index)
        for index in sorted(firsts.values()):
            yield index, functools.partial(self.has_come_to, index)

    def has_come_to(self, index: int) -> bool:
        try:
            return len(wire.read_ledger(self.plan(), with_calls=True).calls) > index
        except (FileNotFoundError, struct.error):
            return False

    def clean(self) -> None:
        """What an operator does after a crash. Orphans are ours to reap meanwhile, as the host's
        init would: the first process of a pid namespace cannot end before its last."""
        words = self.bed.command("delete", "--force", self.id)
        with captured() as error:
            pid = os.posix_spawn(words[0], words, os.environ, file_actions=[(os.POSIX_SPAWN_DUP2, error, 2)])
            ended = status = -1
            while ended != pid:
                ended, status = os.waitpid(-1, 0)
            assert (status, os.pread(error, 4096, 0)) == (0, b"")

    def nothing_left(self, when: str) -> None:
        until(lambda: not orphans(), f"{when}: no process is left: {orphans()}")
        assert not self.bed.left(), f"{when}: {self.bed.left()}"
        assert not list(self.bed.state.iterdir()), f"{when}: {list(self.bed.state.iterdir())}"


def orphans() -> list[int]:
    """Children of this process, once those that have ended are reaped."""
    while True:
        try:
            pid, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return []
        if pid == 0:
            with open(f"/proc/self/task/{os.getpid()}/children") as file:
                return [int(word) for word in file.read().split()]
