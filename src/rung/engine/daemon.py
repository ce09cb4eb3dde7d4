"""``rungd``: an engine and its API on a socket, until it is told to end.

Containers live on; whoever starts the next one finds them again.
"""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import sys

from rung.engine.docker.api import links
from rung.engine.engine import Engine
from rung.engine.errors import EngineError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.engine.places import Places


def serve(places: Places) -> None:
    """Be the daemon. Returns after SIGTERM or SIGINT."""
    asyncio.run(_serve(places))


async def _serve(places: Places) -> None:
    engine = Engine(places)
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    await engine.start()
    server = await loop.create_unix_server(links(engine), sock=_listen(places.api))
    try:
        print(f"rungd: API on {places.api}", file=sys.stderr, flush=True)
        await ended.wait()
    finally:
        server.close()
        os.unlink(places.api)
        await engine.stop()


def _listen(path: str) -> socket.socket:
    """For root and the group of the directory. Raises ``EngineError`` where somebody listens already."""
    found = socket.socket(socket.AF_UNIX)
    try:
        found.connect(path)
    except (FileNotFoundError, ConnectionRefusedError):
        pass
    else:
        raise EngineError(f"another engine listens on {path}")
    finally:
        found.close()
    try:
        os.unlink(path)
    except FileNotFoundError:
        pass
    found = socket.socket(socket.AF_UNIX)
    before = os.umask(0o117)
    try:
        found.bind(path)
    finally:
        os.umask(before)
    found.listen(1024)
    return found
