"""``resume``: let the processes of a paused container go on."""

from __future__ import annotations

from rung.runtime.cli.options import Command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.runtime.cli.main import Call

COMMAND = Command(
    "resume",
    "<container-id>",
    "let the processes of a paused container go on",
    "# rung-runtime resume web1",
    least=1,
    most=1,
)


def run(call: Call) -> int:
    call.runtime().get(call.arguments[0]).resume()
    return 0
