"""``delete``: take away what a stopped container holds (runtime.md#delete)."""

from __future__ import annotations

from rung.runtime.cli.options import Command, Flag

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.runtime.cli.main import Call

COMMAND = Command(
    "delete",
    "<container-id>",
    "take away what a stopped container holds",
    "# rung-runtime delete web1",
    (Flag(("force", "f"), "bool", "kill it first if it runs; no error if it is not there", False),),
    "A container that was created and never started is killed and deleted.",
    least=1,
    most=1,
)


def run(call: Call) -> int:
    from rung.runtime.errors import ContainerNotFound

    force = call.options["force"]
    try:
        call.runtime().get(call.arguments[0]).delete(force=force)
    except ContainerNotFound:
        if not force:
            raise
    return 0
