"""``state``: what a container is now, as JSON (runtime.md#query-state)."""

from __future__ import annotations

from rung.runtime.cli.json_text import indented
from rung.runtime.cli.log import write_all
from rung.runtime.cli.options import Command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.runtime.cli.main import Call

COMMAND = Command(
    "state",
    "<container-id>",
    "print the state of a container",
    "# rung-runtime state web1",
    least=1,
    most=1,
)


def run(call: Call) -> int:
    state = call.runtime().get(call.arguments[0]).state()
    write_all(1, indented(state, "  ") + "\n")
    return 0
