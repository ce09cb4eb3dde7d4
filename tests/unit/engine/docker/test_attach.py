"""What follows an answer's head waits until the client has read that."""

from __future__ import annotations

import asyncio
import socket
from types import SimpleNamespace
from typing import Any, cast

import pytest

from rung.engine.docker.attach import head_is_read

DEADLINE_S = 60.0


def link(connection: socket.socket) -> Any:
    return cast("Any", SimpleNamespace(transport=SimpleNamespace(get_extra_info={"socket": connection}.get)))


def test_a_client_that_reads_late() -> None:
    async def story() -> None:
        ours, theirs = socket.socketpair()
        with ours, theirs:
            ours.send(b"HTTP/1.1 101 UPGRADED\r\n\r\n")
            waiting = asyncio.ensure_future(head_is_read(link(ours), DEADLINE_S))
            for _ in range(10):
                await asyncio.sleep(0)
            assert not waiting.done()
            theirs.recv(100)
            await asyncio.wait_for(waiting, DEADLINE_S)

    asyncio.run(story())


@pytest.mark.parametrize("reads", [True, False])
def test_one_that_has_read_and_one_that_never_does(reads: bool) -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        ours.send(b"head")
        if reads:
            theirs.recv(4)
        asyncio.run(head_is_read(link(ours), DEADLINE_S if reads else 0.0))
