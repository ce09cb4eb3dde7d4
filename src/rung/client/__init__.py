"""The Python library: containers from Python, in the words that docker-py's users know.

    aio/       written by hand: AsyncClient, its containers, images, networks, volumes, and sandboxes
    blocking/  the same without ``async``, made by tools/unasync.py; only link.py is written by hand
    words.py   keyword arguments -> what the API is asked;  frames.py, documents.py, tars.py: its formats

Rule: everything but the two link.py is either pure or says ``await`` at each answer it waits for.
Names are imported when they are asked for: ``import rung`` loads nothing of this.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.client.aio.client import AsyncClient
    from rung.client.aio.sandbox import AsyncSandbox, sandbox
    from rung.client.blocking.client import Client
    from rung.client.blocking.sandbox import Sandbox
    from rung.client.errors import (
        ApiError,
        BadRequest,
        ClientError,
        Conflict,
        ContainerFailed,
        ExecFailed,
        Forbidden,
        NotFound,
        ServerError,
        TooLarge,
        TransferFailed,
        Unreachable,
    )
    from rung.client.frames import Frames

_WHERE = {
    "AsyncClient": "rung.client.aio.client",
    "AsyncSandbox": "rung.client.aio.sandbox",
    "Client": "rung.client.blocking.client",
    "Frames": "rung.client.frames",
    "Sandbox": "rung.client.blocking.sandbox",
    "sandbox": "rung.client.aio.sandbox",
}

__all__ = [
    "ApiError",
    "AsyncClient",
    "AsyncSandbox",
    "BadRequest",
    "Client",
    "ClientError",
    "Conflict",
    "ContainerFailed",
    "ExecFailed",
    "Forbidden",
    "Frames",
    "NotFound",
    "Sandbox",
    "ServerError",
    "TooLarge",
    "TransferFailed",
    "Unreachable",
    "sandbox",
]


def __getattr__(name: str) -> object:
    if name not in __all__:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(__import__(_WHERE.get(name, "rung.client.errors"), fromlist=[name]), name)
