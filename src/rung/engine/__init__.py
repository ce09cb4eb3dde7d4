"""Rung 4, the engine: containers side by side on one host, behind Docker's API (``docker/``).

``serve`` is the daemon. ``foreground.py`` is one container without it, from an image or a directory.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.engine.daemon import serve
    from rung.engine.foreground import Source, Workplace, remove, run
    from rung.engine.options import RunOptions
    from rung.engine.places import DEFAULT_DATA, DEFAULT_RUN, Places
    from rung.engine.records import ContainerRecord, Records

#: public name -> the module of this package that has it
_HOME = {
    "DEFAULT_DATA": "places",
    "DEFAULT_RUN": "places",
    "Places": "places",
    "serve": "daemon",
    "ContainerRecord": "records",
    "Records": "records",
    "RunOptions": "options",
    "Source": "foreground",
    "Workplace": "foreground",
    "remove": "foreground",
    "run": "foreground",
}
__all__ = [
    "DEFAULT_DATA",
    "DEFAULT_RUN",
    "ContainerRecord",
    "Places",
    "Records",
    "RunOptions",
    "Source",
    "Workplace",
    "remove",
    "run",
    "serve",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
