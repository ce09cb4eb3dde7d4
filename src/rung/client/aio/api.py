"""Requests to the engine and their answers: what ``rung.http1.exchange`` says, done on a ``Link``.

Rule: an answer holds its connection until it is read to its end or closed; one that refuses is an ``ApiError``.
"""

from __future__ import annotations

import time

from rung import jsonc
from rung.client import asked
from rung.client.aio.link import Link
from rung.client.errors import ClientError, refusal
from rung.http1.connection import NEED_DATA, Data
from rung.http1.errors import Malformed
from rung.http1.exchange import LAST_CHUNK, Exchange, chunk, request_head
from rung.http1.head import Response
from rung.trace.w3c import beside

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Self

#: What an error may have to say.
_SENTENCE_LIMIT = 1 << 16


class Answer:
    """A response, its body still to come."""

    def __init__(self, link: Link, exchange: Exchange, request: str) -> None:
        self._link, self._exchange, self._request = link, exchange, request
        self.head = Response(0, "", 1, ())
        self._over = False

    async def begin(self, deadline: float | None) -> None:
        """Until its head is there. Raises ``ClientError``, ``TimeoutError``."""
        event = await self._event(deadline)
        assert isinstance(event, Response)
        self.head = event

    async def _event(self, deadline: float | None) -> object:
        try:
            while (event := self._exchange.next_event()) is NEED_DATA:
                self._exchange.receive(await self._received(deadline))
        except Malformed as error:
            await self.close()
            raise ClientError(self._request, "", error.reason) from None
        return event

    async def _received(self, deadline: float | None) -> bytes:
        try:
            return await self._link.receive(deadline)
        except ConnectionError:  # ended, not by the rules: the exchange says what that means
            return b""

    async def read(self, deadline: float | None = None) -> bytes:
        """The next bytes of the body, or of the stream that the connection has become; none at the end."""
        if self._over:
            return b""
        if self.head.status == 101:
            found = self._exchange.rest() or await self._received(deadline)
        else:
            event = await self._event(deadline)
            found = event.data if isinstance(event, Data) else b""
        if not found:
            await self.close()
        return found

    async def document(self, deadline: float | None = None) -> Any:
        """All of it, as JSON; the connection stays open, until ``close``."""
        parts = bytearray()
        while isinstance(event := await self._event(deadline), Data):
            parts += event.data
        return jsonc.loads(bytes(parts))

    async def whole(self, deadline: float | None = None, limit: int | None = None) -> bytes:
        """All of it, or the first bytes up to about ``limit``."""
        parts = bytearray()
        while piece := await self.read(deadline):
            parts += piece
            if limit is not None and len(parts) > limit:
                break
        await self.close()
        return bytes(parts)

    async def send(self, data: bytes) -> None:
        """To the stream that the connection has become. Raises ``ConnectionError``."""
        await self._link.send(data)

    async def feed(self, data: bytes) -> None:
        """All that will be sent; it goes out while the answer is read."""
        await self._link.feed(data)

    async def end(self) -> None:
        """Nothing more will be sent."""
        await self._link.end()

    async def close(self) -> None:
        """Let go of the connection."""
        self._over = True
        await self._link.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.close()


class Api:
    """The engine at one socket. ``timeout_s``: how long an answer may be in coming where nothing else is said."""

    def __init__(self, path: str, timeout_s: float | None) -> None:
        self.path, self.timeout_s = path, timeout_s
        #: Ids of the leases that own what is created; the last one does.
        self.leases: list[str] = []

    def owner(self) -> list[tuple[str, str]]:
        """The header of a request that creates something."""
        return [("Rung-Lease", self.leases[-1])] if self.leases else []

    async def open(
        self,
        method: str,
        path: str,
        query: Mapping[str, Any] | None = None,
        body: asked.Body | None = None,
        headers: list[tuple[str, str]] | None = None,
        timeout_s: float | None = None,
        patient: bool = False,
    ) -> Answer:
        """An answer that is not a refusal. ``patient``: it comes when it comes. Raises ``ApiError``, ``Unreachable``,
        ``ClientError`` where none comes in time or it is no HTTP."""
        limit_s = None if patient else timeout_s if timeout_s is not None else self.timeout_s
        deadline = None if limit_s is None else time.monotonic() + limit_s
        exchange = Exchange(method)
        answer = Answer(await Link.open(self.path), exchange, f"{method} {path}")
        try:
            await _send(answer, method, asked.target(path, query), body, beside(headers or []))
            await answer.begin(deadline)
            if answer.head.status >= 400:
                said = await answer.whole(deadline, _SENTENCE_LIMIT)
                raise refusal(answer.head.status, said, f"{method} {path}")
        except TimeoutError:
            await answer.close()
            raise ClientError(method, path, f"no answer within {limit_s} s") from None
        except BaseException:
            await answer.close()
            raise
        return answer

    async def json(self, method: str, path: str, query: Mapping[str, Any] | None = None, **more: Any) -> Any:
        """The answer's document; None where it has none."""
        async with await self.open(method, path, query, **more) as answer:
            data = await answer.whole()
        return jsonc.loads(data) if data.strip() else None

    async def do(self, method: str, path: str, query: Mapping[str, Any] | None = None, **more: Any) -> None:
        """A request whose answer has nothing to say."""
        async with await self.open(method, path, query, **more) as answer:
            await answer.whole()


async def _send(
    answer: Answer, method: str, target: str, body: asked.Body | None, headers: list[tuple[str, str]]
) -> None:
    """A refusal may come before the body is out; whoever hangs up on it has answered."""
    kind, length, pieces = asked.encoded(body)
    try:
        await answer.send(request_head(method, target, [*kind, *headers], length))
        for piece in pieces:
            await answer.send(piece if length is not None else chunk(piece))
        if length is None:
            await answer.send(LAST_CHUNK)
    except ConnectionError:
        return
