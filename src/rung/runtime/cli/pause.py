"""``pause``: suspend all processes of a container (the cgroup freezer)."""

from __future__ import annotations

from rung.runtime.cli.options import Command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.runtime.cli.main import Call

COMMAND = Command(
    "pause",
    "<container-id>",
    "suspend all processes of a container",
    "# rung-runtime pause web1",
    least=1,
    most=1,
)


def run(call: Call) -> int:
    call.runtime().get(call.arguments[0]).pause()
    return 0
