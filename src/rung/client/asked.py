"""What a request says: its target, its body, where the engine is."""

from __future__ import annotations

import os
from collections.abc import Mapping
from urllib.parse import quote, urlencode

from rung import jsonc
from rung.client.errors import Unreachable

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any, BinaryIO

    #: A request's body: a document, bytes, or bytes as they come.
    Body = Mapping[str, Any] | bytes | BinaryIO | Iterable[bytes]

VERSION = "v1.47"
_PIECE = 1 << 16


def socket_path(base_url: str | None, environ: Mapping[str, str] = os.environ) -> str:
    """Where the engine listens: as told, as ``RUNG_HOST`` says, or at its usual place. Raises ``Unreachable``."""
    address = base_url or environ.get("RUNG_HOST") or _usual(environ)
    scheme, colon, path = address.partition("://")
    if not colon:
        return address
    if scheme != "unix":
        raise Unreachable("connect to", address, "only unix sockets are spoken to", "unix:///run/rung/rung.sock")
    return path


def _usual(environ: Mapping[str, str]) -> str:
    own = environ.get("XDG_RUNTIME_DIR")
    return f"{own}/rung/rung.sock" if os.geteuid() and own else "/run/rung/rung.sock"


def target(path: str, query: Mapping[str, Any] | None = None) -> str:
    """A path and a query as they travel; what is None or False is left out."""
    pairs = [(name, _word(value)) for name, value in (query or {}).items() if value is not None and value is not False]
    words = [(name, each) for name, value in pairs for each in (value if isinstance(value, list) else [value])]
    found = f"/{VERSION}{quote(path, safe='/:@')}"
    return f"{found}?{urlencode(words)}" if words else found


def _word(value: Any) -> Any:
    if value is True:
        return "1"
    return jsonc.dumps(value) if isinstance(value, dict) else value


def filters(given: Mapping[str, Any] | None) -> dict[str, list[str]] | None:
    """``{"label": "a", "dangling": True}`` as the API has it: lists of words."""
    if not given:
        return None
    found = {}
    for name, value in given.items():
        words = value if isinstance(value, (list, tuple)) else [value]
        found[name] = [str(word).lower() if isinstance(word, bool) else str(word) for word in words]
    return found


def encoded(body: Body | None) -> tuple[list[tuple[str, str]], int | None, Iterator[bytes]]:
    """A body's header fields, its length (None: not known), and its bytes."""
    if body is None:
        return [], 0, iter(())
    if isinstance(body, Mapping):
        data = jsonc.dumps(dict(body)).encode()
        return [("Content-Type", "application/json")], len(data), iter((data,))
    kind = [("Content-Type", "application/x-tar")]
    if isinstance(body, bytes):
        return kind, len(body), iter((body,))
    read = getattr(body, "read", None)
    return kind, None, iter(body) if read is None else iter(lambda: read(_PIECE), b"")


def authorization(given: Mapping[str, str] | None) -> list[tuple[str, str]]:
    """``X-Registry-Auth`` for a registry's login: ``username``, ``password``, or ``identitytoken``."""
    if not given:
        return []
    from base64 import urlsafe_b64encode

    return [("X-Registry-Auth", urlsafe_b64encode(jsonc.dumps(dict(given)).encode()).decode())]


def name_and_tag(name: str, tag: str | None = None) -> tuple[str, str]:
    """``host:5000/image:1`` -> (``host:5000/image``, ``1``); ``latest`` where nothing says another."""
    bare, at, digest = name.partition("@")
    if at:
        return bare, tag or digest
    head, slash, last = name.rpartition("/")
    last, _, own = last.partition(":")
    return f"{head}{slash}{last}", tag or own or "latest"
