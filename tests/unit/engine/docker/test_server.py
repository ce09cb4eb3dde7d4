"""Connections: how many there may be, and how long a client has to say what it wants. Sockets are real, time is not."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

from rung.engine.docker.answers import Answer, empty
from rung.engine.docker.call import Call
from rung.engine.docker.server import Link
from rung.engine.errors import SwitchedOff
from rung.engine.serving.room import HEAD_S, Room

Find = Callable[[str, str], tuple[Callable[[Call], Awaitable[Answer]], dict[str, str]] | None]
REQUEST = b"GET /v1.47/x HTTP/1.1\r\nHost: x\r\n\r\n"


class Time:
    """What is to be done later, until it is called off."""

    def __init__(self) -> None:
        self.due: list[Due] = []
        self.set = asyncio.Event()

    def later(self, delay_s: float, action: Callable[[], object]) -> Due:
        assert delay_s == HEAD_S
        self.due.append(Due(self, action))
        self.set.set()
        return self.due[-1]

    async def pass_over(self) -> None:
        """Once somebody waits for it."""
        await self.set.wait()
        for one in self.due:
            one.action()


class Due:
    def __init__(self, time: Time, action: Callable[[], object]) -> None:
        self._time, self.action = time, action

    def cancel(self) -> None:
        self._time.due.remove(self)
        self._time.set.clear()


class Client:
    """One connection to a server that answers everything with 200."""

    def __init__(self, ours: socket.socket) -> None:
        self._socket = ours

    @classmethod
    async def connect(cls, room: Room, find: Find | None = None) -> Client:
        ours, theirs = socket.socketpair()
        for one in (ours, theirs):
            one.setblocking(False)
        loop = asyncio.get_running_loop()
        await loop.connect_accepted_socket(lambda: Link(find or _find, room, lambda _: True, lambda *_: None), theirs)
        return cls(ours)

    async def say(self, data: bytes) -> None:
        await asyncio.get_running_loop().sock_sendall(self._socket, data)

    async def hear(self) -> bytes:
        """What comes, or nothing at the end (a reset, where the server had not read all)."""
        try:
            return await asyncio.get_running_loop().sock_recv(self._socket, 1 << 16)
        except ConnectionResetError:
            return b""

    def close(self) -> None:
        self._socket.close()


def _find(method: str, path: str) -> tuple[Callable[[Call], Awaitable[Answer]], dict[str, str]]:
    async def ok(call: Call) -> Answer:
        return empty(200)

    return ok, {}


def _refuse(method: str, path: str) -> tuple[Callable[[Call], Awaitable[Answer]], dict[str, str]]:
    async def refuse(call: Call) -> Answer:
        raise SwitchedOff("not here")

    return refuse, {}


def in_time(test: Callable[[Time], Awaitable[None]]) -> None:
    async def run() -> None:
        await test(Time())

    asyncio.run(run())


def test_a_head_that_does_not_end_ends_the_connection() -> None:
    async def use(time: Time) -> None:
        room = Room(1, time.later)
        client = await Client.connect(room)
        await client.say(REQUEST[:-1])
        await time.pass_over()
        assert await client.hear() == b""
        client.close()

    in_time(use)


def test_a_client_that_says_nothing_is_let_go() -> None:
    async def use(time: Time) -> None:
        client = await Client.connect(Room(1, time.later))
        await time.pass_over()
        assert await client.hear() == b""
        client.close()

    in_time(use)


def test_a_second_head_has_its_time_as_well() -> None:
    async def use(time: Time) -> None:
        client = await Client.connect(Room(1, time.later))
        await client.say(REQUEST)
        assert (await client.hear()).startswith(b"HTTP/1.1 200 ")
        await client.say(REQUEST[:5])
        await time.pass_over()
        assert await client.hear() == b""
        client.close()

    in_time(use)


def test_an_idle_connection_stays() -> None:
    async def use(time: Time) -> None:
        client = await Client.connect(Room(1, time.later))
        for _ in range(3):
            await client.say(REQUEST)
            assert (await client.hear()).startswith(b"HTTP/1.1 200 ")
            assert not time.due
        client.close()

    in_time(use)


def test_one_too_many_is_told_so() -> None:
    async def use(time: Time) -> None:
        room = Room(1, time.later)
        first, second = await Client.connect(room), await Client.connect(room)
        answer = await second.hear()
        assert answer.startswith(b"HTTP/1.1 503 ")
        assert b'"message":"too many connections are open' in answer
        assert await second.hear() == b""
        second.close()
        await first.say(REQUEST)
        assert (await first.hear()).startswith(b"HTTP/1.1 200 ")
        first.close()
        while not room.left:
            await asyncio.sleep(0)
        third = await Client.connect(room)
        await third.say(REQUEST)
        assert (await third.hear()).startswith(b"HTTP/1.1 200 ")
        third.close()

    in_time(use)


def test_a_client_that_is_refused_while_it_sends_gets_its_answer() -> None:
    """A reset would take it away: RFC 9112 section 9.6."""

    async def use(time: Time) -> None:
        client = await Client.connect(Room(1, time.later), _refuse)
        await client.say(b"POST /build HTTP/1.1\r\nHost: x\r\nContent-Length: 9000000\r\n\r\n")
        assert (await client.hear()).startswith(b"HTTP/1.1 501 ")
        for _ in range(100):  # much more than the buffers of a connection hold
            await client.say(bytes(90_000))
        assert await client.hear() == b""
        client.close()

    in_time(use)


def test_what_is_no_request_gets_its_answer_while_it_is_sent() -> None:
    async def use(time: Time) -> None:
        client = await Client.connect(Room(1, time.later))
        await client.say(b"POST /x HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nno number\r\n")
        for _ in range(50):
            await client.say(bytes(90_000))
        assert (await client.hear()).startswith(b"HTTP/1.1 400 ")
        client.close()

    in_time(use)
