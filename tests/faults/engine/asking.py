"""Requests at random that no client would send: bodies after the types that the engine reads (``docker/bodies.py``), with
fields that are wrong, huge, missing, there twice or of another type; filters of any shape."""

from __future__ import annotations

import http.client
import json
import socket
from typing import Any
from urllib.parse import quote

from hypothesis import strategies as st

from rung.engine.docker.typed import Kind

DEADLINE_S = 60.0
#: None of them is a path that could be made on this machine.
WORDS = [
    *("", " ", "x", "X", "no", "host", "none", "bridge", "default", "container:nobody", "container:", "service:x", "busybox:test"),
    *("a:b", "a:/b", ":", ":::", "a:/b:c", "/:/", "../..", "/proc/self/mem", "a/b", "-", ".", "sha256:0", "\0", "\n", "\t=", "=", "a=b", "ä", "\U0001f600"),
    *("1", "0", "-1", "1.5", "1e9", "99999999999999999999", "0-99999", "3-1", "1/tcp", "70000/tcp", "1-2/sctp", "1/x", "CMD", "NONE"),
    *("10.0.0.0/8", "10.1.0.0/33", "300.1.1.1", "::1/129", "fd00::/64", "fe80::1", "02:42:00:00:00:00", "zz:zz", "RTMIN+99", "SIGX", "always", "on-failure"),
    *("ALL", "CAP_X", "local", "tmpfs", "bind", "volume", "npipe", "private", "shareable", "rprivate", "json-file", "seccomp=x", "label:disable", "%s%n", "y" * 300, "[", "(", "*", "\\"),
    "z" * 3000,
]
NUMBERS = [0, 1, -1, 2, 7, 1000, 65535, 65536, 1 << 31, -(1 << 31), 1 << 40, (1 << 63) - 1, -(1 << 63), 1 << 63, (1 << 64) - 1, 1 << 70, 0.5, 1e300]
words, numbers = st.sampled_from(WORDS), st.sampled_from(NUMBERS)
#: Of no type in particular.
anything = st.recursive(
    st.one_of(st.none(), st.booleans(), words, numbers),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(words, inner, max_size=3)),
    max_leaves=5,
)


class Twice(dict[str, Any]):
    """An object that says its first field again at its end."""


def of(kind: Kind) -> st.SearchStrategy[Any]:
    """A value as it may be read; one in twenty is of another type."""
    right = _right(kind)
    return st.integers(0, 19).flatmap(lambda chance: anything if chance == 0 else right)


def _right(kind: Kind) -> st.SearchStrategy[Any]:
    if kind.base == "bool":
        return st.booleans()
    if kind.base == "string":
        return words
    if kind.base == "words":
        return st.one_of(words, st.lists(words, max_size=3))
    if kind.base == "any":
        return anything
    if kind.base == "list" and kind.inner:
        return st.lists(st.one_of(st.none(), of(kind.inner), of(kind.inner)), max_size=3)
    if kind.base == "map" and kind.inner:
        return st.dictionaries(words, st.one_of(st.none(), of(kind.inner), of(kind.inner)), max_size=3)
    if kind.base == "struct":
        return _struct(kind)
    return numbers


def _struct(kind: Kind) -> st.SearchStrategy[Any]:
    fields = {name: inner for name, (_, inner) in (kind.members or {}).items()}
    if not fields:
        return st.just({})

    @st.composite
    def some(draw: st.DrawFn) -> Any:
        chosen = draw(st.lists(st.sampled_from(sorted(fields)), max_size=4, unique=True))
        made = {name: draw(of(fields[name])) for name in chosen}
        return Twice(made) if draw(st.integers(0, 9)) == 0 else made

    return some()


def text_of(value: Any) -> str:
    """JSON; ``Twice`` is not what ``json`` would write."""
    if isinstance(value, dict):
        pairs = [*value.items(), *(list(value.items())[:1] if isinstance(value, Twice) else [])]
        return "{" + ",".join(f"{json.dumps(name)}:{text_of(one)}" for name, one in pairs) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(text_of, value)) + "]"
    return json.dumps(value)


class Asker(http.client.HTTPConnection):
    """A connection to an engine's socket."""

    def __init__(self, path: str) -> None:
        super().__init__("engine", timeout=DEADLINE_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)

    def ask(self, method: str, path: str, body: str | None = None, **query: str) -> tuple[int, Any]:
        """Status and document of an answer."""
        if query:
            path += "?" + "&".join(f"{name}={quote(value, safe='')}" for name, value in query.items())
        headers = {"Content-Type": "application/json"} if body is not None else {}
        self.request(method, path, None if body is None else body.encode(), headers)
        with self.getresponse() as answer:
            said = answer.read()
            try:
                return answer.status, json.loads(said) if said else None
            except ValueError:
                return answer.status, said
