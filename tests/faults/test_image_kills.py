"""kill -9 at a hundred moments while several processes pull, push, remove and collect in one store.

After every few kills everybody is dead, and then ``rung image verify`` has nothing to say and whatever was broken off
can be done again, by whoever comes next. The moments are drawn from a seed; which operation they hit is counted.
"""

from __future__ import annotations

import os
import random
import select
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from imageparts import archive, entry
from registries import docker_registry
from rung.image import Store

ROUNDS, KILLS, WORKERS = 10, 10, 3
LATEST_S = 0.15  # after it is known to work; an operation takes about a third of it
DEADLINE_S = 60
IMAGES = 4
#: Says what it begins. An image that another has just removed is no failure; nothing else may go wrong.
WORK = """
import random, sys
from rung.image import ImageNotFound, Store
root, seed, *names = sys.argv[1:]
store, draw = Store(root), random.Random(seed)
while True:
    name, doing = draw.choice(names), draw.choice(("pull", "pull", "push", "remove", "collect"))
    print(doing, flush=True)
    try:
        store.collect() if doing == "collect" else getattr(store, doing)(name)
    except ImageNotFound:
        pass
"""
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}


class Worker:
    """One process that works until it is killed."""

    def __init__(self, root: Path, seed: str, names: list[str]) -> None:
        words = [sys.executable, "-c", WORK, str(root), seed, *names]
        self._errors = tempfile.TemporaryFile()
        self._process = subprocess.Popen(words, env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=self._errors)
        self._said = b""

    def until_it_works(self) -> None:
        """Returns once it has begun its first operation."""
        if not self._said:
            self._hear(DEADLINE_S)
        assert self._said, self._end()

    def kill(self) -> list[str]:
        """SIGKILL; what it has done, last what it was doing."""
        self._process.kill()
        self._process.wait()
        self._hear(0)
        assert self._process.returncode == -9, self._end()
        self._end()
        return self._said.decode().split()

    def _hear(self, timeout_s: float) -> None:
        assert self._process.stdout
        fd = self._process.stdout.fileno()
        while select.select([fd], [], [], timeout_s)[0] and (data := os.read(fd, 1 << 16)):
            self._said += data
            timeout_s = 0

    def _end(self) -> str:
        assert self._process.stdout
        self._process.kill()
        self._process.wait()
        self._process.stdout.close()
        self._errors.seek(0)
        with self._errors:
            return f"it ended with {self._process.returncode}: {self._errors.read().decode()}"


@pytest.fixture
def place() -> Iterator[Path]:
    """A directory on a file system that can carry an overlay, and is quick."""
    path = Path(tempfile.mkdtemp(prefix="rung-kills-", dir="/dev/shm"))
    yield path
    shutil.rmtree(path)


def offer(registry: str, place: Path) -> list[str]:
    """Push images that share a layer; their names."""
    shared = [entry(f"shared/{n}", os.urandom(30_000)) for n in range(20)]
    names = [f"{registry}/app{n}:1" for n in range(IMAGES)]
    with Store(str(place / "source")) as source:
        for name in names:
            own = [entry(f"own/{at}", os.urandom(20_000)) for at in range(20)]
            path = place / "rootfs.tar"
            path.write_bytes(archive(*shared, *own))
            with path.open("rb") as file:
                source.import_(file, name)
            source.push(name)
            source.remove(name)
    return names


def sound(root: Path) -> None:
    """``rung image verify`` finds nothing wrong."""
    words = ["--data-root", str(root), "image", "verify"]
    boot = "from rung.cli.main import main; main()"
    run = subprocess.run([sys.executable, "-c", boot, *words], env=ENVIRONMENT, capture_output=True, text=True, timeout=DEADLINE_S)
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.timeout(400)
def test_a_hundred_kills_leave_a_store_that_is_sound_and_goes_on(place: Path) -> None:
    draw, root = random.Random("a hundred kills"), place / "data"
    done, hit = Counter[str](), Counter[str]()
    with docker_registry() as registry:
        names = offer(registry, place)
        for turn in range(ROUNDS):
            workers = [Worker(root, f"{turn} {n}", names) for n in range(WORKERS)]
            for kill in range(KILLS):
                worker = workers.pop(draw.randrange(len(workers)))
                worker.until_it_works()
                time.sleep(draw.uniform(0, LATEST_S))  # no wait for an event: the moment of the kill
                said = worker.kill()
                done.update(said)
                hit[said[-1]] += 1
                if kill < KILLS - WORKERS:
                    workers.append(Worker(root, f"{turn} {kill} again", names))
            sound(root)
            with Store(str(root)) as store:
                for name in names:
                    store.pull(name)
                    store.push(name)
                store.collect()
                assert store.verify().problems == ()
                assert os.listdir(store.content.layers.new_directory) == []
                assert os.listdir(store.content.blobs.ingest_directory) == []
    assert hit.total() == ROUNDS * KILLS
    assert set(done) == {"pull", "push", "remove", "collect"}, done
    assert {"pull", "push"} <= set(hit), hit  # the others are too quick to be hit for sure
