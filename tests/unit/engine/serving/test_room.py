"""What clients may take of the engine's descriptors."""

from __future__ import annotations

import resource
import subprocess
import sys

import pytest

from rung.engine.serving.room import Room, for_clients

RAISE = """
import resource
from rung.engine.serving.room import raise_limit
hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (100, hard))
assert raise_limit() == 100
assert resource.getrlimit(resource.RLIMIT_NOFILE) == (hard, hard)
assert raise_limit() == hard
"""


@pytest.mark.parametrize(("limit", "room"), [(1024, 512), (100, 36), (16, 1), (resource.RLIM_INFINITY, 1 << 19)])
def test_half_of_them_are_clients(limit: int, room: int) -> None:
    assert for_clients(limit) == room


def test_the_limit_is_raised_and_the_one_before_told() -> None:
    subprocess.run([sys.executable, "-c", RAISE], check=True)


def test_what_is_taken_comes_back() -> None:
    room = Room(3)
    assert room.take(2)
    assert not room.take(2)
    assert room.take()
    room.give_back(2)
    assert room.take(2)
    assert room.left == 0
