"""``restore``: make a container again from its bundle and what checkpoint has saved.

As with ``run``, the exit status is the workload's, and the container is deleted when it has
ended; with ``--detach`` it is left to run.
"""

from __future__ import annotations

from rung import posix
from rung.errors import RungError
from rung.runtime.cli.criu_flags import FLAGS, criu_options
from rung.runtime.cli.options import Command, Flag
from rung.runtime.cli.process_flags import CONSOLE_SOCKET, DETACH, PID_FILE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rung.runtime.checkpoint.options import RestoreOptions
    from rung.runtime.cli.main import Call

COMMAND = Command(
    "restore",
    "<container-id>",
    "make a container again that checkpoint has saved",
    "# rung-runtime restore --bundle /containers/web --image-path /var/lib/saved/web1 --detach web1",
    (
        Flag(("bundle", "b"), "text", "the bundle's directory (default: the current one)", ""),
        CONSOLE_SOCKET,
        PID_FILE,
        DETACH,
        *FLAGS,
        Flag(("tcp-close",), "bool", "restore open TCP connections as closed ones", False),
        Flag(("lsm-profile",), "text", "security module's profile to restore with, TYPE:NAME", ""),
        Flag(("lsm-mount-context",), "text", "security module's context of mounts to restore with", ""),
        Flag(("no-pivot",), "bool", "no effect: CRIU makes the mounts", False),
        Flag(("no-subreaper",), "bool", "no effect: orphans of the container go to the host's init", False),
    ),
    least=1,
    most=1,
)


def run(call: Call) -> int:
    options = call.options
    bundle = options["bundle"] or "."
    if options["detach"]:
        call.runtime().restore(call.arguments[0], bundle, _wanted(options, -1))
        return 0
    from rung.runtime.cli.run import delete, wants_terminal
    from rung.runtime.foreground import Foreground

    if options["console-socket"]:
        raise RungError("use --console-socket", options["console-socket"], "it goes with --detach only")
    with Foreground(terminal=wants_terminal(f"{bundle}/config.json")) as foreground:
        container = call.runtime().restore(call.arguments[0], bundle, _wanted(options, foreground.console_fd))
        try:
            return foreground.stay(container)
        finally:
            delete(container)


def _wanted(options: dict[str, Any], console_fd: int) -> RestoreOptions:
    from rung.runtime.checkpoint.options import RestoreOptions

    return RestoreOptions(
        **criu_options(options),
        tcp_close=options["tcp-close"],
        lsm_profile=options["lsm-profile"],
        lsm_mount_context=options["lsm-mount-context"],
        console_socket=options["console-socket"],
        console_fd=console_fd,
        pid_file=posix.abspath(options["pid-file"]) if options["pid-file"] else "",
    )
