"""``/networks``."""

from __future__ import annotations

from rung.engine.docker.answers import Answer, document, empty
from rung.engine.docker.bodies import CONNECT, DISCONNECT, NETWORK
from rung.engine.docker.filters import carries, is_in
from rung.engine.docker.leases import lease_of
from rung.engine.docker.system import moment_ns
from rung.engine.errors import BadParameter, EngineError, NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from rung.engine.container import Container
    from rung.engine.docker.call import Call
    from rung.engine.docker.routes import Table
    from rung.engine.engine import Engine
    from rung.engine.network.network import Network

    Fits = Callable[[Engine, Network, str], bool]


def table(engine: Engine) -> Table:
    """The endpoints of this file."""
    networks = engine.networks

    async def list_them(call: Call) -> Answer:
        return document([one.view() for one in chosen(engine, call.filters())])

    async def inspect(call: Call) -> Answer:
        network = networks.get(call.words["id"])
        if call.query.get("scope") not in (None, "", "local"):  # there are no others
            raise NotFound(f"network {call.words['id']} not found")
        return document(networks.view(network))

    async def create(call: Call) -> Answer:
        asked = await call.document(NETWORK) or {}
        lease, _ = lease_of(engine, call)
        made = networks.create(asked, lease=lease.id if lease is not None else "")
        await networks.make_ready(made)
        engine.leases.settle(lease)
        return document({"Id": made.id, "Warning": ""}, 201)

    async def remove(call: Call) -> Answer:
        await networks.remove(networks.get(call.words["id"]))
        return empty()

    def both(call: Call, asked: Mapping[str, Any]) -> tuple[Network, Container]:
        """A container's name is looked up before the network's, as with Docker."""
        name = str(asked.get("Container") or "")
        if not name:
            raise BadParameter('invalid name or ID supplied: ""')
        container = engine.containers.get(name)
        return networks.get(call.words["id"]), container

    async def connect(call: Call) -> Answer:
        asked = await call.document(CONNECT) or {}
        network, container = both(call, asked)
        async with container.lock:
            await networks.join(container, network, dict(asked.get("EndpointConfig") or {}))
        return empty(200)

    async def disconnect(call: Call) -> Answer:
        asked = await call.document(DISCONNECT) or {}
        network, container = both(call, asked)
        async with container.lock:
            await networks.part(container, network, force=bool(asked.get("Force")))
        return empty(200)

    async def prune(call: Call) -> Answer:
        removed = []
        filters = call.filters()
        if strange := filters.keys() - {"label", "label!", "until"}:
            raise BadParameter(f"invalid filter '{strange.pop()}'")
        for one in list(chosen(engine, filters)):
            used = any(one.name in (*box.endpoints, box.network_mode) for box in engine.containers)
            if not one.predefined and not used:
                await networks.remove(one)
                removed.append(one.name)
        return document({"NetworksDeleted": removed or None})

    return {
        "GET /networks": list_them,
        "POST /networks/create": create,
        "POST /networks/prune": prune,
        "GET /networks/{id}": inspect,
        "DELETE /networks/{id}": remove,
        "POST /networks/{id}/connect": connect,
        "POST /networks/{id}/disconnect": disconnect,
    }


def _dangling(engine: Engine, one: Network, word: str) -> bool:
    return (not one.predefined and not engine.networks.users(one)) == (word.lower() in ("true", "1"))


FITS: dict[str, Fits] = {
    "driver": lambda _e, one, word: one.driver == word,
    "id": lambda _e, one, word: one.id.startswith(word),
    "label!": lambda _e, one, word: not carries(one.labels, [word]),
    "name": lambda _e, one, word: is_in(word, one.name),
    "scope": lambda _e, one, word: word == "local",
    "type": lambda _e, one, word: one.predefined == (word == "builtin"),
    "dangling": _dangling,
    "until": lambda _e, one, word: one.created_ns < (moment_ns(word) or 0),
}


def chosen(engine: Engine, filters: dict[str, list[str]]) -> list[Network]:
    """Those that fit. Raises ``BadParameter`` for a filter that there is not."""
    found: list[Network] = list(engine.networks)
    for name, words in filters.items():
        if name == "label":
            found = [one for one in found if carries(one.labels, words)]
            continue
        fits = FITS.get(name)
        if fits is None:
            raise BadParameter(f"invalid filter '{name}'")
        if name == "dangling" and "".join(words[:1]).lower() not in ("0", "1", "true", "false"):
            raise BadParameter(
                'invalid value for filter \'dangling\', must be "true" (or "1"), or "false" (or "0")'
            )
        if name == "type" and (strange := set(words) - {"builtin", "custom"}):
            raise EngineError(f"invalid filter: 'type'='{strange.pop()}'")
        found = [one for one in found if any(fits(engine, one, word) for word in words)]
    return found
