"""Published ports at ``::1``: connections that the engine itself hands on.

The kernel sends nothing from ::1 over a bridge (there is no route_localnet for IPv6), so rules cannot lead there: who
on this host asks [::1] comes to the socket that holds the port, and is relayed from there. TCP only; every other
address of the host is the rules' business (``rules.py``), and goes on without the engine.
"""

from __future__ import annotations

import asyncio

from rung.engine.network.ports import RELAYED

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.engine.network.ports import Held

_CHUNK = 1 << 16


def is_needed(held: Held) -> bool:
    """Whether somebody at ::1 can come to this socket."""
    return held.binding.protocol == "tcp" and held.binding.host_ip in RELAYED


async def relay(held: Held, address: str) -> asyncio.Server:
    """Hand connections on to a container's address, until it is closed."""

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            there_reader, there = await asyncio.open_connection(address, held.binding.port)
        except OSError:
            writer.close()
            return
        await asyncio.gather(_pump(reader, there), _pump(there_reader, writer))
        for one in (writer, there):
            one.close()

    return await asyncio.start_server(meet, sock=held.socket.dup())


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One direction to its end, which is told on."""
    try:
        while data := await reader.read(_CHUNK):
            writer.write(data)
            await writer.drain()
        writer.write_eof()
    except OSError:
        writer.close()
