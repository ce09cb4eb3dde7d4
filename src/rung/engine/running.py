"""A container that has a shim: the connection to it, who waits for what, and its execs."""

from __future__ import annotations

import asyncio
import os
import signal

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.engine.execs import Exec
    from rung.engine.shims.client import Client


class Running:
    """``exited`` is done with the exit status; ``gone`` when all that the run used has been taken away."""

    def __init__(self, client: Client) -> None:
        self.client = client
        loop = asyncio.get_running_loop()
        self.exited: asyncio.Future[int] = loop.create_future()
        self.gone: asyncio.Future[None] = loop.create_future()
        #: On the clock that nobody sets, of ``lasted_s``.
        self.began_s = loop.time()
        self.execs: dict[str, Exec] = {}
        self.shim_pid = 0
        #: The ``traceparent`` of what has begun the run; what comes of it is told below that.
        self.trace = ""

    def kill_shim(self) -> None:
        """End a shim that does not answer. It is there as long as the connection is, so the pid is its own."""
        if not self.shim_pid:
            return
        try:
            shim = os.pidfd_open(self.shim_pid)
        except ProcessLookupError:
            return
        try:
            if self.client.is_connected:
                signal.pidfd_send_signal(shim, signal.SIGKILL)
        except ProcessLookupError:
            return
        finally:
            os.close(shim)

    def lasted_s(self) -> float:
        """How long it has run, whatever becomes of the time of day meanwhile."""
        return asyncio.get_running_loop().time() - self.began_s
