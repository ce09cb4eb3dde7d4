"""``filters`` of a list of containers: all filters must fit, of each any word; of labels every one."""

from __future__ import annotations

import re

from rung.engine import states
from rung.engine.docker.views import ports
from rung.engine.errors import BadParameter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from rung.engine.container import Container
    from rung.engine.engine import Engine

    Fits = Callable[[Container, str], bool]

_LONGEST_PORTS = len("65535-65535")


def is_in(word: str, text: str) -> bool:
    """Whether a pattern is found in it; as with Docker, what is no pattern is found nowhere."""
    try:
        return re.search(word, text) is not None
    except re.error:
        return False


def carries(labels: Mapping[str, str], words: Iterable[str]) -> bool:
    """Whether all of these ``NAME`` and ``NAME=VALUE`` are among the labels: several narrow a choice, with Docker, and
    do not widen it as the words of other filters do. Compose tells one service from another so."""
    asked = (word.partition("=") for word in words)
    return all(name in labels and (not given or labels[name] == value) for name, given, value in asked)


def _health(container: Container, word: str) -> bool:
    return word == ((container.state.health or {}).get("Status") or "none")


def _volume(container: Container, word: str) -> bool:
    return any(word in (one["name"], one["source"], one["destination"]) for one in container.mounts)


def _port(field: str) -> Fits:
    """``80``, ``80/tcp``, ``80-90/udp`` among the ports of a container."""

    def fits(container: Container, word: str) -> bool:
        numbers, _, protocol = word.partition("/")
        first, _, last = numbers.partition("-")
        if not first.isdecimal() or (last and not last.isdecimal()) or len(numbers) > _LONGEST_PORTS:
            raise BadParameter(f"invalid port specification: {word}")
        wanted = range(int(first), int(last or first) + 1)
        there = ((one.get(field), one["Type"]) for one in ports(container))
        return any(number in wanted and kind == (protocol or "tcp") for number, kind in there)

    return fits


FITS: dict[str, Fits] = {
    "id": lambda one, word: is_in(word, one.id),
    "name": lambda one, word: is_in(word.removeprefix("/"), one.name) or f"/{one.name}" == word,
    "status": lambda one, word: one.state.status == word,
    "exited": lambda one, word: one.state.status == states.EXITED and str(one.state.exit_code) == word,
    "health": _health,
    "volume": _volume,
    "ancestor": lambda one, word: (
        word in (one.image_name, one.image, one.image_name.partition(":")[0])
        or one.image.startswith(f"sha256:{word}")
        or f"{one.image_name}:latest" == word
    ),
    "network": lambda one, word: word in one.endpoints or word == one.network_mode,
    "publish": _port("PublicPort"),
    "expose": _port("PrivatePort"),
    "is-task": lambda _one, word: word.lower() in ("0", "false"),
}
_STATUSES = tuple(states.NEXT)
_HEALTHS = ("starting", "healthy", "unhealthy", "none")


def chosen(engine: Engine, filters: Mapping[str, list[str]], *, all: bool) -> list[Container]:
    """Those that fit, the newest first. Raises ``BadParameter`` for a filter that there is not."""
    found = list(engine.containers)
    for name, words in filters.items():
        if name in ("before", "since"):
            edges = [_edge(engine, word).created_ns for word in words]
            found = [one for one in found if any(_beside(one.created_ns, edge, name) for edge in edges)]
            continue
        if name == "label":
            found = [one for one in found if carries(one.labels, words)]
            continue
        fits = FITS.get(name)
        if fits is None:
            if name == "isolation":
                continue
            raise BadParameter(f"invalid filter '{name}'")
        _check(name, words)
        found = [one for one in found if any(fits(one, word) for word in words)]
    if all or {"status", "exited"} & filters.keys():
        return found
    return [one for one in found if one.state.status in (*states.LIVE, states.RESTARTING)]


def _check(name: str, words: list[str]) -> None:
    """Raises ``BadParameter`` for a value that can never fit."""
    for word in words:
        if name == "status" and word not in _STATUSES:
            raise BadParameter(f"invalid filter 'status={word}'")
        if name == "exited" and not word.removeprefix("-").isdecimal():
            raise BadParameter(
                f"invalid filter 'exited={word}': strconv.Atoi: parsing \"{word}\": invalid syntax"
            )
        if name == "health" and word not in _HEALTHS:
            raise BadParameter(f"unrecognized filter value for health: {word}")
        if name == "is-task" and word.lower() not in ("0", "1", "true", "false"):
            raise BadParameter(f"invalid filter 'is-task=[{word}]'")


def _edge(engine: Engine, word: str) -> Container:
    return engine.containers.get(word)


def _beside(moment: int, edge: int, name: str) -> bool:
    return moment < edge if name == "before" else moment > edge
