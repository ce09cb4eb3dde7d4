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
    from rung.engine.serving.file import config_file, read_file
    from rung.engine.serving.options import OPTIONS
    from rung.engine.serving.settings import Settings, idle, reloaded, settings
    from rung.engine.telemetry import send_trace

#: public name -> the module of this package that has it
_HOME = {
    "DEFAULT_DATA": "places",
    "DEFAULT_RUN": "places",
    "Places": "places",
    "serve": "daemon",
    "config_file": "serving.file",
    "read_file": "serving.file",
    "OPTIONS": "serving.options",
    "Settings": "serving.settings",
    "idle": "serving.settings",
    "reloaded": "serving.settings",
    "settings": "serving.settings",
    "ContainerRecord": "records",
    "Records": "records",
    "RunOptions": "options",
    "Source": "foreground",
    "Workplace": "foreground",
    "remove": "foreground",
    "run": "foreground",
    "send_trace": "telemetry",
}
__all__ = [
    "DEFAULT_DATA",
    "DEFAULT_RUN",
    "OPTIONS",
    "ContainerRecord",
    "Places",
    "Records",
    "RunOptions",
    "Settings",
    "Source",
    "Workplace",
    "config_file",
    "idle",
    "read_file",
    "reloaded",
    "remove",
    "run",
    "send_trace",
    "serve",
    "settings",
]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
