"""``--change``: instructions in a Dockerfile's words that set an image's configuration.

Pure. Those that ``docker import`` takes: CMD, ENTRYPOINT, ENV, EXPOSE, LABEL, STOPSIGNAL,
USER, VOLUME, WORKDIR.
"""

from __future__ import annotations

import json
import shlex

from rung.errors import RungError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

_LISTS = {"CMD": "cmd", "ENTRYPOINT": "entrypoint"}
_TEXTS = {"STOPSIGNAL": "stop_signal", "USER": "user", "WORKDIR": "working_dir"}


def parse_changes(instructions: Iterable[str]) -> dict[str, Any]:
    """Fields of ``ImageConfig`` that the instructions set."""
    fields: dict[str, Any] = {}
    for instruction in instructions:
        word, _, rest = instruction.strip().partition(" ")
        _apply(fields, word.upper(), rest.strip(), instruction)
    return fields


def _apply(fields: dict[str, Any], word: str, rest: str, whole: str) -> None:
    if not rest:
        raise RungError("--change", f'"{whole}"', "says nothing after its first word")
    if word in _LISTS:
        fields[_LISTS[word]] = _command(rest, whole)
    elif word in _TEXTS:
        fields[_TEXTS[word]] = rest
    elif word == "ENV":
        fields["env"] = (*fields.get("env", ()), *(f"{key}={value}" for key, value in _pairs(rest, whole)))
    elif word == "LABEL":
        fields["labels"] = (*fields.get("labels", ()), *_pairs(rest, whole))
    elif word == "EXPOSE":
        ports = (port if "/" in port else f"{port}/tcp" for port in rest.split())
        fields["exposed_ports"] = (*fields.get("exposed_ports", ()), *ports)
    elif word == "VOLUME":
        paths = _command(rest, whole) if rest.startswith("[") else tuple(rest.split())
        fields["volumes"] = (*fields.get("volumes", ()), *paths)
    else:
        raise RungError("--change", f'"{whole}"', f"{word} cannot be set on import")


def _command(rest: str, whole: str) -> tuple[str, ...]:
    """``["a", "b"]`` as it is; anything else is a line for the shell."""
    if not rest.startswith("["):
        return ("/bin/sh", "-c", rest)
    try:
        words = json.loads(rest)
    except ValueError as error:
        raise RungError("--change", f'"{whole}"', f"is not a JSON list: {error}") from None
    if not all(isinstance(item, str) for item in words):
        raise RungError("--change", f'"{whole}"', "must be a list of strings")
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
