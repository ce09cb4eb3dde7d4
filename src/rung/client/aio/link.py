"""One connection to the engine, for asyncio. Beside its twin in ``blocking/``, the only file that does I/O."""

from __future__ import annotations

import asyncio
import contextlib
import time

from rung.client.errors import unreachable

_PIECE = 1 << 16


class Link:
    """Bytes to the engine and from it."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer

    @classmethod
    async def open(cls, path: str) -> Link:
        """Raises ``Unreachable``."""
        try:
            return cls(*await asyncio.open_unix_connection(path))
        except OSError as error:
            raise unreachable(path, error) from None

    async def send(self, data: bytes) -> None:
        """Raises ``ConnectionError`` where the engine takes no more."""
        self._writer.write(data)
        await self._writer.drain()

    async def receive(self, deadline: float | None = None) -> bytes:
        """What has come, none at the end. Raises ``TimeoutError`` at ``deadline`` (``time.monotonic``)."""
        if deadline is None:
            return await self._reader.read(_PIECE)
        async with asyncio.timeout(max(0.0, deadline - time.monotonic())):
            return await self._reader.read(_PIECE)

    async def feed(self, data: bytes) -> None:
        """All that will be sent: it goes out while ``receive`` waits, so that neither side waits for the other."""
        with contextlib.suppress(OSError):
            self._writer.write(data)
            self._writer.write_eof()

    async def end(self) -> None:
        """Say that no more will be sent; what comes is still received."""
        with contextlib.suppress(OSError):
            self._writer.write_eof()

    async def close(self) -> None:
        """At once; twice is once."""
        self._writer.close()
        with contextlib.suppress(OSError):
            await self._writer.wait_closed()
