"""The API of one engine: all tables of endpoints in one."""

from __future__ import annotations

from rung.engine.docker import (
    absent,
    archive,
    attach,
    commit,
    containers,
    execs,
    explaining,
    images,
    logs,
    looking,
    networks,
    system,
    volumes,
)
from rung.engine.docker.routes import Routes
from rung.engine.docker.server import Link
from rung.engine.serving.peers import admitted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rung.engine.engine import Engine

_GROUPS = (
    absent, system, containers, attach, logs, execs, looking, archive, commit, images, networks, volumes, explaining
)


def links(engine: Engine, group: int | None = None) -> Callable[[], Link]:
    """What makes the protocol of one more connection. ``group``: whose members may come in, beside root."""
    routes = Routes(*(group.table(engine) for group in _GROUPS))
    open_links: set[Link] = set()
    def link() -> Link:
        return Link(
            routes.find,
            open_links,
            lambda one: admitted(one, group),
            engine.stories.take,
            experimental=engine.settings.experimental,
        )

    return link
