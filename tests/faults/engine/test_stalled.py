"""Sixty-four clients of each kind that stall, one kind after another and all at once: others are served as before, the
memory for each is bounded, and all of it is back when they have gone.

``RUNG_TEST_STALLED=64`` (the default) is how many; docs/engine.md has the figures of a run.
"""

from __future__ import annotations

import os
import socket
import statistics
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import engineparts
from engineparts import Engine, until

from .stalled import Clients, Registry, containers

COUNT = int(os.environ.get("RUNG_TEST_STALLED", "64"))
ROUNDS = 3
#: Beside twice the time that something took before: what a busy machine adds to a few milliseconds.
SLACK_S = 0.1
#: How long after they have gone everything is as it was.
BACK_S = 2.0
MIB = 1 << 20


class Bed:
    """An engine with what is asked about, and what it does for others."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.registry = Registry(engine)
        engine.ask("POST", "/networks/create", body={"Name": "mynet", "CheckDuplicate": True})
        names = containers(engine)
        push = f"127.0.0.1:{self.registry.port}/push/push"
        engine.ask("POST", "/images/big:test/tag", {"repo": push, "tag": "x"})
        self.kinds = Clients(engine, names, self.registry.port).kinds()
        self._idle = names["execs"]
        self.times()  # what the first time brings is nobody's

    def close(self) -> None:
        self.registry.close()

    def times(self) -> dict[str, float]:
        """Medians, in seconds."""
        return {what: statistics.median(_took(work) for _ in range(ROUNDS)) for what, work in self._works().items()}

    def _works(self) -> dict[str, Callable[[], object]]:
        engine = self.engine
        return {
            "run": lambda: engine.cli("run", "--rm", "--network", "mynet", engineparts.IMAGE, "true"),
            "ps": lambda: engine.cli("ps"),
            "exec": lambda: engine.cli("exec", self._idle, "true"),
            "pull": lambda: self._whole("POST", f"/images/create?fromImage=127.0.0.1:{self.registry.port}/quick&tag=x", b"Digest: "),
            "save": lambda: self._whole("GET", "/images/busybox:test/get", b"manifest.json"),
        }

    def _whole(self, method: str, target: str, has: bytes) -> None:
        path, _, query = target.partition("?")
        words = dict(pair.split("=") for pair in query.split("&") if pair)
        with self.engine.client() as client, client.api.open(method, path, words) as answer:
            assert has in (found := answer.whole()), found

    # --- what the engine has -------------------------------------------------------------

    def resident_bytes(self) -> int:
        """Of the engine's process and the shims: what clients may take."""
        daemon = self.engine.daemon
        assert daemon is not None
        shims = [pid for pid in self.engine.processes() if engineparts.is_shim(pid)]
        return sum(_private_bytes(pid) for pid in (str(daemon.pid), *shims))

    def taken(self) -> tuple[int, int]:
        """Threads and descriptors of the engine's process."""
        assert self.engine.daemon is not None
        path = f"/proc/{self.engine.daemon.pid}"
        return len(os.listdir(f"{path}/task")), len(os.listdir(f"{path}/fd"))


def _took(work: Callable[[], object]) -> float:
    began = time.monotonic()
    work()
    return time.monotonic() - began


def _private_bytes(pid: str) -> int:
    try:
        text = Path(f"/proc/{pid}/smaps_rollup").read_text()
    except OSError:
        return 0
    return sum(int(line.split()[1]) for line in text.splitlines() if line.startswith("Private_")) << 10


@pytest.fixture(scope="module")
def bed(busybox: Path) -> Iterator[Bed]:
    with engineparts.engine(engineparts.image_archive(busybox)) as engine:
        made = Bed(engine)
        try:
            yield made
        finally:
            made.close()


KINDS = [name for name in vars(Clients) if not name.startswith("_") and name != "kinds"]


@pytest.mark.parametrize("kind", KINDS)
def test_others_are_served_beside_stalled_clients_of_one_kind(bed: Bed, kind: str) -> None:
    beside(bed, [kind])


def test_others_are_served_beside_stalled_clients_of_all_kinds(bed: Bed) -> None:
    beside(bed, KINDS)


def beside(bed: Bed, kinds: list[str]) -> None:
    before = bed.times()
    settled = bed.taken()
    memory = bed.resident_bytes()
    clients: list[socket.socket] = []
    try:
        for kind in kinds:
            clients += [bed.kinds[kind]() for _ in range(COUNT)]
        at_rest(bed)
        each = (bed.resident_bytes() - memory) / len(clients)
        try:
            after = bed.times()
        except BaseException:
            print(bed.engine.log())
            raise
        slow = {what: (before[what], took) for what, took in after.items() if took > 2 * before[what] + SLACK_S}
        print(f"{'all kinds' if kinds == KINDS else kinds[0]}: {each / 1024:.0f} KiB for each,", {what: f"{before[what] * 1000:.0f} {took * 1000:.0f} ms" for what, took in after.items()})
        assert not slow, f"beside {len(clients)} stalled clients: {slow}"
        assert each < MIB, f"{each / MIB:.2f} MiB for each stalled client"
    finally:
        for client in clients:
            client.close()
    left = time.monotonic()
    until(lambda: back(bed, settled), f"threads and descriptors are {settled} again: {bed.taken()}", 60)
    took = time.monotonic() - left
    assert took < BACK_S + len(clients) / 200, f"all is back after {took:.1f} s"


def back(bed: Bed, before: tuple[int, int]) -> bool:
    threads, descriptors = bed.taken()
    return threads <= before[0] + 9 and descriptors <= before[1] + 2


def at_rest(bed: Bed) -> None:
    """What the engine takes does not grow any more: all that came has been begun."""
    before, same = (0, 0), 0
    while same < 3:
        time.sleep(0.1)
        now = bed.taken()
        same = same + 1 if now == before else 0
        before = now
