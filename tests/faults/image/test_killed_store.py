"""kill -9 at a hundred random moments, while several processes pull, load, remove, tag, start and collect.

After it the store verifies, a collection leaves nothing half done, and all can be pulled again.
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import pytest

from imageparts import Parts, Registry, archive, directory, entry, layout_archive
from rung.image import Store

KILLS = 100
WORKERS = 3

#: Forks a worker for each line that it reads (a seed), and says its process ID. A fork costs no imports.
NURSERY = """
import json, os, random, signal, sys
from rung.errors import RungError
from rung.image import Store
import rung.image.registry.pull, rung.image.archive.load, rung.image.images.prune, rung.image.store.collect

root, archive, *names = sys.argv[1:]

def work(seed):
    choose = random.Random(seed)
    store = Store(root)
    while True:
        name = choose.choice(names)
        try:
            job = choose.choice(["pull", "pull", "load", "remove", "tag", "collect", "prune", "start", "list"])
            if job == "pull":
                store.pull(name)
            elif job == "load":
                with open(archive, "rb") as file:
                    store.load(file)
            elif job == "remove":
                store.remove(name, force=True)
            elif job == "tag":
                store.tag(name, choose.choice(names[:-1]).rpartition(":")[0] + ":moved")
            elif job == "collect":
                store.collect()
            elif job == "prune":
                store.prune(all=choose.random() < 0.5)
            elif job == "start":
                id = f"c{os.getpid()}"
                store.prepare_rootfs(store.get(name), id)
                store.remove_rootfs(id)
            else:
                store.summaries()
        except RungError:
            pass  # somebody else was quicker

signal.signal(signal.SIGCHLD, signal.SIG_IGN)
for line in sys.stdin:
    child = os.fork()
    if not child:
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        os.setpgid(0, 0)
        try:
            work(int(line))
        except BaseException as error:
            os.write(2, f"worker {line.strip()} ended: {error!r}\\n".encode())
            import traceback; traceback.print_exc()
        os._exit(1)
    print(child, flush=True)
"""


@pytest.fixture
def place() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="rung-killed-", dir="/dev/shm"))
    yield path
    shutil.rmtree(path)


def parts() -> list[Parts]:
    random.seed(1)
    base = archive(directory("base"), *(entry(f"base/{n}", random.randbytes(9_000)) for n in range(40)))
    tops = [archive(*(entry(f"top{t}/{n}", random.randbytes(9_000)) for n in range(20))) for t in range(3)]
    return [Parts([base, top]) for top in tops]


class Nursery:
    """Workers that are killed and replaced."""

    def __init__(self, words: list[str]) -> None:
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        self.process = subprocess.Popen(
            [sys.executable, "-c", NURSERY, *words], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True
        )
        self.workers: list[int] = []

    def start(self, seed: int) -> None:
        assert self.process.stdin and self.process.stdout
        self.process.stdin.write(f"{seed}\n")
        self.process.stdin.flush()
        self.workers.append(int(self.process.stdout.readline()))

    def kill(self, at: int) -> None:
        os.kill(self.workers.pop(at), signal.SIGKILL)

    def close(self) -> None:
        for worker in self.workers:
            os.kill(worker, signal.SIGKILL)
        self.process.terminate()
        self.process.communicate()


def test_a_hundred_kills(place: Path) -> None:
    seed = random.SystemRandom().randrange(1 << 30)
    choose = random.Random(seed)
    registry = Registry()
    images = parts()
    (place / "archive").write_bytes(layout_archive((images[2], "loaded:1"), (images[0], "")))
    names = [registry.serve(one, f"{tag}") for tag, one in zip("ab", images)]
    store = Store(str(place / "store"))
    began = monotonic()
    store.pull(names[0])  # how long one takes here is the measure of a moment
    moment_s = min(0.3, monotonic() - began)
    nursery = Nursery([str(place / "store"), str(place / "archive"), *names, "loaded:1"])
    try:
        for number in range(WORKERS):
            nursery.start(seed + number)
        for number in range(KILLS):
            nursery.process.poll()
            try:  # not a wait for an event: the moment of the kill
                nursery.process.wait(choose.uniform(0, moment_s))
            except subprocess.TimeoutExpired:
                pass
            nursery.kill(choose.randrange(WORKERS))
            nursery.start(seed + WORKERS + number)
            if number % 20 == 19:
                assert store.verify().problems == (), f"seed {seed}, kill {number}"
        assert nursery.process.poll() is None
    finally:
        nursery.close()
        registry.hook = lambda _: False
    try:
        assert store.verify().problems == (), f"seed {seed}"
        for name in names:
            store.pull(name)
        with open(place / "archive", "rb") as file:
            store.load(file)
        for container in store.content.metadata.all_rootfs():  # made, and their maker killed
            store.remove_rootfs(container.id)
        store.collect()
        found = store.verify()
        assert found.problems == () and found.images == 3, f"seed {seed}"
        content = store.content
        left = [*os.listdir(content.layers.new_directory), *os.listdir(content.blobs.ingest_directory)]
        left += os.listdir(content.rootfs_directory)
        assert left == [], f"seed {seed}"
        names_of_index = json.loads((place / "store/image/index.json").read_bytes())["manifests"]
        assert len(names_of_index) == len(content.metadata.images())
    finally:
        store.close()
        registry.close()
