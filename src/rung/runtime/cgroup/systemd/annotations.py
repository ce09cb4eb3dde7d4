"""``org.systemd.property.NAME`` annotations: more properties for the unit, as text. Pure.

The values are GVariant's text (GLib, "GVariant Text Format"): ``true``, ``'text'``, ``uint64 5``, ``['a', 'b']``,
``@as []``, ``('/dev/null', 'rw')``. As with runc, a name in ``Sec`` gives seconds, which systemd has as ``USec``.
"""

from __future__ import annotations

from rung.runtime.cgroup.errors import CgroupError
from rung.runtime.cgroup.systemd.marshal import Malformed, Variant, types

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any

    from rung.runtime.cgroup.systemd.values import Property

PREFIX = "org.systemd.property."
_LETTERS = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz")
_WORDS = {
    "boolean": "b",
    "byte": "y",
    "int16": "n",
    "uint16": "q",
    "int32": "i",
    "uint32": "u",
    "handle": "h",
    "int64": "x",
    "uint64": "t",
    "double": "d",
    "string": "s",
    "objectpath": "o",
    "signature": "g",
}
_NUMBERS = "ynqiuxth"
_ESCAPES = {"a": "\a", "b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_HEX_ESCAPES = {"u": 4, "U": 8}
_SECOND_US = 1_000_000


def annotated_properties(annotations: Mapping[str, str]) -> Iterator[Property]:
    """The properties that annotations ask for."""
    for key, text in annotations.items():
        if not key.startswith(PREFIX):
            continue
        name = key[len(PREFIX) :]
        if len(name) < 3 or not _LETTERS.issuperset(name):
            raise CgroupError("use annotation", f'"{key}"', "what follows org.systemd.property. is no property's name")
        try:
            value = parse(text)
            yield _in_microseconds(name, value) if name.endswith("Sec") and not name.endswith("USec") else (name, value)
        except (Malformed, ValueError) as error:
            raise CgroupError("use annotation", f'"{key}"', f"{text!r} is no GVariant text: {error}") from None


def _in_microseconds(name: str, value: Variant) -> Property:
    if value.signature not in _NUMBERS + "d":
        raise Malformed("seconds are a number")
    return f"{name[:-3]}USec", Variant("t", int(value.value * _SECOND_US))


def parse(text: str) -> Variant:
    """One value. Raises ``Malformed`` and ``ValueError``."""
    reader = _Text(text)
    found = reader.value("")
    if reader.rest():
        raise Malformed(f"{reader.rest()!r} is left over")
    return found


class _Text:
    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def rest(self) -> str:
        """What is not read yet."""
        return self._text[self._at :].strip()

    def _next(self) -> str:
        while self._text[self._at : self._at + 1].isspace():
            self._at += 1
        return self._text[self._at : self._at + 1]

    def _expect(self, character: str) -> None:
        if self._next() != character:
            raise Malformed(f"{character} is missing before {self.rest()!r}")
        self._at += 1

    def _word(self) -> str:
        self._next()
        begin = self._at
        while self._text[self._at : self._at + 1] not in ("", ",", "]", ")", "}", ">", ":", " ", "\t", "\n"):
            self._at += 1
        return self._text[begin : self._at]

    def value(self, kind: str) -> Variant:
        """A value; ``kind`` is its signature where it is known."""
        first = self._next()
        if first == "@":
            self._at += 1
            return self.value(self._signature())
        if first in ("'", '"'):
            return Variant(kind if kind in ("o", "g") else "s", self._string(first))
        if first == "[":
            return self._array(kind[1:])
        if first == "(":
            return self._tuple(types(kind[1:-1]) if kind else [])
        if first == "<":
            self._at += 1
            inner = self.value("")
            self._expect(">")
            return Variant("v", inner)
        return self._plain(self._word(), kind)

    def _signature(self) -> str:
        begin = self._at
        while self._text[self._at : self._at + 1].strip():
            self._at += 1
        return self._text[begin : self._at]

    def _plain(self, word: str, kind: str) -> Variant:
        if word in _WORDS:
            return self.value(_WORDS[word])
        if word in ("true", "false"):
            return Variant("b", word == "true")
        if not word:
            raise Malformed("a value is missing")
        if kind == "d" or (not kind and ("." in word or "e" in word.lower()) and not word.startswith("0x")):
            return Variant("d", float(word))
        if kind and kind not in _NUMBERS:
            raise Malformed(f"{word!r} is not of type {kind}")
        octal = len(word) > 1 and word[0] == "0" and word.isdecimal()
        return Variant(kind or "i", int(word, 8) if octal else int(word, 0))

    def _string(self, quote: str) -> str:
        found = ""
        self._at += 1
        while (character := self._text[self._at : self._at + 1]) != quote:
            self._at += 1
            if not character:
                raise Malformed("a string does not end")
            found += self._escaped() if character == "\\" else character
        self._at += 1
        return found

    def _escaped(self) -> str:
        letter = self._text[self._at : self._at + 1]
        self._at += 1
        digits = _HEX_ESCAPES.get(letter)
        if digits is None:
            return _ESCAPES.get(letter, letter)
        code = self._text[self._at : self._at + digits]
        self._at += digits
        return chr(int(code, 16))

    def _array(self, kind: str) -> Variant:
        self._expect("[")
        found: list[Any] = []
        while self._next() != "]":
            if found:
                self._expect(",")
            item = self.value(kind)
            if kind and item.signature != kind:
                raise Malformed(f"an array of {kind} holds {item.signature}")
            kind = item.signature
            found.append(item.value)
        self._at += 1
        if not kind:
            raise Malformed("the type of an empty array must be given, as in @as []")
        return Variant(f"a{kind}", bytes(found) if kind == "y" else found)

    def _tuple(self, kinds: list[str]) -> Variant:
        self._expect("(")
        found: list[Variant] = []
        while self._next() != ")":
            if found:
                self._expect(",")
                if self._next() == ")":  # (1,)
                    break
            found.append(self.value(kinds[len(found)] if len(found) < len(kinds) else ""))
        self._expect(")")
        return Variant(f"({''.join([item.signature for item in found])})", tuple([item.value for item in found]))
