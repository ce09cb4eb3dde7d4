"""OCI runtimes by name: Rung's own, any that is installed, and those that the daemon was told of."""

from __future__ import annotations

import os
import shlex
import shutil

from rung.engine.errors import BadParameter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    Told = Mapping[str, Mapping[str, Any]]

OWN = ("", "rung", "rung-runtime", "io.containerd.rung.v2")
#: Those that are looked for, by the names that Docker's users give.
KNOWN = ("runc", "crun", "runsc", "youki", "kata-runtime")


def runtime_program(name: str, told: Told, wrappers: str = "") -> str:
    """The program of a runtime, empty for our own. ``told``: ``runtimes`` of daemon.json; ``wrappers``: a directory for
    the scripts that give one its ``runtimeArgs``. Raises ``BadParameter``."""
    if name in told:
        return _told(name, told[name], wrappers)
    if name in OWN:
        return ""
    wanted = "runc" if name == "io.containerd.runc.v2" else name
    found = shutil.which(wanted) if wanted in KNOWN or wanted.startswith("/") else None
    if found is None:
        raise BadParameter(f"unknown or invalid runtime name: {name}")
    return found


def _told(name: str, runtime: Mapping[str, Any], wrappers: str) -> str:
    path = str(runtime.get("path") or (runtime.get("options") or {}).get("BinaryName") or runtime.get("runtimeType"))
    if path in OWN or os.path.basename(path) == "rung-runtime":
        return ""
    found = shutil.which("runc" if path == "io.containerd.runc.v2" else path)
    if found is None:
        raise BadParameter(f"runtime {name}: {path} is not there, or cannot be executed")
    arguments = runtime.get("runtimeArgs")
    return _wrapper(f"{wrappers}/{name}", [found, *map(str, arguments)]) if arguments and wrappers else found


def _wrapper(path: str, words: list[str]) -> str:
    """A runtime is one program to whoever starts it: its arguments are in a script."""
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)
    fresh = f"{path}.new"
    with open(fresh, "w", opener=lambda name, flags: os.open(name, flags, 0o700)) as file:
        file.write(f'#!/bin/sh\nexec {shlex.join(words)} "$@"\n')
    os.rename(fresh, path)
    return path


def installed(told: Told) -> dict[str, dict[str, Any]]:
    """Docker's ``Runtimes``: name -> path."""
    found = {name: {"path": path} for name in KNOWN if (path := shutil.which(name)) is not None}
    return {"rung": {"path": "rung-runtime"}, **found, **{name: dict(one) for name, one in told.items()}}
