"""A copy of the package with a launcher and a server of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import pytest

import native
import warmth
from conformance.bundle import edit
from rung.spec.runtime.default import default_config

SRC = Path(__file__).resolve().parents[3] / "src"


class Installation:
    """``run`` goes the warm way where there is a server; ``cold`` never does."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self.home = place / "src"
        shutil.copytree(SRC, self.home, ignore=shutil.ignore_patterns("__pycache__", "*.[ch]"))
        self.launcher = native.compile_launcher(
            place / "bin/rung-runtime", home=self.home, python=native.real_interpreter()
        )
        self.root = place / "state"
        self.cold("--version")

    def call(self, *words: object, warm: bool, **how: object) -> subprocess.CompletedProcess[bytes]:
        environment = {**os.environ, "RUNG_WARM": "on" if warm else "off"}
        argv = [*map(str, how.pop("before", ())), self.launcher, "--root", self.root, *map(str, words)]
        given = {"env": environment, "check": False, "timeout": 60, **how}
        with TemporaryFile(dir=self.place) as out, TemporaryFile(dir=self.place) as err:
            # files: a created container keeps them open, and a pipe would never end
            run = subprocess.run(argv, stdout=out, stderr=err, **given)
            out.seek(0), err.seek(0)
            return subprocess.CompletedProcess(argv, run.returncode, out.read(), err.read())

    def run(self, *words: object, **how: object) -> subprocess.CompletedProcess[bytes]:
        return self.call(*words, warm=True, **how)

    def cold(self, *words: object, **how: object) -> subprocess.CompletedProcess[bytes]:
        return self.call(*words, warm=False, **how)

    def start_server(self) -> Path:
        return warmth.start(self.launcher, self.home)

    def servers(self) -> list[int]:
        return warmth.servers(self.home)

    def was_warm(self, *words: object, **how: object) -> bool:
        """Whether a command is carried out without a Python of its own."""
        trace = self.place / "trace"
        self.run(*words, before=["strace", "-s", "4096", "-o", trace, "-e", "trace=execve"], **how)
        return "boot." not in trace.read_text()  # what Python begins with, in the launcher's own place


@pytest.fixture(scope="module")
def installation(rung_init: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    found = Installation(tmp_path_factory.mktemp("installation"))
    found.start_server()
    yield found
    warmth.stop(found.home)


Make = Callable[..., Path]


@pytest.fixture
def make(tmp_path: Path, busybox_rootfs: Path) -> Make:
    """``make(args, edits)``: a bundle. Its containers' ids begin with ``warm-``."""

    def bundle(*args: str, edits: Mapping[str, Any] | None = None) -> Path:
        config: dict[str, Any] = default_config(cgroup_v2=False)  # type: ignore[assignment]
        config["root"] = {"path": str(busybox_rootfs), "readonly": True}
        config["process"].update(args=list(args), terminal=False)
        for path, value in (edits or {}).items():
            edit(config, path, value)
        place = tmp_path / f"bundle-{len(list(tmp_path.iterdir()))}"
        place.mkdir()
        (place / "config.json").write_text(json.dumps(config))
        return place

    return bundle
