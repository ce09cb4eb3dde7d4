"""The name service in one container's network: sockets there, answers from here.

What is a container's name on one of its networks is answered; everything else goes to the servers that the host
asks, from the host, and comes back as it is.
"""

from __future__ import annotations

import asyncio
import socket

from rung.engine.network.dns import message
from rung.engine.network.files import NAMES
from rung.kernel.netlink import inside

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from typing import Any

    #: name -> addresses, None where nobody is called so; and address -> name
    Look = Callable[[str], "list[str] | None"]
    Name = Callable[[str], str]
    #: Does quick work of the engine's own in a thread.
    InThread = Callable[..., Awaitable[Any]]

UPSTREAM_S = 4.0
#: Queries of one container that wait for other servers, and its TCP connections: what comes on top is dropped, as a
#: resolver that is overloaded does, and asked again.
WAITING_MAX, STREAMS_MAX = 64, 16
#: A TCP connection without a query for so long is closed (RFC 7766 section 6.2.3).
STREAM_IDLE_S = 10.0
_LARGEST = 65535


class NameServer:
    """One container's. ``look`` and ``name`` know its networks."""

    def __init__(self, look: Look, name: Name, upstream: list[str], in_thread: InThread) -> None:
        self._look, self._name, self._upstream, self._in_thread = look, name, upstream, in_thread
        self._transport: asyncio.DatagramTransport | None = None
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self._streams = 0

    async def start(self, pid: int, lead_here: Callable[[int, int], None]) -> None:
        """Listen in the network of a process. ``lead_here(udp_port, tcp_port)`` is called there."""

        def there() -> tuple[socket.socket, socket.socket]:
            udp, tcp = _sockets()
            try:
                lead_here(udp.getsockname()[1], tcp.getsockname()[1])
            except BaseException:
                udp.close()
                tcp.close()
                raise
            return udp, tcp

        udp, tcp = await self._in_thread(inside, f"/proc/{pid}/ns/net", there)
        loop = asyncio.get_running_loop()
        self._transport, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(self), sock=udp)
        self._server = await asyncio.start_server(self._stream, sock=tcp)

    def close(self) -> None:
        """Listen no more."""
        if self._transport is not None:
            self._transport.close()
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()

    def datagram(self, data: bytes, sender: tuple[str, int]) -> None:
        """A query by UDP."""
        found = self.local_answer(data)
        if found is not None:
            if self._transport is not None:
                self._transport.sendto(found, sender)
            return
        if len(self._tasks) >= WAITING_MAX:
            return
        task = asyncio.get_running_loop().create_task(self._forward(data, sender))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _forward(self, data: bytes, sender: tuple[str, int]) -> None:
        found = await self._ask(data)
        if found and self._transport is not None:
            self._transport.sendto(found, sender)

    async def _stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Queries by TCP: a length of two bytes before each (RFC 1035 section 4.2.2)."""
        if self._streams >= STREAMS_MAX:
            writer.close()
            return
        self._streams += 1
        try:
            while True:
                async with asyncio.timeout(STREAM_IDLE_S):
                    size = int.from_bytes(await reader.readexactly(2), "big")
                    data = await reader.readexactly(size)
                found = self.local_answer(data) or await self._ask(data)
                async with asyncio.timeout(STREAM_IDLE_S):
                    writer.write(len(found).to_bytes(2, "big") + found)
                    await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError, TimeoutError):
            pass
        finally:
            self._streams -= 1
            writer.close()

    def local_answer(self, data: bytes) -> bytes | None:
        """What we know ourselves; None for what others are to be asked."""
        question = message.parse(data)
        if question is None:
            return b""
        address = message.reverse_address(question.name) if question.kind == message.PTR else ""
        if address:
            name = self._name(address)
            return message.answer(data, question, [message.pointer_record(name)]) if name else None
        found = self._look(question.name.lower())
        if found is None:
            return None
        wanted = {message.A: False, message.AAAA: True}.get(question.kind)
        records = [message.address_record(one) for one in found if (":" in one) == wanted]
        return message.answer(data, question, records)

    async def _ask(self, data: bytes) -> bytes:
        """The first server that answers; a failure where none does."""
        for server in self._upstream:
            try:
                return await asyncio.wait_for(_exchange(server, data), UPSTREAM_S)
            except (OSError, TimeoutError):
                continue
        question = message.parse(data)
        return message.answer(data, question, [], message.SERVER_FAILURE) if question is not None else b""


async def _exchange(server: str, data: bytes) -> bytes:
    loop = asyncio.get_running_loop()
    with socket.socket(socket.AF_INET6 if ":" in server else socket.AF_INET, socket.SOCK_DGRAM) as asking:
        asking.setblocking(False)
        await loop.sock_connect(asking, (server, 53))
        await loop.sock_sendall(asking, data)
        return await loop.sock_recv(asking, _LARGEST)


class _Datagrams(asyncio.DatagramProtocol):
    def __init__(self, server: NameServer) -> None:
        self._server = server

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._server.datagram(data, addr)


def _sockets() -> tuple[socket.socket, socket.socket]:
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.bind((NAMES, 0))
    udp.setblocking(False)
    tcp = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    tcp.bind((NAMES, 0))
    tcp.listen(16)
    tcp.setblocking(False)
    return udp, tcp
