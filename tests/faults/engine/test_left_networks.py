"""What an engine that was killed had in the kernel for its networks: the next one takes it up, and takes it away."""

from __future__ import annotations

import random
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import engineparts
from engineparts import Engine

from .kills import find_victims, kill_all


@pytest.fixture
def engine(busybox: Path) -> Iterator[Engine]:
    archive = engineparts.image_archive(busybox)
    with engineparts.lasting_network() as network, engineparts.engine(archive, network=network) as made:
        yield made


def _in_it(engine: Engine, *words: str) -> str:
    return subprocess.run([*engine.within, *words], capture_output=True, text=True, check=True).stdout


def test_a_network_that_an_engine_before_made_is_removed_whole(engine: Engine) -> None:
    for number in range(3):
        engine.ask("POST", "/networks/create", body={"Name": f"net{number}"})
    before = _in_it(engine, "ip", "-br", "link")
    assert before.count("br-") == 3
    engine.kill()
    engine.start()
    for number in range(3):
        engine.ask("DELETE", f"/networks/net{number}")
    assert "br-" not in _in_it(engine, "ip", "-br", "link")
    assert "br-" not in _in_it(engine, "nft", "list", "ruleset")


def test_ports_of_containers_that_ended_meanwhile_lead_nowhere(engine: Engine) -> None:
    made = engine.run_one("sleep", "1000000", network_mode="bridge", ports={"80/tcp": 8080})
    assert "8080" in _in_it(engine, "nft", "list", "ruleset")
    engine.kill()
    assert kill_all(find_victims(engine, random.Random(0), "shim"))
    engine.start()
    assert engine.ask("GET", f"/containers/{made.id}/json")["State"]["Status"] == "exited"
    assert "8080" not in _in_it(engine, "nft", "list", "ruleset")
