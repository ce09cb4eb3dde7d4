"""The API of one engine: all tables of endpoints in one."""

from __future__ import annotations

from rung.engine.docker import (
    absent,
    archive,
    attach,
    checkpoints,
    commit,
    containers,
    execs,
    explaining,
    images,
    leases,
    logs,
    looking,
    metrics,
    networks,
    system,
    transfers,
    volumes,
    websocket,
)
from rung.engine.docker.routes import Routes
from rung.engine.docker.server import Link
from rung.engine.serving.peers import admitted
from rung.engine.serving.room import Room, for_clients

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rung.engine.engine import Engine

_GROUPS = (
    absent, system, containers, attach, logs, execs, looking, archive, commit, images, transfers, networks, volumes,
    checkpoints, explaining, leases, websocket, metrics,
)


def links(engine: Engine, group: int | None = None, room: Room | None = None) -> Callable[[], Link]:
    """What makes the protocol of one more connection. ``group``: whose members may come in, beside root; ``room``:
    what they share with those of other sockets."""
    routes = Routes(*(group.table(engine) for group in _GROUPS))
    room = room or Room(for_clients())

    def link() -> Link:
        return Link(
            routes.find,
            room,
            lambda one: admitted(one, group),
            engine.stories.take,
            experimental=engine.settings.experimental,
        )

    return link


def metrics_links(engine: Engine, room: Room) -> Callable[[], Link]:
    """The same for those who come to read ``/metrics`` and nothing else: that is for anybody."""
    routes = Routes(metrics.table(engine))
    return lambda: Link(routes.find, room, lambda one: True, engine.stories.take)
