"""Who is measured: the OCI runtimes installed here, and the floor."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

import measure

HERE = Path(__file__).resolve().parent
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Runtime:
    """An OCI runtime as a program: they all speak runc's command line."""

    name: str
    program: str
    setting: dict[str, str] = field(default_factory=dict)

    @property
    def env(self) -> dict[str, str]:
        """The environment it is started with."""
        return {**measure.ENVIRONMENT, **self.setting}

    def argv(self, state: Path, *words: str | Path) -> list[str]:
        """The command with its own state directory."""
        return [self.program, "--root", str(state / self.name), *map(str, words)]

    def version(self) -> str:
        """The first line of ``--version``."""
        run = subprocess.run([self.program, "--version"], capture_output=True, text=True, check=False)
        return (run.stdout or run.stderr).splitlines()[0].strip() if run.stdout or run.stderr else "?"


def installed() -> list[Runtime]:
    """Rung's runtime beside the running interpreter, as installed (with its warm server) and without
    the server, and the peers from the distribution."""
    found = []
    ours = Path(sys.executable).parent / "rung-runtime"
    if ours.exists():
        found += [Runtime("rung", str(ours)), Runtime("cold", str(ours), {"RUNG_WARM": "off"})]
    for name in ("runc", "crun"):
        program = shutil.which(name, path=SYSTEM_PATH)
        if program:
            found.append(Runtime(name, program))
    return found


def bare_python() -> list[str]:
    """The interpreter that the cold runtime starts, doing nothing."""
    return [str(Path(sys.executable).resolve()), "-ISc", "pass"]


def busybox() -> Path:
    """The static busybox that is the workload."""
    found = shutil.which("busybox", path=SYSTEM_PATH)
    if found is None:
        sys.exit("bench: no busybox: apt-get install busybox-static")
    return Path(found).resolve()


def compile_floor(into: Path) -> str:
    """``floor.c``, compiled."""
    out = into / "floor"
    source = HERE / "floor.c"
    flags = ["-std=gnu17", "-static", "-O2", "-Wall", "-Wextra", "-s"]
    subprocess.run(["cc", *flags, source, "-o", out], check=True)
    return str(out)
