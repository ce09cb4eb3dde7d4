"""What a manager's user waits for: ``docker run`` and ``podman run`` of ``/bin/true``, with each runtime under them."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import measure
from contestants import Runtime

sys.path.append(str(Path(__file__).resolve().parents[1] / "tests"))
from conformance.daemons import dockerd, needed, remove

IMAGE = "bench"
RUN = ("run", "--rm", "--network", "none", "--pull", "never")


class Manager:
    """A manager as a program that chooses among ``runtimes`` by an option."""

    def __init__(self, words: list[str], choice: dict[str, str]) -> None:
        self.words = words
        self.choice = choice

    def load(self, archive: Path) -> None:
        """Its image."""
        subprocess.run([*self.words, "import", str(archive), IMAGE], check=True, capture_output=True, env=environment())

    def argv(self, runtime: str) -> list[str]:
        """Run ``/bin/true``."""
        first, *rest = self.words
        if first.endswith("podman"):
            return [first, *rest, "--runtime", self.choice[runtime], *RUN, IMAGE, "/bin/true"]
        return [first, *rest, *RUN, "--runtime", self.choice[runtime], IMAGE, "/bin/true"]


def environment() -> dict[str, str]:
    """Managers want a home, and podman is not to warn of cgroup v1."""
    return {**measure.ENVIRONMENT, "HOME": "/root", "PODMAN_IGNORE_CGROUPSV1_WARNING": "1"}


@contextmanager
def docker(runtimes: list[Runtime]) -> Iterator[Manager]:
    """A Docker daemon of our own."""
    with dockerd({f"by-{each.name}": Path(each.program) for each in runtimes}) as folder:
        words = [str(shutil.which("docker")), "--host", f"unix://{folder}/docker.sock"]
        yield Manager(words, {each.name: f"by-{each.name}" for each in runtimes})


@contextmanager
def podman(runtimes: list[Runtime]) -> Iterator[Manager]:
    """Podman with storage of our own."""
    folder = Path(tempfile.mkdtemp(prefix="rung-bench-"))
    words = [str(shutil.which("podman")), "--root", f"{folder}/root", "--runroot", f"{folder}/run"]
    words += ["--cgroup-manager", "cgroupfs", "--storage-driver", "vfs", "--events-backend", "none"]
    try:
        yield Manager(words, {each.name: each.program for each in runtimes})
    finally:
        subprocess.run([*words, "rmi", "--all", "--force"], capture_output=True, check=False, env=environment())
        remove(folder)


MANAGERS = {
    "docker": (docker, ("docker", "dockerd", "containerd")),
    "podman": (podman, ("podman", "conmon")),
}


class Managers:
    """Those that are installed, started when they are first wanted."""

    def __init__(self, runtimes: list[Runtime], rootfs: Path) -> None:
        self._runtimes = [each for each in runtimes if each.name in ("rung", "runc")]
        self._rootfs = rootfs
        self._started: dict[str, Manager] = {}
        self._stack = ExitStack()

    def turns(self, name: str) -> list[tuple[str, list[str]]]:
        """``(runtime, command line)`` for each runtime; none where the manager is not installed."""
        start, programs = MANAGERS[name]
        if needed(*programs):
            return []
        if name not in self._started:
            manager = self._stack.enter_context(start(self._runtimes))
            archive = self._rootfs.parent / "rootfs.tar"
            subprocess.run(["tar", "-C", str(self._rootfs), "-cf", str(archive), "."], check=True)
            manager.load(archive)
            self._started[name] = manager
        return [(each.name, self._started[name].argv(each.name)) for each in self._runtimes]

    def close(self) -> None:
        """End them."""
        self._stack.close()
