"""Filters of lists: several labels narrow a choice, the words of other filters widen it."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest

from rung.engine.docker import filters, networks, volumes
from rung.engine.docker.filters import carries

LABELS = {"project": "p", "service": "web", "empty": ""}


@pytest.mark.parametrize(
    ("words", "fits"),
    [
        ([], True),
        (["project"], True),
        (["project=p", "service=web"], True),
        (["project=p", "service=db"], False),
        (["project=p", "other"], False),
        (["empty="], True),
        (["empty=x"], False),
    ],
)
def test_all_labels_must_be_there(words: list[str], fits: bool) -> None:
    assert carries(LABELS, words) is fits


def named(name: str, service: str) -> Any:
    return SimpleNamespace(name=name, labels={"project": "p", "service": service}, state=SimpleNamespace(status="running"))


@pytest.mark.parametrize("kind", ["containers", "networks", "volumes"])
def test_one_service_of_a_project(kind: str) -> None:
    """As compose asks."""
    engine = cast("Any", SimpleNamespace(**{kind: [named("one", "web"), named("two", "db")]}))
    asked = {"label": ["project=p", "service=db"], "name": ["one", "two"]}
    found: Any
    if kind == "containers":
        found = filters.chosen(engine, asked, all=True)
    else:
        found = (networks if kind == "networks" else volumes).chosen(engine, asked)
    assert [one.name for one in found] == ["two"]
