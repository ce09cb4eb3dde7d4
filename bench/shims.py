"""containerd's shims as programs: how soon ``start`` has said where the shim is, and ``delete`` that all is gone.

containerd reads what they print to its end, so whoever keeps the stream open keeps containerd waiting.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path

import measure
from contestants import SYSTEM_PATH
from engines import ENVIRONMENT, command

OURS = str(Path(sys.executable).parent / "containerd-shim-rung-v2")


def theirs() -> str | None:
    """Go's, where containerd is installed."""
    return shutil.which("containerd-shim-runc-v2", path=SYSTEM_PATH)


def one(time: Callable[[str, str, Callable[[], object]], None], name: str, program: str) -> None:
    """Both actions once, on a bundle of no container."""
    bundle = Path(tempfile.mkdtemp(prefix="rung-bench-"))
    try:
        (bundle / "config.json").write_text("{}")
        (bundle / "runtime").write_text(shutil.which("true") or "true")  # what runc's shim would delete with
        words = [program, "-namespace", "bench", "-address", f"{bundle}/none", "-id", bundle.name]
        time("shim: start", name, partial(_call, [*words, "start"], bundle))
        time("shim: delete", name, partial(_call, [*words, "-bundle", str(bundle), "delete"], bundle))
    finally:
        _end(bundle)


def _call(argv: list[str], bundle: Path) -> None:
    environment = {**ENVIRONMENT, "TTRPC_ADDRESS": f"{bundle}/none.ttrpc"}
    pipe = subprocess.PIPE
    shim = subprocess.Popen(argv, cwd=bundle, env=environment, stdin=subprocess.DEVNULL, stdout=pipe, stderr=pipe)
    said = b"".join(shim.communicate())
    if shim.returncode:
        raise measure.Failed(f"{' '.join(argv)}: {shim.returncode} {said.decode(errors='replace')}")


def _end(bundle: Path) -> None:
    """The shim that ``start`` has left, its socket, and the bundle."""
    for name in os.listdir("/proc"):
        if name.isdigit() and f"\0{bundle.name}\0".encode() in command(int(name)):
            os.kill(int(name), signal.SIGKILL)
    address = bundle / "address"
    if address.exists():
        Path(address.read_text().removeprefix("unix://")).unlink(missing_ok=True)
    shutil.rmtree(bundle)
