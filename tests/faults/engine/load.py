"""What clients do to an engine all the time, and what they were told: so that what is true afterwards can be held to it.

Every client is a thread with an own seeded choice; one that is cut off by a kill goes on with the next thing as soon as
the engine answers again. A client that is killed is a connection that closes in the middle: it is the kernel that says so.
"""

from __future__ import annotations

import random
import socket
import threading
import time
from dataclasses import dataclass, field
from typing import Any

from engineparts import IMAGE, Engine
from rung.client import ApiError, ClientError

LINES, STATUS = 150, 7
#: Counts to ``LINES`` and ends with ``STATUS``; or counts for ever.
COUNT = "i=0; while [ $i -lt %d ]; do i=$((i+1)); echo line $i; done; %s"
ENDS, STAYS = COUNT % (LINES, f"exit {STATUS}"), COUNT % (LINES, "exec sleep 1000")


@dataclass
class Fact:
    """A container, and what was acknowledged of it."""

    name: str
    stays: bool
    created: bool = False
    started: bool = False
    #: A stop was begun: either state is right afterwards.
    stopping: bool = False
    removing: bool = False
    removed: bool = False
    said: list[str] = field(default_factory=list)


class Load:
    """``clients`` threads until ``stop``."""

    def __init__(self, engine: Engine, seed: int, clients: int = 3) -> None:
        self._engine = engine
        self._over = threading.Event()
        self.facts: list[Fact] = []
        self.bugs: list[str] = []
        self._threads = [
            threading.Thread(target=self._client, args=(random.Random(f"{seed} {number}"), f"s{seed}c{number}"))
            for number in range(clients)
        ]

    def start(self) -> None:
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """After what each is at."""
        self._over.set()
        for thread in self._threads:
            thread.join(120)
            assert not thread.is_alive(), "a client hangs"

    def _client(self, chance: random.Random, name: str) -> None:
        number = 0
        while not self._over.is_set():
            number += 1
            fact = Fact(f"{name}n{number}", chance.random() < 0.5)
            self.facts.append(fact)
            try:
                self._life(chance, fact)
            except ApiError as error:
                fact.said.append(str(error))
                if "Error: " in str(error):  # a Python exception's name: nobody had thought of it
                    self.bugs.append(f"{fact.name}: {error}")
            except (ClientError, ConnectionError, OSError):
                time.sleep(0.02)  # it was killed: until it is there again

    def _life(self, chance: random.Random, fact: Fact) -> None:
        made = self._engine.create("sh", "-c", STAYS if fact.stays else ENDS, name=fact.name, labels={"load": "1"})
        fact.created = True
        made.start()
        fact.started = True
        for _ in range(chance.randrange(4)):
            if not self._over.is_set():
                self._do(chance, fact, made)

    def _do(self, chance: random.Random, fact: Fact, made: Any) -> None:
        what = chance.choice(("exec", "logs", "copy in", "copy out", "cut", "stop", "remove"))
        try:
            if what == "exec":
                made.exec_run(["echo", "hello"])
            elif what == "logs":
                cut(self._engine.socket, chance, "GET", f"/containers/{fact.name}/logs?follow=1&stdout=1")
            elif what == "copy in":
                made.put_archive("/tmp", ARCHIVE)
            elif what == "copy out":
                pieces, _ = made.get_archive("/bin/busybox")
                next(pieces)
                pieces.close()
            elif what == "cut":
                cut(self._engine.socket, chance, "PUT", f"/containers/{fact.name}/archive?path=/tmp", 1 << 20)
            elif what == "stop":
                fact.stopping = True
                made.stop(timeout=0)
            elif fact.started:
                fact.stopping = fact.removing = True
                made.remove(force=True)
                fact.removed = True
        except ApiError as error:
            if error.status >= 500 and "Error: " in str(error):
                raise


def cut(socket_path: str, chance: random.Random, method: str, target: str, announced: int = 0) -> None:
    """Be a client that is killed in the middle of a request, or of its answer."""
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(60)
        connection.connect(socket_path)
        head = f"{method} {target} HTTP/1.1\r\nHost: x\r\nContent-Length: {announced}\r\n\r\n"
        connection.sendall(head.encode() + ARCHIVE[: chance.randrange(len(ARCHIVE))] * bool(announced))
        if not announced and chance.random() < 0.5:
            connection.recv(chance.randrange(1, 400))


def _archive() -> bytes:
    import io
    import tarfile

    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        entry = tarfile.TarInfo("file")
        entry.size = 100_000
        archive.addfile(entry, io.BytesIO(b"x" * entry.size))
    return made.getvalue()


ARCHIVE = _archive()
__all__ = ["ARCHIVE", "COUNT", "ENDS", "IMAGE", "LINES", "STATUS", "STAYS", "Fact", "Load", "cut"]
