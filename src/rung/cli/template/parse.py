"""From a template's text to a tree. Follows text/template/parse of Go 1.24."""

from __future__ import annotations

import re

from rung.errors import RungError
from rung.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

_ACTION = re.compile(r"""\{\{(-(?=\s))?((?:/\*.*?\*/|"(?:[^"\\]|\\.)*"|`[^`]*`|[^"`])*?)(\s-)?\}\}""", re.S)
_TOKEN = re.compile(
    r"""\s*(?:(?P<string>"(?:[^"\\\n]|\\.)*"|`[^`]*`)|(?P<char>'(?:[^'\\]|\\.)')|(?P<number>[-+]?\d[\d_.xXa-fA-F]*)
    |(?P<variable>\$\w*(?:\.\w+)*)|(?P<field>(?:\.\w+)+)|(?P<dot>\.)|(?P<word>\w+)|(?P<sign>:=|[=|(),]))""",
    re.X,
)
_ENDS = ("end", "else")


class Text(Record):
    """Words that are printed as they are."""

    text: str


class Pipeline(Record):
    """Commands, each of which takes the result of the one before as its last argument."""

    commands: tuple[tuple[Any, ...], ...]
    variables: tuple[str, ...] = ()
    declares: bool = False
    source: str = ""


class Operand(Record):
    """``kind``: ``value``, ``field``, ``variable``, ``function`` or ``pipeline``; ``path``: fields of it."""

    kind: str
    value: Any
    path: tuple[str, ...] = ()


class Branch(Record):
    """``if``, ``with`` or ``range``: a pipeline, what is done with it, and what without."""

    word: str
    pipeline: Pipeline
    body: tuple[Any, ...]
    otherwise: tuple[Any, ...]


class Jump(Record):
    """``break`` or ``continue``."""

    word: str


def broken(reason: str) -> RungError:
    """What docker says of a template that it cannot read."""
    return RungError("template parsing error", "", f"template: :1: {reason}")


def parse(text: str) -> tuple[Any, ...]:
    """The tree of a template; raises ``RungError``."""
    pieces: list[Text | str] = []
    at, trim = 0, False
    for match in _ACTION.finditer(text):
        before = text[at : match.start()]
        before = before.lstrip() if trim else before
        pieces.append(Text(before.rstrip() if match[1] else before))
        if not match[2].strip().startswith("/*"):
            pieces.append(match[2].strip())
        at, trim = match.end(), bool(match[3])
    rest = text[at:]
    if "{{" in rest:
        raise broken("unclosed action")
    pieces.append(Text(rest.lstrip() if trim else rest))
    pieces.reverse()
    body, end = _body(pieces)
    if end:
        raise broken(f"unexpected {{{{{end}}}}}")
    return body


def _body(pieces: list[Text | str]) -> tuple[tuple[Any, ...], str]:
    """Nodes up to ``end``, ``else`` or the template's end, and which it was."""
    nodes: list[Any] = []
    while pieces:
        piece = pieces.pop()
        if isinstance(piece, Text):
            if piece.text:
                nodes.append(piece)
            continue
        word, _, rest = piece.partition(" ")
        if word in _ENDS:
            return tuple(nodes), piece
        if word in ("if", "with", "range"):
            nodes.append(_branch(word, rest, pieces))
        elif word in ("break", "continue") and not rest:
            nodes.append(Jump(word))
        elif word in ("define", "template", "block"):
            raise broken(f"{{{{{word}}}}} is not supported here")
        else:
            nodes.append(_pipeline(piece))
    return tuple(nodes), ""


def _branch(word: str, rest: str, pieces: list[Text | str]) -> Branch:
    pipeline = _pipeline(rest)
    body, end = _body(pieces)
    otherwise: tuple[Any, ...] = ()
    if end.startswith("else"):
        again = end[4:].strip()
        if again:  # {{else if ...}}: a branch in the other branch, which shares its end
            next_word, _, next_rest = again.partition(" ")
            otherwise, end = (_branch(next_word, next_rest, pieces),), "end"
        else:
            otherwise, end = _body(pieces)
    if end != "end":
        raise broken("unexpected EOF")
    return Branch(word, pipeline, body, otherwise)


def _pipeline(text: str) -> Pipeline:
    tokens = _tokens(text)
    variables: list[str] = []
    declares = False
    for size in (1, 3):
        sign = tokens[size : size + 1]
        if sign in ([("sign", ":=")], [("sign", "=")]) and all(kind == "variable" for kind, _ in tokens[:size:2]):
            variables = [value for _, value in tokens[:size:2]]
            declares = sign[0][1] == ":="
            tokens = tokens[size + 1 :]
            break
    tokens.reverse()
    made = _commands(tokens, text)
    if tokens:
        raise broken(f'unexpected "{tokens[-1][1]}" in command')
    return made.replace(variables=tuple(variables), declares=declares)  # type: ignore[no-any-return]


def _tokens(text: str) -> list[tuple[str, str]]:
    tokens = []
    at = 0
    while text[at:].strip():
        match = _TOKEN.match(text, at)
        if match is None:
            raise broken(f'unexpected "{text[at:].strip()[0]}" in command')
        tokens.append((str(match.lastgroup), match[str(match.lastgroup)]))
        at = match.end()
    return tokens


def _commands(tokens: list[tuple[str, str]], source: str) -> Pipeline:
    """Commands up to a closing bracket or the end; ``tokens`` is reversed."""
    commands: list[tuple[Any, ...]] = []
    words: list[Any] = []
    while tokens and tokens[-1] != ("sign", ")"):
        kind, value = tokens.pop()
        if (kind, value) == ("sign", "|"):
            commands.append(_command(words))
            words = []
        else:
            words.append(_operand(kind, value, tokens, source))
    commands.append(_command(words))
    return Pipeline(tuple(commands), source=source)


def _command(words: list[Any]) -> tuple[Any, ...]:
    if not words:
        raise broken("missing value for command")
    return tuple(words)


def _operand(kind: str, value: str, tokens: list[tuple[str, str]], source: str) -> Operand:
    if kind == "field":
        return Operand("field", None, tuple(value[1:].split(".")))
    if kind == "dot":
        return Operand("field", None)
    if kind == "variable":
        name, *path = value.split(".")
        return Operand("variable", name, tuple(path))
    if kind == "word":
        constants = {"true": True, "false": False, "nil": None}
        return Operand("value", constants[value]) if value in constants else Operand("function", value)
    if (kind, value) == ("sign", "("):
        inner = _commands(tokens, source)
        if not tokens:
            raise broken("unclosed left paren")
        tokens.pop()
        path = tokens.pop()[1][1:].split(".") if tokens and tokens[-1][0] == "field" else []
        return Operand("pipeline", inner, tuple(path))
    return Operand("value", _constant(kind, value))


def _constant(kind: str, value: str) -> Any:
    if kind == "string":
        return value[1:-1] if value[0] == "`" else _unescaped(value[1:-1])
    if kind == "char":
        return ord(_unescaped(value[1:-1]))
    if kind == "number":
        try:
            return float(value) if "." in value else int(value, 0)
        except ValueError:
            raise broken(f'bad number syntax: "{value}"') from None
    raise broken(f'unexpected "{value}" in operand')


def _unescaped(text: str) -> str:
    simple = {"n": "\n", "t": "\t", "r": "\r", "a": "\a", "b": "\b", "f": "\f", "v": "\v"}
    pattern = r"\\(?:x([0-9a-fA-F]{2})|u([0-9a-fA-F]{4})|(.))"
    return re.sub(pattern, lambda m: chr(int(m[1] or m[2], 16)) if m[1] or m[2] else simple.get(m[3], m[3]), text)
