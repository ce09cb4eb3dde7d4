"""``/rung/leases``: owners of what is created, whose end removes it. Rung's own; Docker's API has nothing of the kind.

    POST   /rung/leases/create      {"Labels": {}, "ExpiresIn": 60, "Connection": true}  ->  201 {"Id": ...}
    GET    /rung/leases             all of them, with what they own
    GET    /rung/leases/{id}        one
    POST   /rung/leases/{id}/renew  {"ExpiresIn": 60}
    POST   /rung/leases/{id}/hold   after a restart of the engine: it is bound to this connection from now on
    DELETE /rung/leases/{id}        removes what it owns, and then it; answers when that is done

With ``Connection`` the lease ends when the connection that this request came on is closed. Requests that create
containers, networks and volumes name the lease in a header: ``Rung-Lease: ID``, or ``Rung-Lease: connection`` for one
of the request's own connection. ``; until=start`` behind it lets go of a container that starts. docker sends the header
with ``"HttpHeaders": {"Rung-Lease": "ID"}`` in its ``config.json``.
"""

from __future__ import annotations

from rung.engine.docker.answers import Answer, document, empty
from rung.engine.docker.bodies import LEASE
from rung.engine.errors import BadParameter
from rung.engine.leases import wanted
from rung.spec.jsonfile import timestamp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rung.engine.docker.call import Call
    from rung.engine.docker.routes import Table
    from rung.engine.engine import Engine
    from rung.engine.leases import Lease

#: Of a lease that is bound to a time.
LONGEST_S = 366 * 86400


def table(engine: Engine) -> Table:
    """The endpoints of this file."""
    leases = engine.leases

    async def create(call: Call) -> Answer:
        asked = await call.document(LEASE) or {}
        of_connection = bool(asked.get("Connection"))
        seconds = _seconds(asked)
        pid = call.link.peer_pid if of_connection else 0
        made = leases.create(
            labels=asked.get("Labels"), expires_in_s=seconds, of_connection=of_connection, pid=pid
        )
        if of_connection:
            call.link.when_closed(lambda: leases.end_later(made))
        return document(view(engine, made), 201)

    async def list_them(call: Call) -> Answer:
        return document([view(engine, one) for one in leases])

    async def inspect(call: Call) -> Answer:
        return document(view(engine, leases.get(call.words["id"])))

    async def renew(call: Call) -> Answer:
        lease = leases.get(call.words["id"])
        leases.renew(lease, _seconds(await call.document(LEASE) or {}))
        return document(view(engine, lease))

    async def hold(call: Call) -> Answer:
        lease = leases.get(call.words["id"])
        leases.hold(lease, call.link.peer_pid)
        call.link.when_closed(lambda: leases.end_later(lease))
        return document(view(engine, lease))

    async def remove(call: Call) -> Answer:
        await leases.end(leases.get(call.words["id"]))
        return empty()

    return {
        "POST /rung/leases/create": create,
        "GET /rung/leases": list_them,
        "GET /rung/leases/{id}": inspect,
        "POST /rung/leases/{id}/renew": renew,
        "POST /rung/leases/{id}/hold": hold,
        "DELETE /rung/leases/{id}": remove,
    }


def lease_of(engine: Engine, call: Call) -> tuple[Lease | None, bool]:
    """The lease that a request names, and whether a container's start is its end. Raises ``BadParameter``,
    ``NotFound``."""
    text = call.request.get("rung-lease")
    return wanted(engine, text, lambda: call.link.own_lease(engine.leases)) if text else (None, False)


def _seconds(asked: dict[str, Any]) -> float:
    seconds = asked.get("ExpiresIn") or 0
    if not 0 <= seconds <= LONGEST_S:
        raise BadParameter(f"ExpiresIn {seconds}: a lease lives for 0 (no end) to {LONGEST_S} seconds")
    return float(seconds)


def view(engine: Engine, lease: Lease) -> dict[str, Any]:
    """One of them, and what it owns."""
    owned = engine.leases.owned(lease)
    return {
        "Id": lease.id,
        "Created": timestamp(lease.created_ns),
        "Expires": timestamp(int(lease.expires_s * 1e9)) if lease.expires_s else "",
        "Connection": lease.of_connection,
        "Labels": lease.labels,
        "Containers": owned["containers"],
        "Networks": owned["networks"],
        "Volumes": owned["volumes"],
    }
