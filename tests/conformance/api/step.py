"""A request, and what of its answer is compared: data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

ALL, SHAPE, STATUS = "all", "shape", "status"


@dataclass(frozen=True)
class Step:
    """``path`` and ``body`` may have ``{words}``: what earlier steps have kept, and the scenario's own ``{name}``.

    ``look``: all of the body, its shape alone (names and types), or not even that. ``drop``: names of fields, at any
    depth, that differ on purpose. ``keep``: word -> the answer's field. ``until``: ask again until the answer's text
    has it."""

    method: str
    path: str
    body: Any = None
    look: str = ALL
    drop: tuple[str, ...] = ()
    keep: Mapping[str, str] = field(default_factory=dict)
    headers: Mapping[str, str] = field(default_factory=dict)
    until: str = ""


def get(path: str, **more: Any) -> Step:
    """GET."""
    return Step("GET", path, **more)


def post(path: str, body: Any = None, **more: Any) -> Step:
    """POST."""
    return Step("POST", path, body, **more)


def delete(path: str, **more: Any) -> Step:
    """DELETE."""
    return Step("DELETE", path, **more)


IMAGE = "busybox:test"


def create(name: str = "{name}", *command: str, query: str = "", **config: Any) -> Step:
    """A container that sleeps, or what ``command`` does; its id is kept as ``{id}``."""
    body = {"Image": IMAGE, "Cmd": list(command or ("sleep", "1000")), **config}
    host = {"NetworkMode": "none", **(body.get("HostConfig") or {})}
    return post(f"/containers/create?name={name}{query}", {**body, "HostConfig": host}, keep={"id": "Id"})
