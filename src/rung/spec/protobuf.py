"""Protocol buffers: messages as classes, and their bytes.

    class Mount(Message):
        type: str = field(1)
        options: list[str] = field(4)

    Mount(type="bind").encode();  Mount.decode(data).options

A field's kind is its annotation: ``str``, ``bytes``, ``bool``, ``int`` (64 bits, signed unless
``unsigned``), ``list[...]`` of these, ``dict[str, str]``, or with ``of`` another message (``Mount | None``,
``list[Mount]``). Rule of both dialects: what was given is written, what was not has its default and is not. In
proto3 the default itself is not written either; ``explicit`` classes (proto2) write it.

Pure: no I/O. https://protobuf.dev/programming-guides/encoding: a field is its number and its wire type, then a
varint, a length and bytes, or a fixed width.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, ClassVar, Self

VARINT, FIXED64, BYTES, FIXED32 = 0, 1, 2, 5
_MASK = (1 << 64) - 1


class BadMessage(ValueError):
    """Bytes that are no message of the kind that was expected."""


class Field:
    """How one field travels: its number, the kind of one value, and whether there are many."""

    __slots__ = ("kind", "many", "number", "of", "unsigned")

    def __init__(self, number: int, of: type[Message] | None, unsigned: bool) -> None:
        self.number, self.of, self.unsigned = number, of, unsigned
        self.kind = ""
        self.many = False

    def annotate(self, annotation: str) -> None:
        """Take over what the class says of it."""
        self.many = annotation.startswith("list[")
        self.kind = annotation[5:-1] if self.many else annotation

    def default(self) -> Any:
        """The value of a field that is not there."""
        if self.many:
            return []
        if self.of is not None:
            return None
        return {"str": "", "bytes": b"", "bool": False, "int": 0}.get(self.kind) if self.kind[:4] != "dict" else {}


def field(number: int, of: type[Message] | None = None, *, unsigned: bool = False) -> Any:
    """A field of a message class."""
    return Field(number, of, unsigned)


class Message:
    """One message. Compared by its fields."""

    _fields: ClassVar[dict[str, Field]] = {}
    _by_number: ClassVar[dict[int, tuple[str, Field]]] = {}
    #: proto2: a field that was given is written even if it is the default.
    explicit: ClassVar[bool] = False

    def __init_subclass__(cls, *, explicit: bool = False) -> None:
        cls.explicit = explicit
        cls._fields = {name: one for name, one in cls.__dict__.items() if isinstance(one, Field)}
        for name, one in cls._fields.items():
            one.annotate(str(cls.__annotations__[name]))
            delattr(cls, name)
        cls._by_number = {one.number: (name, one) for name, one in cls._fields.items()}

    def __init__(self, **given: Any) -> None:
        unknown = given.keys() - self._fields.keys()
        if unknown:
            raise TypeError(f"{type(self).__name__} has no field {', '.join(sorted(unknown))}")
        self.__dict__.update(given)

    def __getattr__(self, name: str) -> Any:  # only called for what was not given
        one = self._fields.get(name)
        if one is None:
            raise AttributeError(f"{type(self).__name__} has no field {name}")
        value = self.__dict__[name] = one.default()
        return value

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.encode() == self.encode()

    def __hash__(self) -> int:
        return hash(self.encode())

    def __repr__(self) -> str:
        inside = ", ".join(f"{name}={value!r}" for name, value in self.__dict__.items())
        return f"{type(self).__name__}({inside})"

    @classmethod
    def names(cls) -> frozenset[str]:
        """What its fields are called."""
        return frozenset(cls._fields)

    def encode(self) -> bytes:
        """The message as bytes, fields in the class's order."""
        out = bytearray()
        given = self.__dict__
        for name, one in self._fields.items():
            if name in given:
                _write(out, one, given[name], self.explicit)
        return bytes(out)

    @classmethod
    def decode(cls, data: bytes | memoryview) -> Self:
        """The message that ``data`` is; fields it does not know are passed over. Raises ``BadMessage``."""
        message = cls()
        given = message.__dict__
        for number, raw in parts(bytes(data)):
            if number not in cls._by_number:
                continue
            name, one = cls._by_number[number]
            if one.many:
                given.setdefault(name, []).extend(_several(one, raw))
            elif one.kind[:4] == "dict":
                entry = _Entry.decode(_bytes_of(raw))
                given.setdefault(name, {})[entry.key] = entry.value
            else:
                given[name] = _one(one, raw)
        return message


def inner_kind(kind: type[Message], name: str) -> type[Message] | None:
    """The kind of message that a field of another is, or is a list of; None where it is none, or not there at all."""
    one = kind._fields.get(name)
    return one.of if one else None


class _Entry(Message):
    """What a map is a list of."""

    key: str = field(1)
    value: str = field(2)


# --- writing ------------------------------------------------------------------------


def _write(out: bytearray, one: Field, value: Any, explicit: bool) -> None:
    if one.kind[:4] == "dict":
        for key, text in value.items():
            _put(out, one.number, _Entry(key=key, value=text).encode())
    elif one.many:
        for each in value:
            _put(out, one.number, each)
    elif value is not None and (value or explicit or one.of is not None):
        _put(out, one.number, value)


def _put(out: bytearray, number: int, value: Any) -> None:
    if isinstance(value, int):
        out += varint(number << 3 | VARINT) + varint(value & _MASK)
        return
    if isinstance(value, Message):
        value = value.encode()
    elif isinstance(value, str):
        value = value.encode("utf-8", "surrogateescape")
    out += varint(number << 3 | BYTES) + varint(len(value)) + value


def varint(value: int) -> bytes:
    """A number as 7 bits a byte, the lowest first."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


# --- reading ------------------------------------------------------------------------


def parts(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """``(number, varint or bytes)`` of each field of a message, as they come. Raises ``BadMessage``."""
    at = 0
    while at < len(data):
        key, at = read_varint(data, at)
        kind = key & 7
        if kind == VARINT:
            value, at = read_varint(data, at)
            yield key >> 3, value
            continue
        if kind == BYTES:
            length, at = read_varint(data, at)
        elif kind in (FIXED32, FIXED64):
            length = 4 if kind == FIXED32 else 8
        else:
            raise BadMessage(f"a field of wire type {kind}")
        if length > len(data) - at:
            raise BadMessage("a field is longer than its message")
        yield key >> 3, data[at : at + length]
        at += length


def read_varint(data: bytes, at: int) -> tuple[int, int]:
    """``(number, where it ends)``."""
    value = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise BadMessage("a number does not end")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return value & _MASK, at


def _several(one: Field, raw: int | bytes) -> list[Any]:
    """Of a repeated field: one value, or the numbers that are packed into its bytes."""
    if one.kind not in ("int", "bool") or isinstance(raw, int):
        return [_one(one, raw)]
    found, at = [], 0
    while at < len(raw):
        value, at = read_varint(raw, at)
        found.append(_one(one, value))
    return found


def _one(one: Field, raw: int | bytes) -> Any:
    if one.of is not None:
        return one.of.decode(_bytes_of(raw))
    if one.kind == "str":
        return _bytes_of(raw).decode("utf-8", "surrogateescape")
    if one.kind == "bytes":
        return _bytes_of(raw)
    if not isinstance(raw, int):
        raise BadMessage(f"field {one.number} is no number")
    if one.kind == "bool":
        return bool(raw)
    return raw if one.unsigned or not raw >> 63 else raw - (1 << 64)


def _bytes_of(raw: int | bytes) -> bytes:
    if isinstance(raw, int):
        raise BadMessage("a number where bytes belong")
    return raw
