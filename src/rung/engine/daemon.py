"""``rungd``: an engine and its API on its sockets, until it is told to end.

Containers live on; whoever starts the next one finds them again. SIGHUP reads ``daemon.json`` again, SIGTERM and SIGINT
end it.
"""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
import sys
from contextlib import ExitStack

from rung.engine.docker.api import links, metrics_links
from rung.engine.docker.registries import put_before_hub
from rung.engine.docker.system import machine_id
from rung.engine.engine import Engine
from rung.engine.errors import EngineError
from rung.engine.serving import sockets, systemd
from rung.engine.serving.peers import group_id
from rung.engine.serving.room import Room, for_clients, raise_limit
from rung.kernel.heap import keep_heap_small

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rung.engine.network.ports import Host
    from rung.engine.serving.settings import Settings

#: Connections of those who read metrics: anybody may, and nobody of them keeps others from the API.
METRICS_CLIENTS = 16


def serve(
    settings: Settings, again: Callable[[Settings], Settings] | None = None, outside: Host | None = None
) -> None:
    """Be the daemon. ``again``: the settings after SIGHUP, from those of now; ``outside``: of an ordinary user's
    engine, its way to the host's network. Returns after SIGTERM or SIGINT."""
    keep_heap_small()
    asyncio.run(_serve(settings, again or (lambda now: now), outside))


async def _serve(settings: Settings, again: Callable[[Settings], Settings], outside: Host | None) -> None:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, ended.set)
    with ExitStack() as undo:
        _be_alone(settings, undo)
        engine = Engine(settings.places, settings, outside)
        engine.zygote.nofile = raise_limit()
        room = Room(for_clients())
        loop.add_signal_handler(signal.SIGHUP, _reload, engine, again)
        put_before_hub(settings.places, settings.registry_mirrors)
        found = _listen(settings, undo)
        await engine.start()
        try:
            servers = [await _open(engine, settings, one, room) for one in found]
            say(f"API on {', '.join(settings.listens_on)}")
            systemd.notify("READY=1")
            await ended.wait()
            systemd.notify("STOPPING=1")
            for server in servers:
                server.close()
        finally:
            is_over = not engine.running
            await engine.stop()
            if outside is not None and is_over:
                outside.end()


def say(sentence: str) -> None:
    """A line of the daemon's own log."""
    print(f"rungd: {sentence}", file=sys.stderr, flush=True)


def _be_alone(settings: Settings, undo: ExitStack) -> None:
    """One engine has a run directory, as one has the data (``database.py``). Raises ``EngineError``."""
    settings.places.make()
    lock = os.open(f"{settings.run}/engine.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    undo.callback(os.close, lock)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise EngineError(f"another engine runs in {settings.run}: stop it, or choose another --exec-root") from None
    if settings.pidfile:
        with open(settings.pidfile, "w") as file:
            file.write(str(os.getpid()))
        undo.callback(_unlink, settings.pidfile)


def _unlink(path: str) -> None:
    try:
        os.unlink(path)
    except FileNotFoundError:
        return


def _listen(settings: Settings, undo: ExitStack) -> list[sockets.Listening]:
    group, given = group_id(settings.group), systemd.handed_over()
    found = []
    for host in settings.listens_on:
        for one in sockets.listening(host, group, given):
            undo.callback(one.close)
            found.append(one)
    if settings.metrics_addr:
        one = sockets.for_metrics(settings.metrics_addr)
        undo.callback(one.close)
        found.append(one)
    return found


async def _open(engine: Engine, settings: Settings, one: sockets.Listening, room: Room) -> asyncio.Server:
    loop = asyncio.get_running_loop()
    if one.metrics:
        return await loop.create_server(metrics_links(engine, Room(METRICS_CLIENTS)), sock=one.socket)
    make = links(engine, group_id(settings.group), room)
    if not one.encrypted:
        return await loop.create_server(make, sock=one.socket)  # create_unix_server would remove systemd's path
    if not settings.tlsverify:
        raise EngineError(f"host {one.host}: plain TCP is not served: give --tlsverify --tlscacert --tlscert --tlskey")
    from rung.engine.serving.tls import Encrypted, context

    secrets = context(settings)
    return await loop.create_server(lambda: Encrypted(secrets, make, room), sock=one.socket)


def _reload(engine: Engine, again: Callable[[Settings], Settings]) -> None:
    """A file that is wrong changes nothing: it is said, and the daemon goes on."""
    systemd.notify("RELOADING=1")
    try:
        engine.settings = again(engine.settings)
        put_before_hub(engine.places, engine.settings.registry_mirrors)
    except EngineError as error:
        say(f"not reloaded: {error}")
    else:
        engine.events.tell("daemon", "reload", machine_id(engine), {"name": os.uname().nodename})
        say("reloaded")
    systemd.notify("READY=1")
