"""Rung 2, the shim: one keeper per container or pod. It starts the runtime, holds streams and terminals, reaps, keeps
the exit status, and outlives whoever asked for the container.

It serves containerd's Task service over ttrpc on a unix socket. ``program`` is the shim as containerd starts it,
``zygote`` forks it for Rung's engine.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.shim.beginning import Keep, listen
    from rung.shim.remains import clear
    from rung.shim.rootfs import mount_options

#: public name -> the module of this package that has it
_HOME = {"Keep": "beginning", "clear": "remains", "listen": "beginning", "mount_options": "rootfs"}
__all__ = ["Keep", "clear", "listen", "mount_options"]


def __getattr__(name: str) -> object:
    if name not in _HOME:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
