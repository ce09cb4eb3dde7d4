"""An attacker who is as quick as can be: two names change places before a system call of one's choice.

The race that others run thousands of times in the hope of hitting the moment is run here once a
moment: rung-init is stopped at each of its system calls (``faults.tracer``), the names are exchanged
by renameat2(2), and either stay so or are exchanged back before the next call. So a
check and a use that are two calls are found, each time.
"""

from __future__ import annotations

import ctypes
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from faults import tracer
from kernel.runtime.bed import Bed, until
from rung.files import read_file
from rung.runtime import Container, ContainerNotFound, Stdio
from rung.runtime.plan import wire
from rung.runtime.plan.steps import Step

_EXCHANGE = 2


def exchange(one: Path, other: Path) -> None:
    """Both names at once, as an attacker would."""
    if ctypes.CDLL(None, use_errno=True).renameat2(-100, bytes(one), -100, bytes(other), _EXCHANGE) < 0:
        raise OSError(ctypes.get_errno(), f"exchange {one}")


class Race:
    """A container that is created while two names change places."""

    def __init__(self, bed: Bed, bundle: Path, one: Path, other: Path, **options: Any) -> None:
        self.bed, self.bundle, self.options = bed, str(bundle), options
        self.names = (one, other)
        self.refusals: set[str] = set()
        self.made = 0

    def _create(self, name: str, stdio: Stdio) -> None:
        self.bed.runtime.create(name, self.bundle, stdio=stdio, **self.options)

    def _run(self, name: str, at: int, briefly: bool) -> tracer.Fate:
        plan = f"{self.bed.state}/{name}/plan"
        left = [at, at + 1] if briefly else [at]

        def watch(pid: int) -> None:
            """The ledger counts a call before it makes it: so what stands there now is being entered."""
            if not left or "rung-init" not in os.readlink(f"/proc/{pid}/exe"):
                return
            if len(wire.read_ledger(read_file(plan), with_calls=True).calls) > left[0]:
                exchange(*self.names)
                left.pop(0)

        null = os.open("/dev/null", os.O_RDWR)
        try:
            return tracer.run(lambda: self._create(name, Stdio(null, null, null)), watch=watch)
        finally:
            os.close(null)

    @contextmanager
    def _container(self, at: int, briefly: bool) -> Iterator[Container | None]:
        before = [os.lstat(name).st_ino for name in self.names]
        name = self.bed.new_id()
        fate = self._run(name, at, briefly)
        try:
            if fate.failed:
                assert "\n" not in fate.said and fate.said, fate
                self.refusals.add(fate.said)
                yield None
            else:
                self.made += 1
                yield self.bed.runtime.get(name)
        finally:
            self._delete(name)
            if [os.lstat(name).st_ino for name in self.names] != before:
                exchange(*self.names)

    def _delete(self, name: str) -> None:
        """The container is an orphan's child: orphans are ours to reap."""
        try:
            container = self.bed.runtime.get(name)
        except ContainerNotFound:
            return
        pid = container.pid
        os.kill(pid, 9)
        until(lambda: _reaped(pid), "the init has ended")
        container.delete(force=True)

    def run(self, harmless: Callable[[Container | None], None], step: type[Step]) -> None:
        """Every call of the last steps of that kind (and what is beside) in its turn; ``harmless`` gets
        the container, or None where create refused."""
        for briefly in (True, False):
            for at in self._moments(step):
                with self._container(at, briefly) as container:
                    harmless(container)

    def _moments(self, step: type[Step]) -> range:
        name = self.bed.new_id()
        fate = self._run(name, 1 << 30, False)
        assert not fate.failed, fate.said
        plan = read_file(f"{self.bed.state}/{name}/plan")
        self._delete(name)
        chosen = [index for index, each in enumerate(wire.decode(plan)) if type(each) is step][-2:]
        calls = wire.read_ledger(plan, with_calls=True).calls
        places = [index for index, call in enumerate(calls) if call.step in chosen]
        return range(places[0] - 2, places[-1] + 2)


def _reaped(pid: int) -> bool:
    while True:
        try:
            found, _ = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return not os.path.exists(f"/proc/{pid}")
        if found == 0:
            return False
        if found == pid:
            return True


def mounted_in(container: Container) -> list[tuple[str, str, str, str]]:
    """(mount point, what of its file system, its type, the device's number) of each mount."""
    found = []
    for line in Path(f"/proc/{container.pid}/mountinfo").read_text().splitlines():
        words = line.split()
        found.append((words[4], words[3], words[words.index("-") + 1], words[2]))
    return found
