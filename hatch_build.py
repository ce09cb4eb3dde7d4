"""Wheel build hook: compiles the C programs and puts them where they belong.

``rung-init`` and ``rung-untar`` go into the package (``rung/_bin``), the launcher into the
wheel's scripts under its names: ``rung-runtime``, ``rung`` and containerd's shim. An editable install
gets them as well: the two in the source tree, and launchers that know where that is.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

sys.path.insert(0, str(Path(__file__).resolve().parent / "tools"))
import native


class NativeBuildHook(BuildHookInterface):  # type: ignore[type-arg]
    """See the module."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Before the wheel is put together: compile, and name the results."""
        self.scratch = TemporaryDirectory(prefix="rung-build-")
        scratch = Path(self.scratch.name)
        editable = version == "editable"
        if editable:
            native.compile_init()
            native.compile_untar()
            home, python = Path(self.root, "src"), sys.executable
        else:
            for program in (native.compile_init(scratch / "rung-init"), native.compile_untar(scratch / "rung-untar")):
                build_data["force_include"][str(program)] = f"rung/_bin/{program.name}"
            # The wheel may travel: no interpreter of a passing build environment stays in it.
            home, python = None, native.real_interpreter()
        for name in native.PROGRAMS:
            launcher = native.compile_launcher(scratch / name, home=home, python=python)
            build_data["shared_scripts"][str(launcher)] = name
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-linux_{os.uname().machine}"

    def finalize(self, version: str, build_data: dict[str, Any], artifact_path: str) -> None:
        """After it: nothing of the build stays behind."""
        self.scratch.cleanup()
