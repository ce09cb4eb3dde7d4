"""The worker's side: one request carried out, with the shim as the parent of what is born."""

from __future__ import annotations

from _socket import CMSG_SPACE, MSG_CMSG_CLOEXEC, MSG_NOSIGNAL, SCM_RIGHTS, SOL_SOCKET

from rung import jsonc, posix
from rung.errors import RungError
from rung.runtime import CallerGone, Parent, RemoteParent, peer, use_parent
from rung.shim.errors import code_of
from rung.shim.runtimes import Settings, Started
from rung.shim.runtimes.own import Own
from rung.shim.stdio.streams import Ends
from rung.shim.worker import BEGUN, END, FDS_MAX, REQUEST_MAX, VERSION

TYPE_CHECKING = False
if TYPE_CHECKING:
    from _socket import socket
    from typing import Any

#: What a shim may ask for: the methods of ``Own`` that need nothing of its own process.
OPERATIONS = frozenset(
    ("create", "start", "exec", "kill", "pause", "resume", "update", "pids", "stats", "delete")
)


class Shim(RemoteParent):
    """The shim that asks."""

    def reap(self, pid: int) -> None:
        """It does, as with all that it has not been told of (``loop.py``)."""


def serve(connection: socket) -> None:
    """Carry out what comes, or hang up: then the shim does it itself."""
    request, fds = _receive(connection)
    try:
        if request is None or peer(connection)[1] != posix.geteuid():
            return
        connection.send(BEGUN, MSG_NOSIGNAL)  # fails where the shim has lost its patience
        use_parent(Shim(connection))
        _answer(connection, request, fds)
    except (OSError, CallerGone):
        return  # the shim has died; what was begun for it is undone
    finally:
        use_parent(Parent())
        for fd in fds:
            posix.close(fd)


def _receive(connection: socket) -> tuple[dict[str, Any] | None, list[int]]:
    """A request and its descriptors; None where it is not for this version, or is none."""
    try:
        message, control, _, _ = connection.recvmsg(REQUEST_MAX, CMSG_SPACE(4 * FDS_MAX), MSG_CMSG_CLOEXEC)
    except OSError:
        return None, []
    fds = [
        int.from_bytes(data[at : at + 4], "little")
        for level, kind, data in control
        if (level, kind) == (SOL_SOCKET, SCM_RIGHTS)
        for at in range(0, len(data) - 3, 4)
    ]
    try:
        request = jsonc.loads(message)
        served = request["version"] == VERSION and request["operation"] in OPERATIONS
    except (ValueError, TypeError, KeyError):
        served = False
    return request if served else None, fds


def _answer(connection: socket, request: dict[str, Any], fds: list[int]) -> None:
    console = -1
    outcome: dict[str, Any]
    try:
        found = _carry_out(request, fds)
        if isinstance(found, Started):
            console = found.console
        outcome = {"value": found.pid if isinstance(found, Started) else found}
    except Exception as error:  # noqa: BLE001 - the caller gets it, whatever it is
        outcome = {"error": str(error) or type(error).__name__, "code": code_of(error)}
    rights = [(SOL_SOCKET, SCM_RIGHTS, console.to_bytes(4, "little"))] if console >= 0 else []
    try:
        connection.sendmsg([END + jsonc.dumps(outcome).encode()], rights, MSG_NOSIGNAL)
    except OSError:
        _undo(request, outcome)
        raise
    finally:
        if console >= 0:
            posix.close(console)


def _undo(request: dict[str, Any], outcome: dict[str, Any]) -> None:
    """The shim has died, and what the engine has cleared away since may be older than this container."""
    if request["operation"] == "create" and "value" in outcome:
        try:
            Own(request["id"], Settings(**request["settings"])).delete(force=True)
        except RungError:
            return  # the engine was there first


def _carry_out(request: dict[str, Any], fds: list[int]) -> Any:
    own = Own(request["id"], Settings(**request["settings"]))
    own.parent = request["parent"]
    if request.get("story"):
        own.keep_story(request["story"])
    arguments = [*request["arguments"]]
    if "terminal" in request:
        arguments.append(Ends(terminal=True) if request["terminal"] else Ends(fds[0], fds[1], fds[2]))
    return getattr(own, request["operation"])(*arguments, **request["named"])
