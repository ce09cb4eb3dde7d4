"""Published ports at ``::1``, and all of an ordinary user's engine: what the engine itself hands on.

The kernel sends nothing from ::1 over a bridge (there is no route_localnet for IPv6), so rules cannot lead there: who
on this host asks [::1] comes to the socket that holds the port, and is relayed from there. TCP only; every other
address of the host is the rules' business (``rules.py``), and goes on without the engine. An ordinary user's engine has
no say in the host's rules: there, every published port is a socket of the host's that leads here.
"""

from __future__ import annotations

import asyncio
import socket

from rung.engine.network.ports import RELAYED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rung.engine.network.ports import Held

_CHUNK = 1 << 16
#: Clients of one port that are relayed at once, and how long a connection without a byte is kept where the other side
#: has gone without saying so (tcp(7), TCP_KEEPIDLE). What comes on top is refused: the engine keeps its descriptors.
CLIENTS_MAX, KEEPALIVE_S = 1024, 300
CONNECT_S = 10.0


def is_needed(held: Held) -> bool:
    """Whether somebody at ::1 can come to this socket."""
    return held.binding.protocol == "tcp" and held.binding.host_ip in RELAYED


async def relay(held: Held, address: str) -> asyncio.Server | asyncio.DatagramTransport:
    """Hand connections, or datagrams, on to a container's address, until it is closed."""
    if held.binding.protocol == "udp":
        there = (address, held.binding.port)
        loop = asyncio.get_running_loop()
        transport, _ = await loop.create_datagram_endpoint(lambda: _Datagrams(there), sock=held.socket.dup())
        return transport

    clients = 0

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal clients
        if clients >= CLIENTS_MAX:
            writer.close()
            return
        clients += 1
        try:
            async with asyncio.timeout(CONNECT_S):
                there_reader, there = await asyncio.open_connection(address, held.binding.port)
            for one in (writer, there):
                _keep_alive(one)
            await asyncio.gather(_pump(reader, there), _pump(there_reader, writer))
            there.close()
        except (OSError, TimeoutError):
            return
        finally:
            clients -= 1
            writer.close()

    return await asyncio.start_server(meet, sock=held.socket.dup())


def _keep_alive(writer: asyncio.StreamWriter) -> None:
    connection = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, KEEPALIVE_S)


class _Datagrams(asyncio.DatagramProtocol):
    """Clients' datagrams: each client has a socket of its own towards the container, for a while."""

    KEPT_S = 60.0

    def __init__(self, there: tuple[str, int]) -> None:
        self._there = there
        self._outer: asyncio.DatagramTransport | None = None
        self._clients: dict[tuple[str, int], asyncio.Task[asyncio.DatagramTransport]] = {}

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.DatagramTransport)
        self._outer = transport

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        loop = asyncio.get_running_loop()
        if addr not in self._clients:
            if len(self._clients) >= CLIENTS_MAX:
                return
            self._clients[addr] = loop.create_task(self._meet(addr))
            loop.call_later(self.KEPT_S, self._forget, addr)
        self._clients[addr].add_done_callback(lambda task: _send(task, data))

    async def _meet(self, client: tuple[str, int]) -> asyncio.DatagramTransport:
        assert self._outer is not None
        outer = self._outer
        back = _Answers(lambda data: outer.sendto(data, client))
        transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(lambda: back, remote_addr=self._there)
        return transport

    def _forget(self, client: tuple[str, int]) -> None:
        task = self._clients.pop(client, None)
        if task is not None and task.done() and not task.cancelled() and task.exception() is None:
            task.result().close()

    def connection_lost(self, error: Exception | None) -> None:
        for client in list(self._clients):
            self._forget(client)


def _send(task: asyncio.Task[asyncio.DatagramTransport], data: bytes) -> None:
    if not task.cancelled() and task.exception() is None and not task.result().is_closing():
        task.result().sendto(data)


class _Answers(asyncio.DatagramProtocol):
    def __init__(self, hand_on: Callable[[bytes], None]) -> None:
        self._hand_on = hand_on

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        self._hand_on(data)


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One direction to its end, which is told on."""
    try:
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
        writer.write_eof()
    except OSError:
        writer.close()
