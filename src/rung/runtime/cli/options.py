"""Command lines as runc takes them, read by a table.

``argparse`` costs 5 to 7 ms to import, most of what ``rung-runtime`` has for a whole
command. The rules are those of Go's ``flag`` package, through which runc's callers
learned to speak: one dash or two, ``--flag value`` or ``--flag=value``, a boolean takes
its value only after ``=``, ``--`` ends the flags, a lone ``-`` is an argument. Flags may
follow arguments, except where the rest belongs to another program (``interleaved``).

Rule: this module only turns words into values; it knows no command.
"""

from __future__ import annotations

from rung.errors import RungError
from rung.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

BOOLEANS = {
    **dict.fromkeys(("1", "t", "T", "true", "TRUE", "True"), True),
    **dict.fromkeys(("0", "f", "F", "false", "FALSE", "False"), False),
}

#: Seconds in each unit of a Go duration.
UNITS_S = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}


class UsageError(RungError):
    """The command line itself is wrong; the usage is shown with it."""


class Flag(Record):
    """One flag: its names, the longest first; the value that it has when it is not given.

    ``kind``: ``bool``, ``text``, ``int``, ``duration`` (seconds), ``texts`` and ``ints``
    (repeatable). ``hidden`` flags are taken, for runc's callers, and not shown."""

    names: tuple[str, ...]
    kind: str
    help: str
    default: Any = None
    hidden: bool = False


class Command(Record):
    """What a command's file says of it."""

    name: str
    arguments: str  # as the usage line shows them
    summary: str
    example: str
    flags: tuple[Flag, ...] = ()
    description: str = ""
    least: int = 0  # arguments
    most: int = 0  # arguments; -1: any number
    interleaved: bool = True


HELP = Flag(("help", "h"), "bool", "show help", False)


def parse(
    flags: tuple[Flag, ...], words: Sequence[str], interleaved: bool
) -> tuple[dict[str, Any], list[str]]:
    """``(values by long name, arguments)``. Raises UsageError."""
    known: dict[str, Flag] = {}
    values: dict[str, Any] = {}
    for flag in (*flags, HELP):
        values[flag.names[0]] = [] if flag.kind in ("texts", "ints") else flag.default
        for name in flag.names:
            known[name] = flag
    arguments: list[str] = []
    at = 0
    while at < len(words):
        word = words[at]
        at += 1
        if word == "--":
            break
        if len(word) < 2 or word[0] != "-":
            arguments.append(word)
            if not interleaved:
                break
            continue
        name, equals, text = word[2 if word[1] == "-" else 1 :].partition("=")
        if not name or name[0] == "-":
            raise UsageError(f"bad flag syntax: {word}")
        found = known.get(name)
        if found is None:
            raise UsageError(f"flag provided but not defined: -{name}")
        if not equals and found.kind != "bool":
            if at == len(words):
                raise UsageError(f"flag needs an argument: -{name}")
            text = words[at]
            at += 1
        value = value_of(found.kind, text if equals or found.kind != "bool" else "true", name)
        if found.kind in ("texts", "ints"):
            values[found.names[0]].append(value)
        else:
            values[found.names[0]] = value
    arguments.extend(words[at:])
    return values, arguments


def value_of(kind: str, text: str, name: str) -> Any:
    """The value of a flag's text. Raises UsageError."""
    try:
        if kind == "bool":
            return BOOLEANS[text]
        if kind in ("int", "ints"):
            return int(text, 0)
        if kind == "duration":
            return duration(text)
        return text
    except (KeyError, ValueError):
        what = "boolean value" if kind == "bool" else "value"
        raise UsageError(f'invalid {what} "{text}" for flag -{name}: parse error') from None


def duration(text: str) -> float:
    """Seconds of a Go duration: ``5s``, ``1m30s``, ``100ms``. Raises ValueError."""
    if text == "0":
        return 0.0
    seconds = 0.0
    rest = text[1:] if text[:1] in ("+", "-") else text
    if not rest:
        raise ValueError(text)
    while rest:
        number_end = len(rest) - len(rest.lstrip("0123456789."))
        unit_end = number_end + len(rest[number_end:]) - len(rest[number_end:].lstrip("nsuµmh"))
        unit = rest[number_end:unit_end]
        if unit not in UNITS_S:
            raise ValueError(text)
        seconds += float(rest[:number_end]) * UNITS_S[unit]
        rest = rest[unit_end:]
    return -seconds if text[0] == "-" else seconds


def check_arguments(command: Command, arguments: Sequence[str]) -> None:
    """That there are as many arguments as the command takes. Raises UsageError."""
    count = len(arguments)
    if command.least == command.most and count != command.least:
        asked = f"exactly {command.least}"
    elif count < command.least:
        asked = f"a minimum of {command.least}"
    elif command.most >= 0 and count > command.most:
        asked = f"a maximum of {command.most}"
    else:
        return
    raise UsageError(f'"{command.name}" requires {asked} argument(s)')
