"""Rung 4, the engine: containers on one host.

So far its thinnest part: one container in the foreground, from an image or a directory
(``foreground.py``), configured as Docker configures a container by default (``defaults.py``).
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.engine.foreground import Source, Workplace, remove, run
    from rung.engine.options import RunOptions
    from rung.engine.records import ContainerRecord, Records

#: public name -> the module of this package that has it
_HOME = {
    "ContainerRecord": "records",
    "Records": "records",
    "RunOptions": "options",
    "Source": "foreground",
    "Workplace": "foreground",
    "remove": "foreground",
    "run": "foreground",
}
__all__ = ["ContainerRecord", "Records", "RunOptions", "Source", "Workplace", "remove", "run"]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
