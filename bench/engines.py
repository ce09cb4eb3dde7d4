"""Engines side by side, each a daemon of our own with its own roots and the same image in it."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import managers
import rawapi
from contestants import SYSTEM_PATH

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))
from conformance.daemons import dockerd, needed, rungd

IMAGE = "bench:latest"
NAMES = ("rungd", "dockerd")
#: In memory: what is measured is not the machine's disk.
PLACE = "/dev/shm"


class Engine:
    """One that runs. ``folder`` is in the command line of its processes, and of nobody else's."""

    def __init__(self, name: str, folder: Path, socket: Path) -> None:
        self.name, self.folder, self.socket = name, folder, socket
        self.api = rawapi.Api(socket)

    def docker(self, *words: str) -> list[str]:
        """Docker's real client."""
        return [shutil.which("docker", path=SYSTEM_PATH) or "docker", "--host", f"unix://{self.socket}", *words]

    def rung(self, *words: str) -> list[str]:
        """Rung's own client."""
        return [str(Path(sys.executable).parent / "rung"), "--host", f"unix://{self.socket}", *words]

    def processes(self) -> list[int]:
        """The engine and what belongs to it, without its containers and their shims."""
        ours = "rungd" if self.name == "rungd" else str(self.folder)
        return sorted({pid for top in self._named(ours) for pid in self._with_zygote(top)})

    def empty(self) -> None:
        """No container of it stays, after a failure either."""
        api = rawapi.Api(self.socket)
        for one in api.ask("GET", "/containers/json?all=1"):
            api.remove(one["Id"])
        api.close()
        self.api.close()

    def _with_zygote(self, top: int) -> list[int]:
        zygotes = [pid for pid in children(top) if b"rung.shim.zygote" in command(pid)]
        return [top, *zygotes, *(pid for each in zygotes for pid in children(each) if is_worker(pid))]

    def _named(self, word: str) -> Iterator[int]:
        for name in os.listdir("/proc"):
            if name.isdigit():
                words = command(int(name))
                is_shim = b"containerd-shim" in words.split(b"\0")[0]
                is_shell = words.startswith((b"sh\0", b"unshare\0"))
                if word.encode() in words and str(self.folder).encode() in words and not (is_shim or is_shell):
                    yield int(name)


def command(pid: int) -> bytes:
    """A process's command line; empty for one that has gone."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def is_worker(pid: int) -> bool:
    """Whether it does the runtime's work for rungd's shims."""
    return Path(f"/proc/{pid}/comm").read_text() == "rung-worker\n"


def children(pid: int) -> list[int]:
    """Those of all its threads."""
    found: list[int] = []
    try:
        for task in Path(f"/proc/{pid}/task").iterdir():
            found += map(int, (task / "children").read_text().split())
    except OSError:
        return found
    return found


def started(wanted: list[str], archive: Path, stack: ExitStack) -> dict[str, Engine]:
    """Those that are wanted and installed, with ``archive`` as their image."""
    found = {}
    for name in wanted:
        missing = needed(*(("docker", "dockerd", "containerd") if name == "dockerd" else ("docker",)))
        if missing:
            print(f"{name}: {missing}", file=sys.stderr)
            continue
        # Each in a network namespace of its own, with its default bridge.
        daemon = dockerd({}, network=True, place=PLACE) if name == "dockerd" else rungd(place=PLACE)
        folder = stack.enter_context(daemon)
        engine = Engine(name, folder, folder / ("docker.sock" if name == "dockerd" else "run/rung.sock"))
        stack.callback(engine.empty)
        engine.api.put(f"/images/create?fromSrc=-&repo={IMAGE.partition(':')[0]}&tag=latest", archive)
        found[name] = engine
    return found


ENVIRONMENT = managers.environment()
