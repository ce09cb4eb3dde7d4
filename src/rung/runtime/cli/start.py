"""``start``: let a created container's process go (runtime.md#start)."""

from __future__ import annotations

from rung.runtime.cli.options import Command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.runtime.cli.main import Call

COMMAND = Command(
    "start",
    "<container-id>",
    "run the process of a created container",
    "# rung-runtime create --bundle /containers/web web1\n# rung-runtime start web1",
    least=1,
    most=1,
)


def run(call: Call) -> int:
    call.runtime().get(call.arguments[0]).start()
    return 0
