"""Names of containers: chosen and reserved in one step."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rung.engine import names
from rung.engine.container import Container
from rung.engine.database import Database
from rung.engine.errors import Conflict
from rung.engine.registry import Containers


def add(containers: Containers, container_id: str, name: str) -> None:
    containers.add(Container(container_id, name, "sha256:1", "image", {}, {}))


@pytest.fixture
def containers(tmp_path: Path) -> Any:
    database = Database(str(tmp_path))
    yield Containers(database)
    database.close()


def test_ten_thousand_containers_get_names_of_their_own(containers: Containers) -> None:
    found = {containers.reserve("", f"{number:064x}") for number in range(10_000)}
    assert len(found) == 10_000
    for name in found:
        containers.check_name(f"{name}.")  # each is one that a container may have


def test_a_generated_name_is_free_where_all_plain_ones_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "_FIRST", ["only"])
    monkeypatch.setattr(names, "_SECOND", ["one"])
    taken = {"only_one", *(f"only_one{number}" for number in range(1000))}
    assert names.generate(taken) not in taken


def test_a_name_is_reserved_before_its_container_is_there(containers: Containers) -> None:
    assert containers.reserve("/web", "a" * 64) == "web"
    with pytest.raises(Conflict, match='"/web" is already in use by container "aaa'):
        containers.reserve("web", "b" * 64)
    containers.release("web", "b" * 64)  # it is another's
    with pytest.raises(Conflict):
        containers.reserve("web", "b" * 64)
    containers.release("web", "a" * 64)
    assert containers.reserve("web", "b" * 64) == "web"
    add(containers, "b" * 64, "web")
    containers.remove(containers.get("web"))
    assert containers.reserve("web", "c" * 64) == "web"
