"""OCI runtimes by name: Rung's own, and any that is installed."""

from __future__ import annotations

import shutil

from rung.engine.errors import BadParameter

OWN = ("", "rung", "rung-runtime", "io.containerd.rung.v2")
#: Those that are looked for, by the names that Docker's users give.
KNOWN = ("runc", "crun", "runsc", "youki", "kata-runtime")


def runtime_program(name: str) -> str:
    """The program of a runtime, empty for our own. Raises ``BadParameter``."""
    if name in OWN:
        return ""
    wanted = "runc" if name == "io.containerd.runc.v2" else name
    found = shutil.which(wanted) if wanted in KNOWN or wanted.startswith("/") else None
    if found is None:
        raise BadParameter(f"unknown or invalid runtime name: {name}")
    return found


def installed() -> dict[str, dict[str, str]]:
    """Docker's ``Runtimes``: name -> path."""
    found = {name: path for name in KNOWN if (path := shutil.which(name)) is not None}
    return {"rung": {"path": "rung-runtime"}, **{name: {"path": path} for name, path in found.items()}}
