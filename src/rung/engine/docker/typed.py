"""Bodies of requests, read as Go reads them into its structs: names in any letters, what is unknown left out, what has
another type refused in Go's words.

Rule: which fields there are is data (``bodies.py``); a field that is not in its table does not reach the engine.
"""

from __future__ import annotations

from rung.engine.errors import BadParameter
from rung.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

_INTEGERS = {
    "int": (-(1 << 63), (1 << 63) - 1),
    "int64": (-(1 << 63), (1 << 63) - 1),
    "uint16": (0, (1 << 16) - 1),
    "uint32": (0, (1 << 32) - 1),
    "uint": (0, (1 << 64) - 1),
    "uint64": (0, (1 << 64) - 1),
}


class Kind(Record):
    """A Go type. ``base``: string, bool, one of the integers, list, words (a list, or one word), map, struct, any.

    ``members``: name -> (the embedded structs on the way, with dots; its kind)."""

    base: str
    shown: str
    inner: Kind | None = None
    name: str = ""
    members: Mapping[str, tuple[str, Kind]] | None = None


class _Path:
    """Where the reading is, as Go's errors tell it, and the first thing that was wrong."""

    def __init__(self) -> None:
        self.struct = ""
        self.stack: list[str] = []
        self.wrong = ""

    def refuse(self, what: str, kind: Kind) -> None:
        place = f"struct field {self.struct}.{'.'.join(self.stack)} of" if self.stack else "value of"
        self.wrong = self.wrong or f"json: cannot unmarshal {what} into Go {place} type {kind.shown}"


def read(kind: Kind, value: Any) -> Any:
    """The value with its fields' own names. Raises ``BadParameter``."""
    path = _Path()
    found = _read(kind, value, path)
    if path.wrong:
        raise BadParameter(path.wrong)
    return found


def _word(value: Any) -> str:
    kinds: tuple[tuple[type, str], ...] = ((bool, "bool"), (str, "string"), (dict, "object"), (list, "array"))
    return next((word for kind, word in kinds if isinstance(value, kind)), "number")


def _read(kind: Kind, value: Any, path: _Path) -> Any:
    if value is None or kind.base == "any":
        return value
    if kind.base in _INTEGERS:
        return _integer(kind, value, path)
    return _READERS[kind.base](kind, value, path)


def _scalar(kind: Kind, value: Any, path: _Path) -> Any:
    if type(value) is not (str if kind.base == "string" else bool):
        path.refuse(_word(value), kind)
        return None
    return value


def _integer(kind: Kind, value: Any, path: _Path) -> Any:
    if isinstance(value, bool) or not isinstance(value, (int, float)):
        path.refuse(_word(value), kind)
        return None
    least, most = _INTEGERS[kind.base]
    if not isinstance(value, int) or not least <= value <= most:
        path.refuse(f"number {value}", kind)
        return None
    return value


def _empty(kind: Kind) -> Any:
    """What ``null`` is in a list: Go's zero value."""
    if kind.base in _INTEGERS:
        return 0
    return {"string": "", "bool": False, "struct": {}, "list": [], "map": {}, "words": []}.get(kind.base)


def _list(kind: Kind, value: Any, path: _Path) -> Any:
    assert kind.inner is not None
    if not isinstance(value, list):
        path.refuse(_word(value), kind)
        return None
    empty = _empty(kind.inner)
    return [empty if one is None else _read(kind.inner, one, path) for one in value]


def _words(kind: Kind, value: Any, path: _Path) -> Any:
    """A list of words, or one (Docker's StrSlice)."""
    if isinstance(value, str):
        return [value]
    if not isinstance(value, list) or any(not isinstance(one, str) for one in value):
        path.refuse(_word(value), kind)
        return None
    return value


def _map(kind: Kind, value: Any, path: _Path) -> Any:
    assert kind.inner is not None
    if not isinstance(value, dict):
        path.refuse(_word(value), kind)
        return None
    empty: Any = "" if kind.inner.base == "string" else None
    return {name: empty if one is None else _read(kind.inner, one, path) for name, one in value.items()}


def _struct(kind: Kind, value: Any, path: _Path) -> Any:
    fields = kind.members or {}
    if not isinstance(value, dict):
        path.refuse(_word(value), kind)
        return None
    folded = {name.lower(): name for name in fields}
    found = {}
    for given, one in value.items():
        name = given if given in fields else folded.get(given.lower())
        if name is None:
            continue
        through, inner = fields[name]
        outer, path.struct = path.struct, kind.name
        added = [*through.split("."), name] if through else [name]
        path.stack += added
        got = _read(inner, one, path)
        if got is not None:
            found[name] = got
        del path.stack[len(path.stack) - len(added) :]
        path.struct = outer
    return found


_READERS = {
    "string": _scalar,
    "bool": _scalar,
    "list": _list,
    "words": _words,
    "map": _map,
    "struct": _struct,
}
