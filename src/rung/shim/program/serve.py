"""``serve``: the shim itself, which the launcher begins for ``start`` when the socket listens already.

It is no action of containerd's: ``runtime/launcher/start.c`` gives the flags of ``start``, and what it has found out.
"""

from __future__ import annotations

from rung import posix
from rung.errors import RungError
from rung.shim.beginning import Keep
from rung.shim.keeper import keep, prepare

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.shim.program.main import Arguments


def serve(arguments: Arguments) -> int:
    """Returns when nobody wants the shim any more: 0. The working directory is the bundle."""
    if not arguments.listening.isdecimal():
        raise RungError("serve", "", "is what start begins", "start")
    listening = int(arguments.listening)
    posix.set_inheritable(listening, False)
    events = arguments.events or posix.getenv("TTRPC_ADDRESS")
    keep(Keep(arguments.socket, arguments.namespace, events, f"{posix.getcwd()}/log"), listening, prepare())
    return 0
