"""What this engine is not: a swarm's manager, a host of plugins, a BuildKit. Answered as Docker's daemon answers where
it is none of these either."""

from __future__ import annotations

from rung.engine.docker.answers import Answer, document
from rung.engine.errors import NotFound, SwitchedOff, Unavailable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.engine.docker.call import Call
    from rung.engine.docker.routes import Table
    from rung.engine.engine import Engine

_KINDS = ("services", "nodes", "tasks", "secrets", "configs")


def table(engine: Engine) -> Table:
    """The endpoints of this file."""

    async def no_swarm(call: Call) -> Answer:
        raise Unavailable(
            'This node is not a swarm manager. Use "docker swarm init" or "docker swarm join" to connect this node '
            "to swarm and try again."
        )

    async def not_in_swarm(call: Call) -> Answer:
        raise Unavailable("This node is not part of a swarm")

    async def no_plugins(call: Call) -> Answer:
        return document([])

    async def no_plugin(call: Call) -> Answer:
        raise NotFound(f'plugin "{call.words["image"]}" not found')

    async def no_builder(call: Call) -> Answer:
        raise SwitchedOff("this engine does not build images: build with buildah, and load what it saves")

    found: Table = {f"GET /{what}": no_swarm for what in (*_KINDS, "swarm", "swarm/unlockkey")}
    found |= {f"GET /{what}/{{id}}": no_swarm for what in _KINDS}
    found |= {f"GET /{what}/{{id}}/logs": no_swarm for what in ("services", "tasks")}
    found |= {f"DELETE /{what}/{{id}}": no_swarm for what in ("services", "nodes", "secrets", "configs")}
    found |= {f"POST /{what}/create": no_swarm for what in ("services", "secrets", "configs")}
    found |= {f"POST /{what}/{{id}}/update": no_swarm for what in ("services", "nodes", "secrets", "configs")}
    found |= {
        "POST /swarm/leave": not_in_swarm,
        "POST /swarm/update": no_swarm,
        "POST /swarm/unlock": no_swarm,
    }
    found |= {
        "GET /plugins": no_plugins,
        "GET /plugins/{image}/json": no_plugin,
        "DELETE /plugins/{image}": no_plugin,
    }
    found |= {
        f"POST /plugins/{{image}}/{what}": no_plugin
        for what in ("enable", "disable", "set", "push", "upgrade")
    }
    return found | {"POST /build": no_builder, "POST /session": no_builder, "POST /grpc": no_builder}
