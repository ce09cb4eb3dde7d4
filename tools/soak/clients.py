"""The clients: threads that begin one life after another, and remove all that is theirs at the end."""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable
from contextlib import suppress

from engineparts import IMAGE
from soak import commands, images, lives, networks, volumes
from soak.record import Record
from soak.session import Away, Refused, Session
from soak.subject import Subject

HANGS_S = 240.0
#: What a client does, and how often it is chosen, of a sum of all.
LIVES: dict[Callable[[Session], None], int] = {
    lives.live: 40,
    commands.run_rm: 12,
    commands.run_detached: 8,
    commands.start_attached: 4,
    commands.killed: 16,
    volumes.share: 4,
    networks.serve: 4,
    images.change: 3,
}


class Clients:
    """``count`` threads at a time."""

    def __init__(self, subject: Subject, record: Record, seed: int, count: int) -> None:
        self._subject, self._record, self._seed, self._count = subject, record, seed, count

    def work(self, seconds: float, phase: str, meanwhile: Callable[[], None]) -> None:
        """Until the seconds are over and each has ended what it was at. ``meanwhile`` is called once a second."""
        sessions = [
            Session(self._subject, self._record, f"{self._seed} {phase} {number}", f"s{phase}{number}")
            for number in range(self._count)
        ]
        threads = [threading.Thread(target=self._run, args=(one,), name=one.name, daemon=True) for one in sessions]
        for thread in threads:
            thread.start()
        end = time.monotonic() + seconds
        over = threading.Event()
        while (left := end - time.monotonic()) > 0:
            over.wait(min(1.0, left))
            meanwhile()
        for session in sessions:
            session.over.set()
        for thread in threads:
            thread.join(HANGS_S)
            if thread.is_alive():
                self._record.fault(f"client {thread.name} hangs")

    def _run(self, session: Session) -> None:
        while not session.over.is_set():
            (life,) = session.chance.choices(list(LIVES), list(LIVES.values()))
            session.began = time.monotonic()
            try:
                with suppress(Refused, Away):
                    life(session)
            except Exception:  # noqa: BLE001  a bug of the soak or of the library: it is told of, and goes on
                self._record.fault(f"{session.name}: {traceback.format_exc()}")


def warm_up(subject: Subject) -> None:
    """What an engine does once and keeps: one container with a network, and its database of images."""
    with subject.client() as client:
        client.containers.run(IMAGE, ["true"], network="bridge", remove=True)
        network = client.networks.create("warm")
        for _ in range(3):
            client.containers.run(IMAGE, ["true"], network="warm", remove=True)
        network.remove()
        client.images.list()
