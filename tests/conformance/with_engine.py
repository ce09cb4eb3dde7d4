"""A command with an engine of its own, and images where it looks for them: what suites of other people's need that test
an engine through ``DOCKER_HOST`` and pull from Docker's hub.

    python -m tests.conformance.with_engine rungd|dockerd COMMAND...

The engine is in a network of its own; so is the command, which finds the containers' ports there, and a registry that
stands before the hub; what is there, ``stand_ins`` says. Ends with the command's status.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from . import daemons, outcome, stand_ins
from .bed import until

MIRROR = "127.0.0.1:5050"
"""In the engine's own network, where nobody else listens."""
TIMEOUT_S = 120


@contextmanager
def engine(kind: str) -> Iterator[tuple[Path, list[str]]]:
    """Its socket, and what stands before a command to be in its network; the images are in it and at the mirror."""
    start = {
        "rungd": lambda: daemons.rungd("--registry-mirror", f"http://{MIRROR}"),
        "dockerd": lambda: daemons.dockerd({}, network=True, more={"registry-mirrors": [f"http://{MIRROR}"]}),
    }[kind]
    with start() as folder:
        found = folder / ("run/rung.sock" if kind == "rungd" else "docker.sock")
        inside = ["nsenter", f"--net=/proc/{(folder / 'pid').read_text().strip()}/ns/net"]
        with _mirror(inside, folder):
            _fill(found)
            try:
                yield found, inside
            finally:
                _clear(found)


@contextmanager
def _mirror(inside: Sequence[str], folder: Path) -> Iterator[None]:
    words = [*inside, daemons.PROGRAMS / "rung", "registry", "serve", "--quiet", "--root", folder / "mirror", "--listen", MIRROR]
    with (folder / "mirror.log").open("wb") as log:
        server = outcome.start(words, log)
    try:
        until(lambda: server.poll() is not None or b"/v2/" in _listening(inside), "the mirror listens", daemons.START_S)
        assert server.poll() is None, (folder / "mirror.log").read_text()
        yield
    finally:
        outcome.end(server, grace_s=daemons.STOP_S)


def _listening(inside: Sequence[str]) -> bytes:
    host, _, port = MIRROR.partition(":")
    ask = f"import socket; s = socket.create_connection(({host!r}, {port})); print('/v2/')"
    return subprocess.run([*inside, sys.executable, "-I", "-c", ask], capture_output=True, timeout=TIMEOUT_S, check=False).stdout


def _fill(socket: Path) -> None:
    """Each image is at the mirror; alpine is in the engine as well. Those whose program this machine lacks are nowhere."""
    for image in (stand_ins.ALPINE, stand_ins.HELLO, *stand_ins.MORE):
        if image.missing():
            continue
        first, *others = image.names
        docker(socket, "import", *image.import_changes(), "-", first, data=image.archive())
        for name in others:
            docker(socket, "tag", first, name)
        for name in image.names:
            there = f"{MIRROR}/{name if '/' in name else f'library/{name}'}"
            docker(socket, "tag", name, there)
            docker(socket, "push", "--quiet", there)
            docker(socket, "rmi", there)
        if image is not stand_ins.ALPINE:
            docker(socket, "rmi", *image.names)


def _clear(socket: Path) -> None:
    """No container stays."""
    if left := docker(socket, "ps", "--all", "--quiet").split():
        docker(socket, "rm", "--force", "--volumes", *left)


def docker(socket: Path, *words: str, data: bytes = b"") -> str:
    done = subprocess.run(
        ["docker", "--host", f"unix://{socket}", *words], input=data, capture_output=True, timeout=TIMEOUT_S, check=False
    )
    assert done.returncode == 0, f"docker {' '.join(words)}: {done.stderr.decode()}"
    return done.stdout.decode()


def main(kind: str, *command: str) -> int:
    with engine(kind) as (socket, inside):
        env = {**os.environ, "DOCKER_HOST": f"unix://{socket}"}
        return subprocess.run([*inside, *command], env=env, check=False).returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
