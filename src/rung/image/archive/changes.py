"""``--change``: instructions in a Dockerfile's words that set an image's configuration.

Pure. Those that ``docker import`` takes: CMD, ENTRYPOINT, ENV, EXPOSE, HEALTHCHECK, LABEL, ONBUILD,
STOPSIGNAL, USER, VOLUME, WORKDIR.
"""

from __future__ import annotations

import json
import shlex

from rung.errors import RungError
from rung.spec.duration import parse_duration_ns

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

_LISTS = {"CMD": "cmd", "ENTRYPOINT": "entrypoint"}
_TEXTS = {"STOPSIGNAL": "stop_signal", "USER": "user", "WORKDIR": "working_dir"}
_WORDS = {*_LISTS, *_TEXTS, "ENV", "EXPOSE", "HEALTHCHECK", "LABEL", "ONBUILD", "VOLUME"}
_TIMES = {
    "interval": "Interval",
    "timeout": "Timeout",
    "start-period": "StartPeriod",
    "start-interval": "StartInterval",
}


def parse_changes(instructions: Iterable[str]) -> dict[str, Any]:
    """Fields of ``ImageConfig`` that the instructions set."""
    fields: dict[str, Any] = {}
    for instruction in instructions:
        word, _, rest = instruction.strip().partition(" ")
        _apply(fields, word.upper(), rest.strip(), instruction)
    return fields


def _apply(fields: dict[str, Any], word: str, rest: str, whole: str) -> None:
    if word not in _WORDS:
        raise RungError(f"{word} is not a valid change command")
    if not rest:
        raise RungError(f"{word} requires at least one argument")
    if word in _LISTS:
        fields[_LISTS[word]] = _command(rest)
    elif word in _TEXTS:
        fields[_TEXTS[word]] = rest
    elif word == "ENV":
        fields["env"] = (*fields.get("env", ()), *(f"{key}={value}" for key, value in _pairs(rest, whole)))
    elif word == "LABEL":
        fields["labels"] = (*fields.get("labels", ()), *_pairs(rest, whole))
    elif word == "EXPOSE":
        ports = (port if "/" in port else f"{port}/tcp" for port in rest.split())
        fields["exposed_ports"] = (*fields.get("exposed_ports", ()), *ports)
    elif word == "ONBUILD":
        fields["on_build"] = (*fields.get("on_build", ()), rest)
    elif word == "HEALTHCHECK":
        fields["healthcheck"] = _healthcheck(rest, whole)
    else:
        paths = _command(rest) if rest.startswith("[") else tuple(rest.split())
        fields["volumes"] = (*fields.get("volumes", ()), *paths)


def _healthcheck(rest: str, whole: str) -> dict[str, Any]:
    """``NONE``, or flags and ``CMD ...``; times in nanoseconds, as docker keeps them."""
    found: dict[str, Any] = {}
    while rest.startswith("--"):
        flag, _, rest = rest.partition(" ")
        name, _, value = flag[2:].partition("=")
        time_ns = parse_duration_ns(value)
        if name == "retries" and value.isdigit():
            found["Retries"] = int(value)
        elif name in _TIMES and time_ns is not None:
            found[_TIMES[name]] = time_ns
        else:
            raise RungError("--change", f'"{whole}"', f"{flag} is no flag of HEALTHCHECK")
        rest = rest.lstrip()
    word, _, command = rest.partition(" ")
    if word.upper() == "NONE" and not command:
        return {"Test": ["NONE"]}
    if word.upper() != "CMD" or not command.strip():
        raise RungError("--change", f'"{whole}"', "HEALTHCHECK needs CMD and a command, or NONE")
    words = _command(command.strip())
    test = ["CMD-SHELL", words[2]] if not command.lstrip().startswith("[") else ["CMD", *words]
    return {"Test": test, **found}


def _command(rest: str) -> tuple[str, ...]:
    """``["a", "b"]`` as it is; anything else, also what is not JSON, is a line for the shell."""
    try:
        words = json.loads(rest) if rest.startswith("[") else None
    except ValueError:
        words = None
    if not isinstance(words, list) or not all(isinstance(item, str) for item in words):
        return ("/bin/sh", "-c", rest)
    return tuple(words)


def _pairs(rest: str, whole: str) -> list[tuple[str, str]]:
    """``A=1 B="2 3"``, or the old ``A the rest``."""
    first, _, old = rest.partition(" ")
    if "=" not in first:
        return [(first, old.strip())]
    try:
        words = shlex.split(rest)
    except ValueError as error:
        raise RungError("--change", f'"{whole}"', str(error)) from None
    pairs = [word.partition("=") for word in words]
    if not all(key and equals for key, equals, _ in pairs):
        raise RungError("--change", f'"{whole}"', "must be NAME=VALUE ...")
    return [(key, value) for key, _, value in pairs]
