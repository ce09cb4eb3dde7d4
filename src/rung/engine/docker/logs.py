"""``logs``: a container's output, as it was and as it comes."""

from __future__ import annotations

from rung.engine.docker.answers import Streamed
from rung.engine.docker.attach import kind_of
from rung.engine.docker.system import epoch_ns
from rung.engine.errors import BadParameter, SwitchedOff
from rung.engine.logs import Ask, read

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.engine.docker.call import Call
    from rung.engine.docker.routes import Table
    from rung.engine.engine import Engine


def table(engine: Engine) -> Table:
    """The endpoints of this file."""

    async def logs(call: Call) -> Streamed:
        container = engine.containers.get(call.words["id"])
        ask = asked(call)
        if (container.host.get("LogConfig") or {}).get("Type") == "none":
            raise SwitchedOff("configured logging driver does not support reading")
        return Streamed(
            read(engine, container.id, ask, terminal=container.terminal), kind_of(call, container.terminal)
        )

    return {"GET /containers/{id}/logs": logs}


def asked(call: Call) -> Ask:
    """What the query says. Raises ``BadParameter``."""
    stdout, stderr = call.flag("stdout"), call.flag("stderr")
    if not (stdout or stderr):
        raise BadParameter("Bad parameters: you must choose at least one stream")
    tail = call.query.get("tail") or "all"
    return Ask(
        stdout=stdout,
        stderr=stderr,
        follow=call.flag("follow"),
        timestamps=call.flag("timestamps"),
        details=call.flag("details"),
        tail=int(tail) if tail.isdecimal() else -1,
        since_ns=epoch_ns(call.query.get("since")),
        until_ns=epoch_ns(call.query.get("until")),
    )
