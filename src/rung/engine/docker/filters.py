"""``filters`` of a list of containers: all filters must fit, of each any word."""

from __future__ import annotations

import re

from rung.engine import states
from rung.engine.errors import BadParameter, NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from rung.engine.container import Container
    from rung.engine.engine import Engine

    Fits = Callable[[Container, str], bool]


def _label(container: Container, word: str) -> bool:
    name, given, value = word.partition("=")
    return name in container.labels and (not given or container.labels[name] == value)


def _health(container: Container, word: str) -> bool:
    return word == ((container.state.health or {}).get("Status") or "none")


def _volume(container: Container, word: str) -> bool:
    return any(word in (one["name"], one["source"], one["destination"]) for one in container.mounts)


FITS: dict[str, Fits] = {
    "id": lambda one, word: re.search(word, one.id) is not None,
    "name": lambda one, word: re.search(word.removeprefix("/"), one.name) is not None or f"/{one.name}" == word,
    "label": _label,
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
    "is-task": lambda _one, word: word.lower() in ("0", "false"),
}
_STATUSES = tuple(states.NEXT)


def chosen(engine: Engine, filters: Mapping[str, list[str]], *, all: bool) -> list[Container]:
    """Those that fit, the newest first. Raises ``BadParameter`` for a filter that there is not."""
    found = list(engine.containers)
    for name, words in filters.items():
        if name in ("before", "since"):
            edges = [_edge(engine, word).created_ns for word in words]
            found = [one for one in found if any(_beside(one.created_ns, edge, name) for edge in edges)]
            continue
        fits = FITS.get(name)
        if fits is None:
            if name in ("publish", "expose", "isolation"):
                continue
            raise BadParameter(f"invalid filter '{name}'")
        if name == "status" and (strange := set(words) - set(_STATUSES)):
            raise BadParameter(f"invalid value for state ({strange.pop()}): must be one of {', '.join(_STATUSES)}")
        found = [one for one in found if any(fits(one, word) for word in words)]
    if all or {"status", "exited"} & filters.keys():
        return found
    return [one for one in found if one.state.status in (*states.LIVE, states.RESTARTING)]


def _edge(engine: Engine, word: str) -> Container:
    try:
        return engine.containers.get(word)
    except NotFound as error:
        raise BadParameter(str(error)) from None


def _beside(moment: int, edge: int, name: str) -> bool:
    return moment < edge if name == "before" else moment > edge
