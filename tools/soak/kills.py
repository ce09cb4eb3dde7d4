"""Kills at random times: of the engine, its zygote, its workers and shims, and of clients under way."""

from __future__ import annotations

import os
import random
import re
import signal
import threading
from contextlib import suppress

from faults.engine.kills import find_victims, kill_all
from soak.record import Record
from soak.subject import Subject

#: How often each is chosen, of a sum of all.
WEIGHTS = {"engine": 2, "zygote": 2, "worker": 2, "shim": 4}
_CONTAINER = re.compile(r"/containers/([0-9a-f]{64})/")


class Killer(threading.Thread):
    """Kills every ``mean_s`` seconds until ``stop``. ``kinds``: only these."""

    def __init__(
        self, subject: Subject, record: Record, seed: str, mean_s: float, kinds: tuple[str, ...] = tuple(WEIGHTS)
    ) -> None:
        super().__init__(name="killer")
        self._subject, self._record = subject, record
        self._chance = random.Random(seed)
        self._mean_s, self._kinds = mean_s, kinds
        self._over = threading.Event()
        self.failure: BaseException | None = None

    def run(self) -> None:
        try:
            while not self._over.wait(self._chance.uniform(0.2, 1.8) * self._mean_s):
                (kind,) = self._chance.choices(self._kinds, [WEIGHTS[each] for each in self._kinds])
                self._kill(kind)
        except BaseException as error:  # noqa: BLE001  the main thread raises it
            self.failure = error

    def stop(self) -> None:
        self._over.set()
        self.join()
        if self.failure is not None:
            raise self.failure

    def _kill(self, kind: str) -> None:
        pids = find_victims(self._subject, self._chance, kind)
        if not pids:
            return
        if kind != "engine":
            self._record.killed(kind, shim_container(pids[0]) if kind == "shim" else "")
            kill_all(pids)
            return
        kill = self._record.killed(kind)
        self._subject.kill()
        self._subject.start()
        kill.over = self._record.now()


def shim_container(pid: str) -> str:
    """The id of the container that a shim keeps, as far as its descriptors tell, or an empty string."""
    with suppress(OSError):
        for fd in os.listdir(f"/proc/{pid}/fd"):
            with suppress(OSError):
                found = _CONTAINER.search(os.readlink(f"/proc/{pid}/fd/{fd}"))
                if found:
                    return found[1]
    return ""


def kill_client(record: Record, pid: int) -> None:
    """A client's process, in the middle of what it does."""
    record.killed("client")
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
