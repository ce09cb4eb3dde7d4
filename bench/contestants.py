"""Who is measured: the OCI runtimes installed here, and the floor."""

from __future__ import annotations

import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


@dataclass(frozen=True)
class Runtime:
    """An OCI runtime as a program: they all speak runc's command line."""

    name: str
    program: str

    def argv(self, state: Path, *words: str | Path) -> list[str]:
        """The command with its own state directory."""
        return [self.program, "--root", str(state / self.name), *map(str, words)]

    def version(self) -> str:
        """The first line of ``--version``."""
        run = subprocess.run([self.program, "--version"], capture_output=True, text=True, check=False)
        return (run.stdout or run.stderr).splitlines()[0].strip() if run.stdout or run.stderr else "?"


def installed() -> list[Runtime]:
    """Rung's runtime beside the running interpreter, and the peers from the distribution."""
    found = []
    ours = Path(sys.executable).parent / "rung-runtime"
    if ours.exists():
        found.append(Runtime("rung", str(ours)))
    for name in ("runc", "crun"):
        program = shutil.which(name, path=SYSTEM_PATH)
        if program:
            found.append(Runtime(name, program))
    return found


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
