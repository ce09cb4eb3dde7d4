"""Requests that come when a container has just ended, or its shim was killed: a sentence, and no Python exception."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path
from typing import Any

import pytest

from rung.engine import stats
from rung.engine.docker.attach import hand_over
from rung.engine.shims.client import ShimGone, ShimRefused, has_ended
from rung.errors import RungError
from rung.spec.shim import task
from rung.spec.shim.ttrpc import NOT_FOUND


def test_a_client_for_a_shim_that_is_gone(tmp_path: Path) -> None:
    path = str(tmp_path / "attach")
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(path)
    with pytest.raises(ShimGone, match="shim has gone"):
        asyncio.run(hand_over(path, b"{}"))


class Cgroup:
    """One that cannot be read."""

    def __init__(self, *, is_there: bool) -> None:
        self._is_there = is_there

    def stats(self) -> dict[str, Any]:
        raise RungError("read", "/sys/fs/cgroup/c1", "No such file or directory")

    def exists(self) -> bool:
        return self._is_there


def test_statistics_of_a_cgroup_that_goes_while_it_is_read() -> None:
    assert stats._read(Cgroup(is_there=False)) == {}  # type: ignore[arg-type]
    with pytest.raises(RungError):
        stats._read(Cgroup(is_there=True))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (ShimGone("gone"), True),
        (ShimRefused(NOT_FOUND, "no task"), True),
        (ShimRefused(NOT_FOUND + 1, "something else"), False),
        (task.STOPPED, True),
        (task.RUNNING, False),
    ],
)
def test_whether_a_container_has_just_ended(answer: object, expected: bool) -> None:
    class Shim:
        async def call(self, method: str, **fields: Any) -> Any:
            if isinstance(answer, Exception):
                raise answer
            return type("State", (), {"status": answer})

    assert asyncio.run(has_ended(Shim(), "c1")) is expected  # type: ignore[arg-type]
