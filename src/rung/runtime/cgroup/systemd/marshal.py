"""D-Bus values as bytes and back, by their signature. Pure.

D-Bus specification, "Type System" and "Marshaling (Wire Format)": each type has a letter and an alignment,
counted from the message's beginning. Here: ``a{..}`` is a dict, ``a..`` a list (``ay`` bytes), ``(..)`` a
tuple, ``v`` a ``Variant``. What is written is little-endian; what is read may be either.
"""

from __future__ import annotations

from struct import Struct, error

from rung.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

#: Letter -> size (which is the alignment, too) and struct's letter.
_FIXED = {
    "y": (1, "B"),
    "b": (4, "I"),
    "n": (2, "h"),
    "q": (2, "H"),
    "i": (4, "i"),
    "u": (4, "I"),
    "x": (8, "q"),
    "t": (8, "Q"),
    "d": (8, "d"),
    "h": (4, "I"),
}
_ALIGNMENT = {**{letter: size for letter, (size, _) in _FIXED.items()}}
_ALIGNMENT |= {"s": 4, "o": 4, "g": 1, "a": 4, "(": 8, "{": 8, "v": 1}
_DEEPEST = 32  # "maximum depth of container type nesting", of one kind
_LONGEST_ARRAY = 1 << 26  # "Arrays have a maximum length defined to be 2 to the 26th power"


class Malformed(ValueError):
    """These bytes, or this signature, are not D-Bus."""


class Variant(Record):
    """A value with its type."""

    signature: str
    value: Any


def types(signature: str) -> list[str]:
    """A signature's complete types: ``sa(sv)u`` is ``s``, ``a(sv)``, ``u``. Raises ``Malformed``."""
    found = []
    at = 0
    while at < len(signature):
        end = _type_end(signature, at, 0)
        found.append(signature[at:end])
        at = end
    return found


def _type_end(signature: str, at: int, depth: int) -> int:
    letter = signature[at : at + 1]
    if depth > _DEEPEST:
        raise Malformed(f"signature {signature!r} is nested too deep")
    if letter == "a":
        return _type_end(signature, at + 1, depth + 1)
    if letter in ("(", "{"):
        close = ")" if letter == "(" else "}"
        at += 1
        while signature[at : at + 1] != close:
            at = _type_end(signature, at, depth + 1)
        return at + 1
    if letter == "" or letter not in _ALIGNMENT:
        raise Malformed(f"signature {signature!r} has no type at {at}")
    return at + 1


def marshal(signature: str, values: Sequence[Any]) -> bytes:
    """The values one after another, from a place that is aligned to 8."""
    out = bytearray()
    kinds = types(signature)
    if len(kinds) != len(values):
        raise Malformed(f"signature {signature!r} is of {len(kinds)} values, not {len(values)}")
    for kind, value in zip(kinds, values):
        _put(out, kind, value)
    return bytes(out)


def _pad(out: bytearray, alignment: int) -> None:
    out += bytes(-len(out) % alignment)


def _put(out: bytearray, kind: str, value: Any) -> None:
    letter = kind[0]
    _pad(out, _ALIGNMENT[letter])
    if letter in _FIXED:
        try:
            out += Struct("<" + _FIXED[letter][1]).pack(value)
        except error:
            raise Malformed(f"{value!r} is not of D-Bus type {kind}") from None
    elif letter in ("s", "o", "g"):
        text = value.encode()
        out += len(text).to_bytes(1 if letter == "g" else 4, "little") + text + b"\0"
    elif letter == "v":
        _put(out, "g", value.signature)
        _put(out, value.signature, value.value)
    elif letter == "a":
        _put_array(out, kind[1:], value)
    else:
        inner = types(kind[1:-1])
        if len(inner) != len(value):
            raise Malformed(f"{value!r} is not of D-Bus type {kind}")
        for one, part in zip(inner, value):
            _put(out, one, part)


def _put_array(out: bytearray, kind: str, value: Any) -> None:
    """The length counts the elements, not the padding before the first."""
    place = len(out)
    out += bytes(4)
    _pad(out, _ALIGNMENT[kind[0]])
    begin = len(out)
    for item in value.items() if kind[0] == "{" else value:
        _put(out, kind, item)
    out[place : place + 4] = (len(out) - begin).to_bytes(4, "little")


class Reader:
    """Values out of bytes, one after another. Raises ``Malformed``, never anything else."""

    def __init__(self, data: bytes, order: str = "<", at: int = 0) -> None:
        self._data = data
        self._order = order
        self.at = at

    def read(self, signature: str) -> list[Any]:
        """The values of a signature."""
        return [self._take(kind, 0) for kind in types(signature)]

    def align(self, alignment: int) -> None:
        """Pass over padding."""
        self.at += -self.at % alignment

    def _bytes(self, count: int) -> bytes:
        part = self._data[self.at : self.at + count]
        if len(part) != count:
            raise Malformed("the message ends in the middle of a value")
        self.at += count
        return part

    def _take(self, kind: str, depth: int) -> Any:
        letter = kind[0]
        if depth > 2 * _DEEPEST:
            raise Malformed("values are nested too deep")
        self.align(_ALIGNMENT[letter])
        if letter in _FIXED:
            size, code = _FIXED[letter]
            value = Struct(self._order + code).unpack(self._bytes(size))[0]
            return bool(value) if letter == "b" else value
        if letter in ("s", "o", "g"):
            return self._text(self._bytes(1)[0] if letter == "g" else self._take("u", depth))
        if letter == "v":
            inner = types(self._take("g", depth))
            if len(inner) != 1:
                raise Malformed("a variant is of one type")
            return Variant(inner[0], self._take(inner[0], depth + 1))
        if letter == "a":
            return self._array(kind[1:], depth + 1)
        return tuple([self._take(part, depth + 1) for part in types(kind[1:-1])])

    def _text(self, length: int) -> str:
        text = self._bytes(length + 1)
        try:
            return text[:-1].decode()
        except UnicodeDecodeError:
            raise Malformed("a string is not UTF-8") from None

    def _array(self, kind: str, depth: int) -> Any:
        length = self._take("u", depth)
        if length > _LONGEST_ARRAY:
            raise Malformed(f"an array of {length} bytes is too long")
        self.align(_ALIGNMENT[kind[0]])
        if kind == "y":
            return self._bytes(length)
        end = self.at + length
        found = []
        while self.at < end:
            before = self.at
            found.append(self._take(kind, depth))
            if self.at == before:  # elements of no size, "a()": never ends
                raise Malformed("an array's elements are empty")
        if self.at != end:
            raise Malformed("an array's last element goes beyond its end")
        return dict(found) if kind[0] == "{" else found
