"""JSON as Go's ``encoding/json`` prints it, which is how runc's readers know it.

``rung.jsonc`` gives Python's spacing and needs the ``json`` module to indent (8 ms);
runc's ``state`` is indented by two blanks, ``features`` by four, ``spec`` by a tab, and
``list`` and ``events`` have no blanks at all. Text is UTF-8, and ``<``, ``>``, ``&``
are escaped.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

try:
    from _json import encode_basestring
except ImportError:  # pragma: no cover - an interpreter without the C accelerator
    from json.encoder import encode_basestring

_ESCAPES = {ord(c): f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"}


def quoted(text: str) -> str:
    """A JSON string; a byte that is no UTF-8 becomes U+FFFD, as in Go."""
    clean = text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
    inside: str = encode_basestring(clean)
    return inside.translate(_ESCAPES)


def compact(value: Any) -> str:
    """On one line, without blanks."""
    if isinstance(value, str):
        return quoted(value)
    if isinstance(value, dict):
        return "{" + ",".join([f"{quoted(str(key))}:{compact(item)}" for key, item in value.items()]) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ",".join([compact(item) for item in value]) + "]"
    return _scalar(value)


def indented(value: Any, indent: str, margin: str = "\n") -> str:
    """One member a line. ``margin`` is the line break before the closing bracket."""
    inner = margin + indent
    if isinstance(value, dict) and value:
        members = [f"{quoted(str(key))}: {indented(item, indent, inner)}" for key, item in value.items()]
        return "{" + inner + ("," + inner).join(members) + margin + "}"
    if isinstance(value, (list, tuple)) and value:
        items = [indented(item, indent, inner) for item in value]
        return "[" + inner + ("," + inner).join(items) + margin + "]"
    return compact(value)


def _scalar(value: Any) -> str:
    if value is None:
        return "null"
    if value is True:
        return "true"
    if value is False:
        return "false"
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float):
        return str(int(value)) if value.is_integer() and abs(value) < 1e21 else repr(value)
    raise TypeError(f"not a JSON value: {value!r}")
