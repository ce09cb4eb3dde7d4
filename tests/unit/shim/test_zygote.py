"""The zygote: one shim is forked ahead, and is replaced whatever becomes of it."""

from __future__ import annotations

import asyncio
import os
import resource
import select
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rung.engine.shims.client import connect
from rung.engine.shims.zygote import Zygote
from rung.shim import Keep

PATIENCE_S = 60.0


@contextmanager
def ended(pid: int) -> Iterator[None]:
    """After the context this process has ended, and nobody has to kill it."""
    watched = os.pidfd_open(pid)
    try:
        yield
        assert select.select([watched], [], [], PATIENCE_S)[0], f"process {pid} goes on"
    finally:
        os.close(watched)


def children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def the_one_ahead(zygote: Zygote) -> int:
    assert zygote._process is not None
    *_, found = children(zygote._process.pid)  # the worker is older
    return found


def the_worker(zygote: Zygote) -> int:
    assert zygote._process is not None
    return children(zygote._process.pid)[0]


async def shut_down(path: Path) -> int:
    """A shim without a task ends when it is told to; its pid."""
    client = await connect(str(path))
    found = await client.call("Connect", id="nobody")
    await client.call("Shutdown", id="nobody")
    assert not path.exists(), "another one may listen there now"
    client.close()
    return int(found.shim_pid)


def test_a_shim_is_the_one_that_was_forked_ahead(tmp_path: Path) -> None:
    async def use() -> None:
        zygote = Zygote(str(tmp_path / "workers"))
        await zygote.start()
        try:
            expected = the_one_ahead(zygote)
            path = tmp_path / "a"
            with ended(expected):
                assert await zygote.fork(Keep(str(path), "test")) == expected
                assert await shut_down(path) == expected
        finally:
            await zygote.close()

    asyncio.run(use())


def test_one_that_was_killed_ahead_is_replaced(tmp_path: Path) -> None:
    async def use() -> None:
        zygote = Zygote(str(tmp_path / "workers"))
        await zygote.start()
        try:
            doomed = the_one_ahead(zygote)
            with ended(doomed):
                os.kill(doomed, signal.SIGKILL)
            path = tmp_path / "b"
            pid = await zygote.fork(Keep(str(path), "test"))
            assert pid != doomed
            with ended(pid):
                assert await shut_down(path) == pid
        finally:
            await zygote.close()

    asyncio.run(use())


def test_what_it_forks_has_the_limit_that_the_engine_had(tmp_path: Path) -> None:
    """The engine raises its own, for its clients' connections: containers do not inherit that."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)

    async def use() -> None:
        zygote = Zygote(str(tmp_path / "workers"))
        zygote.nofile = soft - 1
        await zygote.start()
        pid = the_one_ahead(zygote)
        with ended(pid):
            try:
                assert resource.prlimit(pid, resource.RLIMIT_NOFILE) == (soft - 1, hard)
            finally:
                await zygote.close()

    asyncio.run(use())


def test_the_worker_and_the_one_ahead_end_with_the_zygote(tmp_path: Path) -> None:
    async def use() -> None:
        zygote = Zygote(str(tmp_path / "workers"))
        await zygote.start()
        with ended(the_one_ahead(zygote)), ended(the_worker(zygote)):
            await zygote.close()

    asyncio.run(use())
