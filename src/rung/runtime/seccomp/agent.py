"""SCMP_ACT_NOTIFY: the listener of a filter goes to the agent whom the configuration names.

config-linux.md#containerprocessstate: one connection for each filter, the state as JSON, the
descriptor beside its first bytes. From then on the agent answers for the kernel.
"""

from __future__ import annotations

from _socket import AF_UNIX, SCM_RIGHTS, SO_SNDTIMEO, SOCK_STREAM, SOL_SOCKET, socket
from struct import pack

from rung import jsonc
from rung.runtime.errors import RuntimeFailure
from rung.spec.runtime.rules_seccomp import listener_path

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rung.spec.runtime.config import Config

#: How long an agent may leave the connection waiting.
PATIENCE_S = 10


def inform(config: Config, listener: int, pid: int, state: dict[str, Any]) -> None:
    """Send ``listener``, the descriptor, and what ``pid`` and its container are. Raises
    ``RuntimeFailure`` where nobody takes it."""
    path = listener_path(config)
    connection = socket(AF_UNIX, SOCK_STREAM)
    try:
        connection.setsockopt(SOL_SOCKET, SO_SNDTIMEO, pack("@ll", PATIENCE_S, 0))
        connection.connect(f"\0{path[1:]}" if path[0] == "@" else path)
        message = jsonc.dumps(process_state(config, pid, state)).encode()
        sent = connection.sendmsg([message], [(SOL_SOCKET, SCM_RIGHTS, pack("=i", listener))])
        if sent < len(message):  # sendall of nothing asks the socket too, whose peer may have closed it by then
            connection.sendall(message[sent:])
    except OSError as error:
        why = str(error.strerror)
        if isinstance(error, BlockingIOError):
            why = f"it has not answered for {PATIENCE_S} s"
        raise RuntimeFailure("failed to connect with seccomp agent", f'"{path}"', why) from None
    finally:
        connection.close()


def process_state(config: Config, pid: int, state: dict[str, Any]) -> dict[str, Any]:
    """config-linux.md#containerprocessstate"""
    document = {"ociVersion": state["ociVersion"], "fds": ["seccompFd"], "pid": pid}
    metadata = config["linux"]["seccomp"].get("listenerMetadata")
    if metadata:
        document["metadata"] = metadata
    return {**document, "state": state}
