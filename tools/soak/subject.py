"""The engine that is soaked. Its network namespace stays when it is killed, as a host's does."""

from __future__ import annotations

import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import engineparts
from rung.client import ClientError

ANSWERS_S = 60.0


class Subject(engineparts.Engine):
    """``folder`` also has ``tmp``, for clients. ``generation`` counts starts."""

    def __init__(self, folder: Path, network: str) -> None:
        super().__init__(folder)
        self.within = ("nsenter", f"--net={network}")
        self.network = network
        self.generation = 0
        self.started_at = 0.0
        self.changing = threading.Lock()
        self.tmp = folder / "tmp"
        self.tmp.mkdir()

    def start(self, *flags: str) -> None:
        super().start(*flags)
        self.generation += 1
        self.started_at = time.monotonic()

    def await_answer(self) -> None:
        """Until the engine that was killed has a successor."""
        with suppress(AssertionError):
            engineparts.until(self.answers, "the engine answers again", ANSWERS_S)

    def persist(self, work: Any) -> Any:
        """Do something through a new client until an engine has answered, whatever kills there are."""
        end = time.monotonic() + ANSWERS_S
        while True:
            try:
                with self.client() as client:
                    return work(client)
            except (ClientError, ConnectionError, OSError) as error:
                if hasattr(error, "status") or time.monotonic() > end:
                    raise
                self.await_answer()


@contextmanager
def make_subject(archive: bytes) -> Iterator[Subject]:
    """One that runs and has the image."""
    with engineparts.folder_of_its_own() as folder, engineparts.lasting_network() as network:
        made = Subject(folder, network)
        try:
            made.start()
            with made.client() as client:
                client.images.import_image(archive, "busybox", "test")
            yield made
        finally:
            _end(made)


def _end(made: Subject) -> None:
    """Whatever is left has been reported: take it away."""
    if made.daemon is not None and made.daemon.poll() is None:
        with suppress(Exception):
            made.clear()
        made.stop()
    for pid in made.processes():
        with suppress(ProcessLookupError):
            _kill(int(pid))
    for line in Path("/proc/self/mountinfo").read_text().splitlines()[::-1]:
        point = line.split()[4]
        if point.startswith(f"{made.folder}/"):
            subprocess.run(["umount", "-l", point], check=False)
    _remove_cgroups(made.folder.name)


def _kill(pid: int) -> None:
    import os
    import signal

    os.kill(pid, signal.SIGKILL)


def _remove_cgroups(name: str) -> None:
    import os

    found = [
        folder for folder, _, _ in os.walk("/sys/fs/cgroup") if folder.endswith(f"/{name}") or f"/{name}/" in folder
    ]
    for folder in sorted(found, reverse=True):
        with suppress(OSError):
            os.rmdir(folder)
