"""JSON through the interpreter's C scanner and encoder, without importing ``json``.

``import json`` costs 8 ms of CPU (it compiles regular expressions); a command of
``rung-runtime`` has 9 ms in all. The C halves of the standard module do the whole
work for documents in memory; where an interpreter lacks them, ``json`` is used.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    make_scanner: Any
    make_encoder: Any
    encode_basestring_ascii: Any
else:
    try:
        from _json import encode_basestring_ascii, make_encoder, make_scanner
    except ImportError:  # pragma: no cover - an interpreter without the C accelerator
        make_scanner = None

_SPACE = " \t\n\r"


class _Scanner:
    """The attributes that the C scanner reads from its context."""

    strict = True
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int
    parse_constant = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}.__getitem__
    memo: dict[str, str] = {}


def loads(text: str | bytes, pairs: Any = None) -> Any:
    """The value of a JSON document. Raises ``ValueError`` naming line and column. ``pairs``: makes an
    object's value of its names and values, in order and as often as they are there."""
    if isinstance(text, bytes):
        text = text.decode("utf-8")
    if make_scanner is None:  # pragma: no cover
        import json

        return json.loads(text, object_pairs_hook=pairs)
    context = _Scanner if pairs is None else type("_Pairs", (_Scanner,), {"object_pairs_hook": pairs})
    start = len(text) - len(text.lstrip(_SPACE))
    try:
        value, end = make_scanner(context)(text, start)
        if text[end:].strip(_SPACE):
            raise ValueError(f"more after the end of the document: (char {end})")
    except RecursionError:
        raise ValueError("nested too deeply") from None
    except (StopIteration, SystemError, ValueError):
        # Not JSON: the slow way says where. (SystemError: before 3.12 the scanner
        # cannot raise its own error unless json.decoder has been imported.)
        import json

        return json.loads(text, object_pairs_hook=pairs)
    return value


def dumps(value: Any, indent: int | None = None, *, compact: bool = False) -> str:
    """The JSON text of a value; keys keep their order. ``compact``: without blanks."""
    if make_scanner is None or indent is not None:
        import json

        return json.dumps(value, indent=indent, separators=(",", ":") if compact else None)
    colon, comma = (":", ",") if compact else (": ", ", ")
    encode = make_encoder({}, _refuse, encode_basestring_ascii, None, colon, comma, False, False, True)
    return "".join(encode(value, 0))


def _refuse(value: object) -> Any:
    raise TypeError(f"not a JSON value: {value!r}")
