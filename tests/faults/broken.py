"""Every way to break a ``config.json`` field by field, walked from the schema's own tables."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

from rung.spec.runtime.schema import ENUMS, RANGES, STRUCTS

#: A value of another type than the kind asks for.
WRONG: dict[str, Any] = {"text": 7, "bool": "true", **dict.fromkeys(RANGES, "1")}


def whole(kind: str = "Config") -> Any:
    """A value in which every field that the schema knows is there."""
    if kind[0] == "[":
        return [whole(kind[1:])]
    if kind[0] == "{":
        return {"key": whole(kind[1:])}
    if kind[0] == "@":
        return next(word for word in ENUMS[kind[1:]] if word)
    if kind in STRUCTS:
        return {name: whole(inner) for name, inner in STRUCTS[kind][1].items()}
    return {"text": "/a", "bool": True}.get(kind, 1)


def missing() -> Iterator[tuple[str, Any]]:
    """``(field, document)`` for each required field, which is left out."""
    for path, struct in structs("Config", ()):
        for name in STRUCTS[struct][0]:
            document = whole()
            del find(document, path)[name]
            yield written((*path, name)), document


def mistyped() -> Iterator[tuple[str, Any]]:
    """``(field, document)`` for each field, which has a value of another type."""
    for path, struct in structs("Config", ()):
        for name, kind in STRUCTS[struct][1].items():
            document = whole()
            find(document, path)[name] = WRONG.get(kind, "no such word" if kind[0] == "@" else 3)
            yield written((*path, name)), document


def structs(struct: str, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    """Where each struct lies in ``whole()``."""
    yield path, struct
    for name, kind in STRUCTS[struct][1].items():
        step: tuple[str | int, ...] = (name,)
        if kind[0] in "[{":
            step = (name, 0 if kind[0] == "[" else "key")
            kind = kind[1:]
        if kind in STRUCTS:
            yield from structs(kind, (*path, *step))


def find(document: Any, path: tuple[str | int, ...]) -> Any:
    for step in path:
        document = document[step]
    return document


def written(path: tuple[str | int, ...]) -> str:
    """The field as messages write it."""
    text = ""
    for step in path:
        text += f"[{step}]" if isinstance(step, int) else '["key"]' if step == "key" else f".{step}"
    return text.removeprefix(".")


def without(document: dict[str, Any], *path: str) -> dict[str, Any]:
    """A copy that lacks one field."""
    changed = copy.deepcopy(document)
    del find(changed, path[:-1])[path[-1]]
    return changed
