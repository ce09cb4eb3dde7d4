"""``run``: create and start a container and stay with it until it ends.

The exit status is the workload's. Afterwards the container is deleted, unless ``--keep``
says otherwise; with ``--detach`` it is left to run.
"""

from __future__ import annotations

from rung import posix
from rung.errors import RungError
from rung.runtime.cli.options import Command, Flag
from rung.runtime.cli.process_flags import BUNDLE_FLAGS, DETACH, create_options, tell_pidfd
from rung.runtime.errors import ContainerNotFound, ExecError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.runtime import Container, Foreground
    from rung.runtime.cli.main import Call

COMMAND = Command(
    "run",
    "<container-id>",
    "create and start a container",
    "# rung-runtime run --bundle /containers/web web1",
    (
        *BUNDLE_FLAGS,
        DETACH,
        Flag(("keep",), "bool", "do not delete the container when it has ended", False),
        Flag(("no-subreaper",), "bool", "no effect: orphans of the container go to the host's init", False),
    ),
    least=1,
    most=1,
)


def run(call: Call) -> int:
    options = call.options
    bundle = options["bundle"] or "."
    if options["detach"]:
        container = call.runtime().create(call.arguments[0], bundle, **create_options(call))
        _start(call, container, keep=False)
        return 0
    return _stay(call, bundle)


def _stay(call: Call, bundle: str) -> int:
    from rung.runtime.foreground import Foreground

    options = call.options
    if options["console-socket"]:
        raise RungError("use --console-socket", options["console-socket"], "it goes with --detach only")
    with Foreground(terminal=wants_terminal(options["config"] or f"{bundle}/config.json")) as foreground:
        container = call.runtime().create(
            call.arguments[0], bundle, console_fd=foreground.console_fd, **create_options(call)
        )
        try:
            _start(call, container, keep=options["keep"], foreground=foreground)
        except ExecError as error:  # which the container has said itself, where its output goes
            call.record(str(error))
            return 1
        try:
            return foreground.stay(container)
        finally:
            if not options["keep"]:
                delete(container)


def _start(call: Call, container: Container, *, keep: bool, foreground: Foreground | None = None) -> None:
    try:
        if foreground is not None:
            foreground.receive_console()
        tell_pidfd(call, container)
        manager = posix.getenv("NOTIFY_SOCKET")
        if manager:
            from rung.runtime.cli.notified import start

            start(call, container, manager, stay=foreground is not None)
        else:
            container.start()
    except BaseException:
        if not keep:
            delete(container)
        if foreground is not None:
            foreground.last_words()
        raise


def delete(container: Container) -> None:
    """Take it away, unless a poststart hook that failed or a checkpoint has done so."""
    try:
        container.delete(force=True)
    except ContainerNotFound:
        return


def wants_terminal(config_file: str) -> bool:
    """``process.terminal`` of the configuration. What is wrong with a configuration
    is said by create, which reads it next."""
    from rung import jsonc
    from rung.files import read_file

    try:
        text = read_file(config_file)
        process = jsonc.loads(text).get("process") if b'"terminal"' in text else None
    except (OSError, ValueError, AttributeError):
        return False
    return isinstance(process, dict) and process.get("terminal") is True
