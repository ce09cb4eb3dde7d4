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
    (
        Flag(("force", "f"), "bool", "kill it first if it runs; no error if it is not there", False),
        Flag(("regex", "r"), "bool", "all containers whose id the regular expression is found in", False),
    ),
    "A container that was created and never started is killed and deleted.",
    least=1,
    most=1,
)


def run(call: Call) -> int:
    from rung.runtime.errors import ContainerNotFound

    force, runtime = call.options["force"], call.runtime()
    ids = call.arguments
    if call.options["regex"]:
        from rung.runtime.cli.chosen import chosen

        ids = chosen(runtime, ids[0])
    for container_id in ids:
        try:
            runtime.get(container_id).delete(force=force)
        except ContainerNotFound:
            if not force:
                raise
    return 0
