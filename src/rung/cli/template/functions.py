"""Go's template functions and those that docker adds to them, and how Go prints values.

Go 1.24 text/template#hdr-Functions; docker's cli/templates.
"""

from __future__ import annotations

import json
import re

from rung.errors import RungError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any


def is_true(value: Any) -> bool:
    """Go's idea of it: nothing, zero and what is empty are not."""
    return bool(value)


def shown(value: Any) -> str:
    """As Go's ``%v`` prints it."""
    if value is None:
        return "<no value>"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "map[" + " ".join(f"{key}:{_inner(value[key])}" for key in sorted(value)) + "]"
    if isinstance(value, list | tuple):
        return "[" + " ".join(_inner(one) for one in value) + "]"
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e21:
        return str(int(value))
    return str(value)


def _inner(value: Any) -> str:
    return "<nil>" if value is None else shown(value)


def as_json(value: Any) -> str:
    """Compact, in the order of the fields."""
    if isinstance(value, dict):  # a row's methods are not its fields
        value = {name: each for name, each in value.items() if not callable(each)}
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)


def _printf(format: str, *values: Any) -> str:
    given = list(values)

    def one(match: re.Match[str]) -> str:
        flags, verb = match[1], match[2]
        if verb == "%":
            return "%"
        if not given:
            return f"%!{verb}(MISSING)"
        value = given.pop(0)
        if verb in "vs":
            return ("%" + flags.replace("+", "").replace("#", "") + "s") % shown(value)
        if verb == "q":
            return json.dumps(shown(value), ensure_ascii=False)
        if verb == "t":
            return shown(bool(value))
        try:
            return str(("%" + flags + verb) % value)
        except (TypeError, ValueError):
            return f"%!{verb}({type(value).__name__}={shown(value)})"

    return re.sub(r"%([-+# 0-9.]*)([a-zA-Z%])", one, format)


def _index(value: Any, *keys: Any) -> Any:
    for key in keys:
        if isinstance(value, dict) or value is None:  # Go: the zero value of what a map does not have
            value = (value or {}).get(key, "")
        elif isinstance(value, list | tuple | str):
            if not isinstance(key, int) or not 0 <= key < len(value):
                raise _wrong("index", f"index out of range: {shown(key)}")
            value = ord(value[key]) if isinstance(value, str) else value[key]
        else:
            raise _wrong("index", f"can't index item of type {type(value).__name__}")
    return value


def _slice(value: Any, *bounds: int) -> Any:
    try:
        return value[bounds[0] if bounds else 0 : bounds[1] if len(bounds) > 1 else len(value)]
    except (TypeError, KeyError):
        raise _wrong("slice", "can't slice that") from None


def _length(value: Any) -> int:
    try:
        return len(value)
    except TypeError:
        raise _wrong("len", f"len of type {type(value).__name__}") from None


def _compare(name: str, test: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def compare(first: Any, second: Any) -> bool:
        try:
            return test(first, second)
        except TypeError:
            raise _wrong(name, "incompatible types for comparison") from None

    return compare


def _wrong(name: str, reason: str) -> RungError:
    where = f'template: :1: executing "" at <{name}>'
    return RungError("template parsing error", "", f"{where}: error calling {name}: {reason}")


def _print(*values: Any) -> str:
    """As fmt.Sprint: a blank between two operands neither of which is a string."""
    out = ""
    for at, value in enumerate(values):
        if at and not isinstance(value, str) and not isinstance(values[at - 1], str):
            out += " "
        out += shown(value)
    return out


def _truncate(text: str, size: int) -> str:
    return text[:size]


def _pad(text: str, before: int, after: int) -> str:
    return " " * before + text + " " * after if text else text


#: ``and``, ``or`` are evaluated where they stand: they need not look at all their arguments.
FUNCTIONS: dict[str, Callable[..., Any]] = {
    "not": lambda value: not is_true(value),
    "eq": lambda first, *others: any(first == one for one in others),
    "ne": lambda first, second: first != second,
    "lt": _compare("lt", lambda first, second: first < second),
    "le": _compare("le", lambda first, second: first <= second),
    "gt": _compare("gt", lambda first, second: first > second),
    "ge": _compare("ge", lambda first, second: first >= second),
    "len": _length,
    "index": _index,
    "slice": _slice,
    "print": _print,
    "println": lambda *values: " ".join(map(shown, values)) + "\n",
    "printf": _printf,
    "html": lambda value: re.sub(r"[<>&'\"]", lambda m: f"&#{ord(m[0])};", shown(value)),
    "json": as_json,
    "split": lambda text, by: text.split(by),
    "join": lambda parts, by: by.join(map(shown, parts or ())),
    "title": lambda text: re.sub(r"\b[a-z]", lambda m: m[0].upper(), text),
    "lower": lambda text: text.lower(),
    "upper": lambda text: text.upper(),
    "pad": _pad,
    "truncate": _truncate,
}
