"""The YAML that generators write: block mappings and sequences, plain and quoted scalars, flow ones on one line.

Specifications of CDI devices come so (``nvidia-ctk cdi generate``). Not here, and refused by line: anchors, tags, block
scalars, several documents. YAML 1.2, core schema (chapter 10.3): ``null``, ``true``, ``0o666``, ``0x1f``, ``1.5``.
"""

from __future__ import annotations

from rung.spec.errors import SpecError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_WORDS: dict[str, Any] = {"": None, "~": None, "null": None, "true": True, "false": False}
_ESCAPES = {"n": "\n", "t": "\t", '"': '"', "\\": "\\", "/": "/", "0": "\0", "r": "\r"}


def loads(text: str) -> Any:
    """The document. Raises ``SpecError`` naming the line."""
    return _Reading(text).document()


class _Reading:
    def __init__(self, text: str) -> None:
        #: (number, indentation, content) of lines that say something.
        self.lines: list[tuple[int, int, str]] = []
        for number, line in enumerate(text.splitlines(), 1):
            bare = _without_comment(line).rstrip()
            if "\t" in bare[: len(bare) - len(bare.lstrip())]:
                raise SpecError(f"line {number}", "is indented with a tab", document="YAML")
            if bare.strip() and not (bare == "---" and not self.lines):
                self.lines.append((number, len(bare) - len(bare.lstrip()), bare.strip()))
        self.at = 0

    def wrong(self, reason: str) -> SpecError:
        number = self.lines[min(self.at, len(self.lines) - 1)][0]
        return SpecError(f"line {number}", reason, document="YAML")

    def document(self) -> Any:
        if not self.lines:
            return None
        found = self.block(self.lines[0][1])
        if self.at < len(self.lines):
            raise self.wrong("is indented as nothing before it")
        return found

    def block(self, indent: int) -> Any:
        """What begins here, all of one indentation."""
        _, _, content = self.lines[self.at]
        if content == "-" or content.startswith("- "):
            return self.sequence(indent)
        if _split(content) is not None:
            return self.mapping(indent)
        self.at += 1
        return self.value(content)

    def sequence(self, indent: int) -> list[Any]:
        found = []
        while self.at < len(self.lines) and self.lines[self.at][1] == indent:
            number, _, content = self.lines[self.at]
            if content != "-" and not content.startswith("- "):
                break
            inside = content[1:].lstrip()
            if inside:  # its own line, as if it stood alone, further in
                self.lines[self.at] = (number, indent + len(content) - len(inside), inside)
                found.append(self.block(self.lines[self.at][1]))
            else:
                self.at += 1
                found.append(self.deeper(indent))
        return found

    def mapping(self, indent: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while self.at < len(self.lines) and self.lines[self.at][1] == indent:
            pair = _split(self.lines[self.at][2])
            if pair is None:
                break
            key, rest = str(self.value(pair[0])) if pair[0][0] in "\"'" else pair[0], pair[1]
            if key in found:
                raise self.wrong(f"{key} is there twice")
            if rest:
                found[key] = self.value(rest)
                self.at += 1
                continue
            self.at += 1
            same = self.at < len(self.lines) and self.lines[self.at][1] == indent
            # A sequence may stand at its key's own indentation (8.2.2).
            found[key] = self.sequence(indent) if same and self._is_entry() else self.deeper(indent)
        return found

    def _is_entry(self) -> bool:
        content = self.lines[self.at][2]
        return content == "-" or content.startswith("- ")

    def deeper(self, indent: int) -> Any:
        if self.at < len(self.lines) and self.lines[self.at][1] > indent:
            return self.block(self.lines[self.at][1])
        return None

    # --- scalars and flow -------------------------------------------------------------

    def value(self, text: str) -> Any:
        if text[0] in "[{\"'":
            found, rest = self.flow(text)
            if rest.strip():
                raise self.wrong(f"goes on behind its value: {rest.strip():.40}")
            return found
        if text[0] in "&*!|>%@`":
            raise self.wrong(f"{text[0]} is not read here: write the value out")
        return _scalar(text)

    def flow(self, text: str) -> tuple[Any, str]:
        """A value that ends by itself, and what is behind it."""
        if text[:1] == "'":
            return self.single(text)
        if text[:1] == '"':
            return self.double(text)
        if text[:1] == "[":
            return self.flow_sequence(text[1:].lstrip())
        if text[:1] == "{":
            return self.flow_mapping(text[1:].lstrip())
        end = min((text.index(mark) for mark in ",]}" if mark in text), default=len(text))
        return _scalar(text[:end].strip()), text[end:]

    def flow_sequence(self, text: str) -> tuple[list[Any], str]:
        found = []
        while not text.startswith("]"):
            one, text = self.flow(text)
            found.append(one)
            text = self.next(text, "]")
        return found, text[1:]

    def flow_mapping(self, text: str) -> tuple[dict[str, Any], str]:
        found: dict[str, Any] = {}
        while not text.startswith("}"):
            if text[:1] in ("'", '"'):
                key, text = self.flow(text)
                _, colon, text = text.partition(":")
            else:
                key, colon, text = text.partition(":")
            if not colon:
                raise self.wrong("has a mapping without a colon")
            found[str(key).strip()], text = self.flow(text.lstrip())
            text = self.next(text, "}")
        return found, text[1:]

    def next(self, text: str, end: str) -> str:
        text = text.lstrip()
        if text.startswith(","):
            return text[1:].lstrip()
        if not text.startswith(end):
            raise self.wrong(f"has no {end}: it must end on its own line")
        return text

    def single(self, text: str) -> tuple[str, str]:
        found, at = "", 1
        while at < len(text):
            if text[at] == "'":
                if text[at + 1 : at + 2] != "'":
                    return found, text[at + 1 :]
                at += 1
            found += text[at]
            at += 1
        raise self.wrong("has no closing '")

    def double(self, text: str) -> tuple[str, str]:
        found, at = "", 1
        while at < len(text):
            if text[at] == '"':
                return found, text[at + 1 :]
            if text[at] == "\\":
                at += 1
                mark = text[at : at + 1]
                size = {"x": 2, "u": 4}.get(mark, 0)
                digits = text[at + 1 : at + 1 + size]
                is_code = size and len(digits) == size and not set(digits) - set("0123456789abcdefABCDEF")
                if mark not in _ESCAPES and not is_code:
                    raise self.wrong(f"has an escape that is not known: \\{mark}")
                found += chr(int(digits, 16)) if size else _ESCAPES[mark]
                at += size
            else:
                found += text[at]
            at += 1
        raise self.wrong('has no closing "')


def _without_comment(line: str) -> str:
    """A # begins one at the line's start or behind a space, outside quotes (6.6)."""
    quote = ""
    for at, letter in enumerate(line):
        if quote:
            quote = "" if letter == quote and line[at - 1] != "\\" else quote
        elif letter in "\"'" and line[:at].rstrip(" ")[-1:] in ("", ":", "-", "[", "{", ","):
            quote = letter
        elif letter == "#" and line[at - 1 : at] in ("", " ", "\t"):
            return line[:at]
    return line


def _split(content: str) -> tuple[str, str] | None:
    """``key: value``; None where it is none. The key may be quoted."""
    start = 0
    if content[:1] in ("'", '"'):
        start = content.find(content[0], 1) + 1
    elif content[:1] in ("[", "{"):
        return None
    at = content.find(": ", start)
    if at == 0:
        return None
    if at < 0:
        return (content[:-1].rstrip(), "") if content.endswith(":") and len(content) > 1 else None
    return content[:at].rstrip(), content[at + 2 :].strip()


def _scalar(text: str) -> Any:
    if text.lower() in _WORDS and text in (text.lower(), text.upper(), text.capitalize()):
        return _WORDS[text.lower()]
    for prefix, base in (("0o", 8), ("0x", 16)):
        if text.startswith(prefix):
            try:
                return int(text[2:], base)
            except ValueError:
                return text
    digits = text[1:] if text[:1] in ("+", "-") else text
    if digits.isdecimal() and digits.isascii():
        return int(text)
    whole, dot, rest = digits.partition(".")
    return float(text) if dot and whole.isdecimal() and rest.isdecimal() else text
