"""What Go's decoder says of a text that is no JSON: clients show these words, and some look for them.

Called only when the text could not be read; it reads it once more, a byte at a time, to the one that Go stumbles over.
"""

from __future__ import annotations

_BLANKS = b" \t\r\n"
_DIGITS = b"0123456789"
_ENDED = "unexpected EOF"


class _Stumbled(Exception):
    """The words."""


def complaint(data: bytes) -> str:
    """Go's words for the first error; empty where the first value is whole."""
    if not data.strip(_BLANKS):
        return "EOF"
    try:
        _value(data, _skip(data, 0))
    except _Stumbled as error:
        return str(error)
    return ""


def _wrong(data: bytes, at: int, where: str) -> _Stumbled:
    if at >= len(data):
        return _Stumbled(_ENDED)
    return _Stumbled(f"invalid character {_quoted(data[at])} {where}")


def _quoted(byte: int) -> str:
    """A byte as Go's strconv.Quote has the rune of that number, in single quotes."""
    special = {
        7: "\\a",
        8: "\\b",
        9: "\\t",
        10: "\\n",
        11: "\\v",
        12: "\\f",
        13: "\\r",
        39: "\\'",
        34: '"',
        92: "\\\\",
    }
    if byte in special:
        return f"'{special[byte]}'"
    return (
        f"'{chr(byte)}'"
        if chr(byte).isprintable()
        else f"'\\x{byte:02x}'"
        if byte < 128
        else f"'\\u{byte:04x}'"
    )


def _skip(data: bytes, at: int) -> int:
    while at < len(data) and data[at] in _BLANKS:
        at += 1
    return at


def _value(data: bytes, at: int) -> int:
    """Where the value that begins here has ended."""
    if at >= len(data):
        raise _Stumbled(_ENDED)
    first = data[at : at + 1]
    if first == b"{":
        return _object(data, at + 1)
    if first == b"[":
        return _array(data, at + 1)
    if first == b'"':
        return _string(data, at + 1)
    if first in (b"t", b"f", b"n"):
        return _literal(data, at, {b"t": b"true", b"f": b"false", b"n": b"null"}[first])
    if first == b"-" or first in _DIGITS:
        return _number(data, at)
    raise _wrong(data, at, "looking for beginning of value")


def _object(data: bytes, at: int) -> int:
    at = _skip(data, at)
    if data[at : at + 1] == b"}":
        return at + 1
    while True:
        if data[at : at + 1] != b'"':
            raise _wrong(data, at, "looking for beginning of object key string")
        at = _skip(data, _string(data, at + 1))
        if data[at : at + 1] != b":":
            raise _wrong(data, at, "after object key")
        at = _skip(data, _value(data, _skip(data, at + 1)))
        if data[at : at + 1] == b"}":
            return at + 1
        if data[at : at + 1] != b",":
            raise _wrong(data, at, "after object key:value pair")
        at = _skip(data, at + 1)


def _array(data: bytes, at: int) -> int:
    at = _skip(data, at)
    if data[at : at + 1] == b"]":
        return at + 1
    while True:
        at = _skip(data, _value(data, at))
        if data[at : at + 1] == b"]":
            return at + 1
        if data[at : at + 1] != b",":
            raise _wrong(data, at, "after array element")
        at = _skip(data, at + 1)


def _string(data: bytes, at: int) -> int:
    while at < len(data):
        byte = data[at]
        if byte == 34:
            return at + 1
        if byte == 92:
            at = _escape(data, at + 1)
            continue
        if byte < 32:
            raise _wrong(data, at, "in string literal")
        at += 1
    raise _Stumbled(_ENDED)


def _escape(data: bytes, at: int) -> int:
    if data[at : at + 1] != b"u":
        if at < len(data) and data[at] in b'bfnrt\\/"':
            return at + 1
        raise _wrong(data, at, "in string escape code")
    for place in range(at + 1, at + 5):
        if place >= len(data) or data[place] not in b"0123456789abcdefABCDEF":
            raise _wrong(data, place, "in \\u hexadecimal character escape")
    return at + 5


def _literal(data: bytes, at: int, word: bytes) -> int:
    for offset, byte in enumerate(word):
        if at + offset >= len(data) or data[at + offset] != byte:
            where = f"in literal {word.decode()} (expecting '{chr(byte)}')"
            raise _wrong(data, at + offset, where)
    return at + len(word)


def _number(data: bytes, at: int) -> int:
    if data[at : at + 1] == b"-":
        at += 1
        if at >= len(data) or data[at] not in _DIGITS:
            raise _wrong(data, at, "in numeric literal")
    at = at + 1 if data[at : at + 1] == b"0" else _digits(data, at)
    if data[at : at + 1] == b".":
        at = _some_digits(data, at + 1, "after decimal point in numeric literal")
    if data[at : at + 1] in (b"e", b"E"):
        at += 2 if data[at + 1 : at + 2] in (b"+", b"-") else 1
        at = _some_digits(data, at, "in exponent of numeric literal")
    return at


def _digits(data: bytes, at: int) -> int:
    while at < len(data) and data[at] in _DIGITS:
        at += 1
    return at


def _some_digits(data: bytes, at: int, where: str) -> int:
    if at >= len(data) or data[at] not in _DIGITS:
        raise _wrong(data, at, where)
    return _digits(data, at)
