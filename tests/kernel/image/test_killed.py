"""kill -9 at any moment: what was acknowledged is there and true, the rest can be done again."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from time import monotonic, sleep

from imageparts import Parts, Registry, archive, directory, entry, send, sha256
from rung.image import Store

PULL = "import sys; from rung.image import Store; Store(sys.argv[1]).pull(sys.argv[2])"


def verify(store: Store) -> None:
    """Every blob is what its name says, every image whole."""
    for digest in store.content.blobs.all():
        assert digest.matches(Path(store.content.blobs.path(digest)).read_bytes())
    for image in store.images():
        assert image.config
        for layer in image.manifest.layers:
            assert store.content.blobs.has(layer.digest)
        for path in store.content.lower_directories(image.row.chain):
            assert os.path.isdir(path)


def test_pulls_killed_at_any_moment(store: Store, place: Path) -> None:
    registry = Registry()
    layers = [
        archive(*(entry(f"d{n}/f{at}", os.urandom(20_000)) for at in range(30)), directory(f"d{n}")) for n in range(4)
    ]
    name = registry.serve(Parts(layers))
    command = [sys.executable, "-c", PULL, str(place / "store"), name]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    try:
        began = monotonic()
        subprocess.run(command, env=environment, check=True)
        whole_s = monotonic() - began
        verify(store)
        for turn in range(12):
            store.remove(name)
            child = subprocess.Popen(command, env=environment)
            try:
                child.wait(whole_s * (turn + 1) / 13)  # not a wait for an event: the moment of the kill
            except subprocess.TimeoutExpired:
                child.send_signal(signal.SIGKILL)
                child.wait()
            verify(store)
            store.pull(name)
            verify(store)
            store.content.collect()
            assert os.listdir(store.content.layers.new_directory) == []
            assert os.listdir(store.content.blobs.ingest_directory) == []
    finally:
        registry.close()


def test_a_half_pulled_layer_is_continued_by_the_next_process(store: Store, place: Path) -> None:
    registry = Registry()
    parts = Parts([archive(entry("big", os.urandom(3_000_000)))])
    layer = sha256(parts.layers[0])
    part = Path(store.content.blobs.ingest_directory) / layer.replace(":", "-")

    def stall(handler: object) -> bool:
        if layer not in handler.path:  # type: ignore[attr-defined]
            return False
        send(handler, 200, parts.layers[0][:2_000_000], length=len(parts.layers[0]))
        deadline = monotonic() + 60
        while child.poll() is None and monotonic() < deadline:
            sleep(0.01)
        return True

    try:
        name = registry.serve(parts)
        registry.hook = stall
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        child = subprocess.Popen([sys.executable, "-c", PULL, str(place / "store"), name], env=environment)
        deadline = monotonic() + 60
        while not (part.exists() and part.stat().st_size == 2_000_000):
            assert monotonic() < deadline and child.poll() is None
            sleep(0.01)
        child.kill()
        child.wait()
        registry.hook = lambda _: False
        registry.requests.clear()
        store.pull(name)
        assert [h.get("range") for path, h in registry.requests if layer in path] == ["bytes=2000000-"]
        verify(store)
    finally:
        registry.close()


def test_two_processes_pull_the_same_at_once(store: Store, place: Path) -> None:
    registry = Registry()
    layers = [archive(*(entry(f"f{n}-{at}", os.urandom(5000)) for at in range(50))) for n in range(3)]
    try:
        name = registry.serve(Parts(layers))
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        command = [sys.executable, "-c", PULL, str(place / "store"), name]
        children = [subprocess.Popen(command, env=environment) for _ in range(3)]
        assert [child.wait() for child in children] == [0, 0, 0]
        verify(store)
        fetched = registry.blob_requests()
        assert len(fetched) == len(set(fetched))  # each blob once: they take turns
    finally:
        registry.close()
