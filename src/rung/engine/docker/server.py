"""Connections of the API: one request after another, each answered by an ``Answer``, ``Streamed`` or ``Hijacked``.

Rule: HTTP itself is ``rung.http1`` (bytes in, events out); what is asked for and answered is the handlers'. This
file moves bytes, keeps back-pressure in both directions, and gives a connection away when it is hijacked.
"""

from __future__ import annotations

import asyncio
import select
import socket
from urllib.parse import quote, unquote

from rung.engine.docker import versions
from rung.engine.docker.answers import Answer, Hijacked, Streamed, document, empty, refused
from rung.engine.docker.call import Call
from rung.engine.docker.versions import API
from rung.engine.errors import NotAllowed, NotFound
from rung.engine.serving.peers import peer_pid
from rung.errors import RungError
from rung.http1.connection import CLOSED, CONTINUE, END_OF_BODY, NEED_DATA, Connection, Data
from rung.http1.errors import Malformed
from rung.http1.head import Request
from rung.trace.spans import Root, enter, failed, leave
from rung.trace.w3c import PARENT, STATE, parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from rung.engine.leases import Lease, Leases
    from rung.engine.serving.room import Room, Timer

    Told = Callable[[Root, str, str], None]
    Handler = Callable[[Call], Awaitable["Answer | Streamed | Hijacked"]]
    Find = Callable[[str, str], tuple["Handler", dict[str, str]] | None]
    Admits = Callable[[socket.socket], bool]

SERVER = "Docker/27.0.0 (linux)"
_HIGH_WATER = 1 << 18
#: How long a refused client may go on sending, and how long without a byte.
LINGER_S, LINGER_QUIET_S = 30.0, 2.0
#: Of a path, in what is told of a request.
_TARGET_SHOWN = 200


def _heard(work: asyncio.Future[Answer | Streamed | Hijacked]) -> None:
    """Its client may be gone: what it came to is nobody's then."""
    if not work.cancelled():
        work.exception()


class Link(asyncio.Protocol):
    """One connection of a client."""

    def __init__(
        self, find: Find, room: Room, admits: Admits, told: Told, *, experimental: bool = False
    ) -> None:
        self._find, self._descriptors, self._admits, self._told = find, room, admits, told
        self._common = (("Docker-Experimental", "true" if experimental else "false"), *_COMMON)
        self._headers: tuple[tuple[str, str], ...] = ()
        self._admitted = False
        self._http = Connection()
        self._transport: asyncio.Transport | None = None
        self._arrived = asyncio.Event()
        self._room = asyncio.Event()
        self._room.set()
        self._task: asyncio.Task[None] | None = None
        self._body_over = self._is_new = True
        self._is_hijacked = self._ends_with_client = False
        self._lease: Lease | None = None
        self._closed: list[Callable[[], object]] = []

    # --- asyncio's ---------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        if not self._descriptors.take():
            self._refuse(503, "too many connections are open: close some, or raise LimitNOFILE")
            transport.close()
            return
        self._admitted = self._admits(transport.get_extra_info("socket"))
        self._task = asyncio.get_running_loop().create_task(self._serve())

    def data_received(self, data: bytes) -> None:
        self._http.receive(data)
        self._arrived.set()
        if self._http.buffered > _HIGH_WATER and self._transport is not None:
            self._transport.pause_reading()

    def eof_received(self) -> bool:
        self._http.receive(b"")
        self._arrived.set()
        if self._ends_with_client and self._task is not None and self._is_gone():
            self._task.cancel()
        return True  # a client that has said all may still listen

    def _is_gone(self) -> bool:
        """Whether the client has closed its socket, and not only its sending. TCP does not say: a client that waits for
        a long answer with half a connection is taken for one that has gone, as by Go's servers."""
        connection = self._transport and self._transport.get_extra_info("socket")
        if not connection or connection.family != socket.AF_UNIX:
            return True
        looking = select.poll()
        looking.register(connection, 0)
        return any(events & select.POLLHUP for _, events in looking.poll(0))

    def connection_lost(self, error: Exception | None) -> None:
        self._transport = None
        self._http.receive(b"")
        self._arrived.set()
        self._room.set()
        for told in self._closed:
            told()
        if self._task is not None:
            self._descriptors.give_back()
            if self._task is not asyncio.current_task():
                self._task.cancel()

    def pause_writing(self) -> None:
        self._room.clear()

    def resume_writing(self) -> None:
        self._room.set()

    # --- requests ----------------------------------------------------------------------

    async def _serve(self) -> None:
        try:
            while self._transport is not None:
                request = await self._request()
                if not isinstance(request, Request):
                    break
                await self._recorded(request)
                if not self._http.keeps_alive or self._transport is None:
                    break
            await self._linger()
        except Malformed as error:
            self._refuse(error.status, str(error))
            await self._linger()
        except (ConnectionError, asyncio.CancelledError):
            pass
        finally:
            if self._transport is not None:
                self._transport.close()

    async def _linger(self) -> None:
        """Read and discard what a client still sends behind its answer: closing at once would reset the connection, and
        the client would lose the answer (RFC 9112 section 9.6)."""
        if self._is_hijacked or self._http.body_left == 0 or self._transport is None:
            return
        try:
            async with asyncio.timeout(LINGER_S):
                await self._room.wait()
                self._transport.write_eof()
                while not self._http.hung_up:
                    self._http.rest()
                    await asyncio.wait_for(self._more(), LINGER_QUIET_S)
        except (TimeoutError, OSError):
            return

    async def _request(self) -> object:
        """The next request, or that there is none. One whose head does not come to its end ends the connection."""
        timer: Timer | None = None
        try:
            while (event := self._http.next_event()) is NEED_DATA:
                if timer is None and self._task is not None and (self._is_new or self._http.has_begun):
                    timer = self._descriptors.when_too_slow(self._task.cancel)
                await self._more()
        finally:
            if timer is not None:
                timer.cancel()
        self._is_new = False
        return event

    async def _event(self) -> object:
        """The next thing of a request's body."""
        while (event := self._http.next_event()) is NEED_DATA:
            await self._more()
        return event

    async def _more(self) -> None:
        self._arrived.clear()
        if self._transport is not None:
            self._transport.resume_reading()
        await self._arrived.wait()

    async def body(self) -> bytes:
        """The next piece of the request's body; empty at its end. Raises ``Malformed``."""
        if self._body_over:
            return b""
        if self._http.expects_continue:
            self._write(CONTINUE)
        event = await self._event()
        if isinstance(event, Data):
            return event.data
        self._body_over = True
        if event is not END_OF_BODY and event is not CLOSED:
            raise Malformed(400, "ends within its body")
        return b""

    async def _recorded(self, request: Request) -> None:
        """Answer it; ``_told`` gets what was done for it (``engine/stories.py``)."""
        root = Root(f"{request.method} {request.target.partition('?')[0][:_TARGET_SHOWN]}", parse(request.get(PARENT)))
        enter(root)
        try:
            await self._answer(request)
        finally:
            leave()
            if root.subject:
                root.close()
                self._told(root, request.get("user-agent"), request.get(STATE))

    async def _answer(self, request: Request) -> None:
        self._body_over = False
        try:
            answer = await self._call(request)
        except Malformed:
            raise
        except Exception as error:  # noqa: BLE001 - every error has an answer
            if not isinstance(error, (RungError, OSError)):
                asyncio.get_running_loop().call_exception_handler({"message": request.target, "exception": error})
            answer = refused(error)
            failed(f"{answer.status} {error}")
        if isinstance(answer, Hijacked):
            await self._hijack(request, answer)
            return
        while not self._body_over and isinstance(answer, Answer) and answer.status < 400 and await self.body():
            pass
        if isinstance(answer, Streamed):
            await self._stream(request, answer)
        else:
            self._write(self._head(answer, len(answer.body)))
            if request.method != "HEAD":
                self._write(answer.body)
            await self._room.wait()

    async def _call(self, request: Request) -> Answer | Streamed | Hijacked:
        self._headers = ()  # as with Docker: an answer of no handler's says nothing of the daemon
        path, _, query = request.target.partition("?")
        if not self._admitted:
            raise NotAllowed("only root and members of the engine's group may use this socket")
        path, version = versions.split(unquote(path))
        if request.method == "OPTIONS":
            return empty(200)
        found = self._find(request.method, path)
        if found is None:
            if "//" in path or "/." in path:
                return _elsewhere(path, query)
            raise NotFound("page not found")
        self._headers = _COMMON
        versions.check(version)
        self._headers = self._common
        handler, words = found
        call = Call(self, request, path, query, words, version)
        if getattr(handler, "is_cancellable", False):
            self._ends_with_client = True
            try:
                return await handler(call)
            finally:
                self._ends_with_client = False
        if request.method in ("GET", "HEAD"):
            return await handler(call)
        # What changes something is done to its end: a client that goes meanwhile leaves nothing half done.
        work = asyncio.ensure_future(handler(call))
        work.add_done_callback(_heard)
        return await asyncio.shield(work)

    # --- answers -----------------------------------------------------------------------

    def _refuse(self, status: int, why: str) -> None:
        """What is no request of a handler's: the connection ends with it."""
        answer = document({"message": why}, status)
        self._write(self._head(answer, len(answer.body)) + answer.body)

    def _head(self, answer: Answer, length: int) -> bytes:
        kind = (("Content-Type", answer.kind),) if answer.body else ()
        common = () if answer.bare else self._headers
        return self._http.respond(answer.status, (*common, *kind, *answer.headers), length)

    async def _stream(self, request: Request, answer: Streamed) -> None:
        headers = [*self._headers, ("Content-Type", answer.kind), *answer.headers]
        chunked = answer.length is None and request.minor >= 1
        if chunked:
            headers.append(("Transfer-Encoding", "chunked"))
        self._write(self._http.respond(200, headers, answer.length, chunked=chunked))
        watcher = asyncio.get_running_loop().create_task(self._hung_up())
        try:
            await self._pieces(answer, chunked)
        finally:
            watcher.cancel()

    async def _pieces(self, answer: Streamed, chunked: bool) -> None:
        try:
            async for piece in answer.pieces:
                if self._transport is None:
                    return
                if piece:
                    self._write(b"%x\r\n%b\r\n" % (len(piece), piece) if chunked else piece)
                    await self._room.wait()
            if chunked:
                self._write(b"0\r\n\r\n")
        finally:
            await answer.pieces.aclose()  # type: ignore[attr-defined]

    async def _hung_up(self) -> None:
        """A client that goes while it is being streamed to has had enough."""
        while not self._http.hung_up:
            self._arrived.clear()
            await self._arrived.wait()
        if self._task is not None:
            self._task.cancel()

    async def _hijack(self, request: Request, answer: Hijacked) -> None:
        self._is_hijacked = True
        upgrade = request.get("upgrade")
        if answer.lines:
            lines = list(answer.lines)
        elif upgrade:
            lines = ["HTTP/1.1 101 UPGRADED", f"Content-Type: {answer.kind}"]
            lines += ["Connection: Upgrade", f"Upgrade: {upgrade}"]
        else:
            lines = ["HTTP/1.1 200 OK", f"Content-Type: {answer.kind}"]
        lines += [f"{name}: {value}" for name, value in self._headers] if answer.said else []
        self._write("\r\n".join([*lines, "", ""]).encode())
        await self._room.wait()
        self._http.keeps_alive = False
        if self._transport is not None:
            self._transport.pause_reading()
            await answer.take(self, self._http.rest())

    def _write(self, data: bytes) -> None:
        if self._transport is not None and data:
            self._transport.write(data)

    # --- leases --------------------------------------------------------------------------

    def when_closed(self, told: Callable[[], object]) -> None:
        """Call that when the connection is closed; at once where it is already."""
        if self._transport is None:
            told()
        else:
            self._closed.append(told)

    def own_lease(self, leases: Leases) -> Lease:
        """The lease of this connection that keeps no record."""
        if self._lease is None:
            lease = self._lease = leases.brief()
            self.when_closed(lambda: leases.end_later(lease))
        return self._lease

    @property
    def peer_pid(self) -> int:
        """The process at the other end of a unix socket; 0 where nobody can say."""
        return peer_pid(self._transport.get_extra_info("socket")) if self._transport is not None else 0

    # --- hijacked connections ------------------------------------------------------------

    def descriptor(self) -> int:
        """The connection's own descriptor, duplicated: for another process to serve. -1 where it is TLS, or gone."""
        if self._transport is None or self._transport.get_extra_info("sslcontext") is not None:
            return -1
        found: socket.socket = self._transport.get_extra_info("socket")
        return socket.dup(found.fileno())

    async def more(self) -> bytes:
        """What the client says next, on a connection that is no longer HTTP's; empty at its end."""
        while not (found := self._http.rest()) and not self._http.hung_up:
            self._arrived.clear()
            if self._transport is not None:
                self._transport.resume_reading()
            await self._arrived.wait()
        return found

    async def send(self, data: bytes) -> None:
        """To the client, no faster than it reads."""
        self._write(data)
        await self._room.wait()

    @property
    def transport(self) -> asyncio.Transport | None:
        """For who relays through this process."""
        return self._transport


_COMMON = (("Api-Version", API), ("Ostype", "linux"), ("Server", SERVER))


def _elsewhere(path: str, query: str) -> Answer:
    """A path that is not clean is sent to the clean one, as Docker's router does."""
    from posixpath import normpath

    clean = normpath(path).replace("//", "/", 1)
    target = (
        quote(clean) + ("/" if path.endswith("/") and clean != "/" else "") + (f"?{query}" if query else "")
    )
    return Answer(301, headers=(("Location", target),))
