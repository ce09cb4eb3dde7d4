"""``kill -9`` of ``rung registry serve`` while clients push, mount, delete and it collects: what was
acknowledged is there, whole; what was not leaves nothing that is in the way."""

from __future__ import annotations

import http.client
import os
import random
import shutil
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from rung.image import collect_registry
from rung.image.content import Content
from serveparts import TIMEOUT_S, Client, Process, config_of, digest_of

ROUNDS = 20
#: What a client of a server that is killed sees.
BROKEN = (OSError, http.client.HTTPException)


@pytest.fixture
def place() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="rung-killed-", dir="/dev/shm"))
    yield path
    shutil.rmtree(path)


class Pusher(threading.Thread):
    """Pushes images until the server is gone; ``acknowledged`` are those that the server said it has."""

    def __init__(self, host: str, name: str, seed: int) -> None:
        super().__init__()
        self.client = Client(host)
        self.name_of_repository = name
        self.random = random.Random(seed)
        self.acknowledged: dict[str, tuple[bytes, ...]] = {}
        self.problem: AssertionError | None = None

    def run(self) -> None:
        try:
            while True:
                self.push()
        except BROKEN:
            pass
        except AssertionError as error:
            self.problem = error

    def push(self) -> None:
        layers = (b"shared", self.random.randbytes(self.random.randrange(1, 300_000)))
        name = self.name_of_repository
        for data in (config_of(layers), layers[0]):
            self.client.blob(name, data)
        self.in_chunks(layers[1])
        tag = f"t{len(self.acknowledged)}"
        self.client.manifest(name, tag, self.client.document(layers))
        self.acknowledged[tag] = layers
        if self.random.random() < 0.2:
            del self.acknowledged[tag]  # whether it is done or not, when no answer comes
            assert self.client.ask("DELETE", f"/v2/{name}/manifests/{tag}").status == 202

    def in_chunks(self, data: bytes) -> None:
        location = self.client.ask("POST", f"/v2/{self.name_of_repository}/blobs/uploads/", b"").headers["Location"]
        half = len(data) // 2
        assert self.client.ask("PATCH", location, data[:half]).status == 202
        said = self.client.ask("PUT", f"{location}?digest={digest_of(data)}", data[half:])
        assert said.status == 201


def check(content: Content) -> None:
    """Every blob is what its name says."""
    for digest in content.blobs.all():
        content.blobs.read(digest)


def test_killed_at_any_moment(place: Path) -> None:
    seed = random.SystemRandom().randrange(1 << 32)
    chance = random.Random(seed)
    kept: dict[tuple[str, str], tuple[bytes, ...]] = {}
    for turn in range(ROUNDS):
        with Process(place / "root") as served:
            pushers = [Pusher(served.host, f"r{turn}/{number}", chance.randrange(1 << 32)) for number in range(2)]
            for each in pushers:
                each.start()
            if turn % 3 == 0:
                content = Content(str(place / "root/image"))
                collect_registry(content, grace_s=3600, untagged=True)
                content.metadata.close()
            threading.Event().wait(chance.uniform(0.0, 0.3))
            served.kill()
        for each in pushers:
            each.join(TIMEOUT_S)
            assert each.problem is None, f"seed {seed}: {each.problem}"
            kept |= {(each.name_of_repository, tag): layers for tag, layers in each.acknowledged.items()}
    content = Content(str(place / "root/image"))
    check(content)
    with Process(place / "root") as served:
        client = Client(served.host)
        for (name, tag), layers in kept.items():
            found = client.ask("GET", f"/v2/{name}/manifests/{tag}")
            assert found.document == client.document(layers), f"seed {seed}"
            for data in (config_of(layers), *layers):
                assert client.ask("GET", f"/v2/{name}/blobs/{digest_of(data)}").body == data
        collect_registry(content, grace_s=0)
        check(content)
        assert os.listdir(place / "root/image/uploads") == []
        client.image("after", "x")
    content.metadata.close()
    assert kept, f"seed {seed}: the server was killed too early each time"
