"""A command with an engine of its own, and images where it looks for them: what suites of other people's need that test
an engine through ``DOCKER_HOST`` and pull from Docker's hub.

    python -m tests.conformance.with_engine rungd|dockerd COMMAND...

The engine is in a network of its own; so is the command, which finds the containers' ports there, and a registry that
stands before the hub. The images are all one busybox that has alpine's users and places. Ends with the command's status.
"""

from __future__ import annotations

import io
import os
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from . import daemons, outcome
from .bed import until

MIRROR = "127.0.0.1:5050"
"""In the engine's own network, where nobody else listens."""
IMAGES = ("alpine:3.10", "alpine:3.12", "alpine:latest", "busybox:latest", "ubuntu:latest")
HELLO = "hello-world:latest"
TIMEOUT_S = 120
PATH = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
FOLDERS = ("bin", "dev", "etc", "home", "proc", "root", "run", "sbin", "sys", "tmp", "usr/bin", "usr/sbin", "var/lib/postgresql", "var/opt", "var/tmp")
FILES = {
    "etc/passwd": (
        "root:x:0:0:root:/root:/bin/ash\nbin:x:1:1:bin:/bin:/sbin/nologin\nguest:x:405:100:guest:/dev/null:/sbin/nologin\n"
        "postgres:x:70:70::/var/lib/postgresql:/bin/sh\nnobody:x:65534:65534:nobody:/:/sbin/nologin\n"
    ),
    "etc/group": "root:x:0:root\nbin:x:1:root,bin\nusers:x:100:games\npostgres:x:70:\nnobody:x:65534:\n",
    "etc/os-release": 'NAME="Alpine Linux"\nID=alpine\n',
}


def root_file_system(busybox: Path, hello: str = "") -> bytes:
    """An archive of it; with ``hello``, all it does is to say that."""
    packed = io.BytesIO()
    applets = subprocess.run([busybox, "--list-full"], capture_output=True, text=True, check=True, timeout=TIMEOUT_S)
    with tarfile.open(fileobj=packed, mode="w") as tar:

        def put(name: str, kind: bytes, mode: int, data: bytes = b"", target: str = "") -> None:
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode, entry.size, entry.linkname = kind, mode, len(data), target
            tar.addfile(entry, io.BytesIO(data))

        for folder in FOLDERS:
            put(folder, tarfile.DIRTYPE, 0o1777 if folder in ("tmp", "var/tmp") else 0o755)
        put("bin/busybox", tarfile.REGTYPE, 0o755, busybox.read_bytes())
        for name, text in {**FILES, **({"hello": hello} if hello else {})}.items():
            put(name, tarfile.REGTYPE, 0o644, text.encode())
        for applet in sorted({"bin/sh", *applets.stdout.split()} - {"bin/busybox"}):
            if applet.rpartition("/")[0] in FOLDERS:
                put(applet, tarfile.SYMTYPE, 0o777, target="/bin/busybox")
    return packed.getvalue()


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
    busybox = Path(shutil.which("busybox") or "/bin/busybox")
    docker(socket, "import", "--change", f"ENV {PATH}", "--change", 'CMD ["/bin/sh"]', "-", IMAGES[0], data=root_file_system(busybox))
    hello = root_file_system(busybox, "Hello from Docker!\n")
    docker(socket, "import", "--change", 'CMD ["/bin/cat", "/hello"]', "-", HELLO, data=hello)
    for image in IMAGES[1:]:
        docker(socket, "tag", IMAGES[0], image)
    for image in (*IMAGES, HELLO):
        there = f"{MIRROR}/library/{image}"
        docker(socket, "tag", image, there)
        docker(socket, "push", "--quiet", there)
        docker(socket, "rmi", there)
    docker(socket, "rmi", HELLO)


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
