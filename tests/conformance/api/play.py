"""A scenario on one daemon: its steps in their order, then everything that it has made is taken away."""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from urllib.parse import quote

from . import normal
from .step import IMAGE, SHAPE, STATUS, Step
from .wire import Answer, ask

#: Headers whose value clients look at; of the others that are named that they are there.
VALUES = ("content-type", "docker-experimental", "ostype", "swarm", "cache-control", "pragma")
THERE = (
    "builder-version",
    "api-version",
    "server",
    "x-docker-container-path-stat",
    "location",
    "upgrade",
    "allow",
)
PREDEFINED = ("bridge", "host", "none")
PATIENCE_S = 60.0


def play(place: Path, name: str, steps: Iterable[Step]) -> list[Any]:
    """What each step came to, without what differs everywhere."""
    words = {"name": name}
    try:
        return [_facts(step, _done(place, step, words)) for step in steps]
    finally:
        clear(place)


def _done(place: Path, step: Step, words: dict[str, str]) -> Answer:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        answer = ask(place, step.method, _filled(step.path, words), _body(step.body, words), step.headers)
        if step.until in answer.body.decode("utf-8", "replace"):
            break
        assert time.monotonic() < deadline, f"{step.path}: never {step.until!r}: {answer.body!r}"
        time.sleep(0.05)
    value = answer.value()
    for word, field in step.keep.items():
        if isinstance(value, dict) and field in value:
            words[word] = value[field]
    return answer


def _body(body: Any, words: dict[str, str]) -> Any:
    if body is None or isinstance(body, bytes):
        return body
    return _filled(json.dumps(body), words).encode()


def _filled(text: str, words: dict[str, str]) -> str:
    for word, value in words.items():
        text = text.replace(f"{{{word}}}", value)
    return text


def _facts(step: Step, answer: Answer) -> dict[str, Any]:
    facts: dict[str, Any] = {"step": f"{step.method} {step.path}", "status": answer.status}
    if step.look != STATUS:
        found = {name: value for name, value in answer.headers.items() if name in VALUES}
        facts["headers"] = found | {name: "there" for name in THERE if name in answer.headers}
        facts["body"] = (normal.shape if step.look == SHAPE else normal.whole)(answer.value(), step.drop)
    return facts


def clear(place: Path) -> None:
    """Containers, networks, volumes and images but those that were there before."""
    for one in ask(place, "GET", "/containers/json?all=1").value():
        ask(place, "DELETE", f"/containers/{one['Id']}?force=1&v=1")
    for one in ask(place, "GET", "/networks").value():
        if one["Name"] not in PREDEFINED:
            ask(place, "DELETE", f"/networks/{one['Id']}")
    for one in ask(place, "GET", "/volumes").value()["Volumes"] or ():
        ask(place, "DELETE", f"/volumes/{quote(one['Name'])}?force=1")
    for one in ask(place, "GET", "/images/json").value():
        for tag in one["RepoTags"] or [one["Id"]]:
            if tag != IMAGE:
                ask(place, "DELETE", f"/images/{tag}?force=1")
