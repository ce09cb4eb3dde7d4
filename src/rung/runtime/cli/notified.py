"""``start`` and ``run`` where a service manager waits to hear that the container is ready (NOTIFY_SOCKET)."""

from __future__ import annotations

from rung import posix
from rung.runtime.errors import RuntimeFailure
from rung.runtime.notify import Notifier

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.runtime import Container
    from rung.runtime.cli.main import Call


def start(call: Call, container: Container, manager: str, *, stay: bool = False) -> None:
    """Start it. The manager is told when it is ready: before this returns or, if the caller stays with
    the container, meanwhile. One that was created without the manager's variable is just started."""
    if not posix.isdir(container.notify_directory):
        container.start()
        return
    notifier = Notifier(manager, container.notify_directory)
    pid = container.pid
    container.start()

    def forward() -> None:
        try:
            notifier.forward(pid, posix.getpid() if stay else pid)
        except RuntimeFailure as error:
            call.warn(str(error))

    if stay:
        import _thread

        _thread.start_new_thread(forward, ())
    else:
        forward()
