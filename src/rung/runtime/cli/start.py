"""``start``: let a created container's process go (runtime.md#start)."""

from __future__ import annotations

from rung import posix
from rung.runtime.cli.options import Command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.runtime.cli.main import Call

COMMAND = Command(
    "start",
    "<container-id>",
    "run the process of a created container",
    "# rung-runtime create --bundle /containers/web web1\n# rung-runtime start web1",
    description="Where NOTIFY_SOCKET is set, and was when it was created, this waits until the container says READY=1.",
    least=1,
    most=1,
)


def run(call: Call) -> int:
    container = call.runtime().get(call.arguments[0])
    manager = posix.getenv("NOTIFY_SOCKET")
    if manager:
        from rung.runtime.cli.notified import start

        start(call, container, manager)
    else:
        container.start()
    return 0
