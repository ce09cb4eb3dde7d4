"""Runtimes by name: Rung's own, any OCI runtime that is installed, those that the daemon was told of, and other
shims: ``io.containerd.NAME.vN`` is the program containerd-shim-NAME-vN, which a path may name, too."""

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
    found = shutil.which(name) if name in KNOWN or name.startswith("/") else shim_program(name)
    if found is None:
        raise BadParameter(f"unknown or invalid runtime name: {name}")
    return found


def shim_program(name: str) -> str | None:
    """The shim that containerd would take for a runtime's name; where there is none of runc's, runc does the same."""
    parts = name.split(".")
    if not name.startswith("io.containerd.") or len(parts) < 4 or "/" in name:
        return None
    kind, version = parts[-2:]
    found = shutil.which(f"containerd-shim-{kind}-{version}")
    return found or (shutil.which("runc") if kind == "runc" else None)


def _told(name: str, runtime: Mapping[str, Any], wrappers: str) -> str:
    path = str(runtime.get("path") or (runtime.get("options") or {}).get("BinaryName") or runtime.get("runtimeType"))
    if path in OWN or os.path.basename(path) == "rung-runtime":
        return ""
    found = shim_program(path) or shutil.which(path)
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
