"""``create``: make a container that waits for ``start`` (runtime.md#create)."""

from __future__ import annotations

from rung.runtime.cli.options import Command
from rung.runtime.cli.process_flags import BUNDLE_FLAGS, create_options, tell_pidfd

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.runtime.cli.main import Call

COMMAND = Command(
    "create",
    "<container-id>",
    "make a container from a bundle; start runs its process",
    "# rung-runtime create --bundle /containers/web --pid-file /run/web.pid web1",
    BUNDLE_FLAGS,
    """\
The container gets this process's standard input, output and error, or, with a terminal
in its config.json, one that is sent to --console-socket.""",
    least=1,
    most=1,
)


def run(call: Call) -> int:
    options = call.options
    container = call.runtime().create(call.arguments[0], options["bundle"] or ".", **create_options(call))
    try:
        tell_pidfd(call, container)
    except BaseException:
        container.delete(force=True)
        raise
    return 0
