"""Other people's daemons, with everything they own in one folder, and away again afterwards.

Their sockets' paths must fit into 107 bytes, so that folder is a short one of its own. It
also is the mark by which leftovers are found (see ``leftovers``).
"""

from __future__ import annotations

import json
import os
import select
import shlex
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from . import leftovers, outcome
from .bed import until

#: Where this Rung's programs are.
PROGRAMS = Path(sys.executable).parent
START_S = 90.0
STOP_S = 60.0


def needed(*programs: str) -> str | None:
    """Why a test that needs these programs cannot run, if it cannot."""
    missing = [name for name in programs if shutil.which(name) is None]
    return f"not installed: {', '.join(missing)}" if missing else None


@contextmanager
def dockerd(
    runtimes: Mapping[str, Path], *, network: bool = False, place: str = "/tmp", more: Mapping[str, object] | None = None
) -> Iterator[Path]:
    """A Docker daemon with its own containerd that knows ``runtimes`` by name: the folder it lives in.

    Its socket is ``docker.sock`` there. It makes no bridge and no firewall rule; with ``network`` it has a network
    namespace of its own, and bridges in there. ``more``: of its configuration file. Which of its snapshot drivers
    works depends on the file system below ``place``: it chooses itself.
    """
    with folder_of_its_own(place) as folder:
        known = {name: {"path": str(path)} for name, path in runtimes.items()}
        (folder / "daemon.json").write_text(json.dumps({"runtimes": known, "experimental": True, **(more or {})}))
        words: list[str | Path] = [
            "dockerd",
            *("--config-file", folder / "daemon.json"),
            *("--data-root", folder / "data"),
            *("--exec-root", folder / "exec"),
            *("--pidfile", folder / "pid"),
            *("--host", f"unix://{folder}/docker.sock"),
            *("--cgroup-parent", f"/{folder.name}"),
            *(
                *([] if network else ["--bridge=none", "--ip-forward=false"]),
                "--iptables=false",
                "--ip6tables=false",
                "--ip-masq=false",
            ),
        ]
        if network:
            words = ["unshare", "--net", "sh", "-c", 'ip link set lo up; exec "$@"', "sh", *words]
        ready = ["docker", "--host", f"unix://{folder}/docker.sock", "version"]
        with _daemon(words, folder, ready):
            yield folder


def ctr(folder: Path) -> list[str]:
    """How ``ctr`` speaks with the containerd in ``folder``, which may be slow to answer."""
    return ["ctr", "--address", str(folder / "containerd.sock"), "--connect-timeout", "60s"]


@contextmanager
def containerd() -> Iterator[Path]:
    """A containerd without CRI that finds Rung's shim: the folder it lives in; its socket is ``containerd.sock`` there."""
    with folder_of_its_own() as folder:
        (folder / "config.toml").write_text(
            f"""version = 2
root = "{folder}/root"
state = "{folder}/state"
disabled_plugins = ["io.containerd.grpc.v1.cri", "io.containerd.internal.v1.opt"]
[grpc]
address = "{folder}/containerd.sock"
[ttrpc]
address = "{folder}/containerd.sock.ttrpc"
"""
        )
        words: list[str | Path] = ["containerd", "--config", folder / "config.toml"]
        with _daemon(words, folder, [*ctr(folder), "version"]):
            yield folder


#: Where Debian has the plug-ins of containernetworking-plugins.
CNI = Path("/usr/lib/cni")
CRI_CONFIG = """version = 2
root = "{folder}/root"
state = "{folder}/state"
disabled_plugins = ["io.containerd.internal.v1.opt"]
[grpc]
address = "{folder}/containerd.sock"
[ttrpc]
address = "{folder}/containerd.sock.ttrpc"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "{pause}"
stream_server_address = "127.0.0.1"
stream_server_port = "0"
restrict_oom_score_adj = true
tolerate_missing_hugetlb_controller = true
netns_mounts_under_state_dir = true
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "{CNI}"
conf_dir = "{folder}/cni"
[plugins."io.containerd.grpc.v1.cri".containerd]
default_runtime_name = "runc"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.rung]
runtime_type = "io.containerd.rung.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.rung.options]
Root = "{folder}/rung"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
Root = "{folder}/runc"
"""


def configure_cri(folder: Path, pause: str) -> None:
    """The configuration of a containerd that lives in ``folder`` and serves the CRI: handlers ``rung`` and ``runc``."""
    (folder / "cni").mkdir()
    addresses = {"type": "host-local", "subnet": "10.252.0.0/24", "dataDir": f"{folder}/addresses"}
    network = {"cniVersion": "0.4.0", "name": folder.name, "plugins": [{"type": "ptp", "ipam": addresses}]}
    (folder / "cni/one.conflist").write_text(json.dumps(network))
    (folder / "config.toml").write_text(CRI_CONFIG.format(folder=folder, pause=pause, CNI=CNI))


@contextmanager
def containerd_with_cri(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The containerd of a configured folder; after it has ended, again."""
    with _daemon(["containerd", "--config", folder / "config.toml"], folder, [*ctr(folder), "version"]) as daemon:
        yield daemon


@contextmanager
def rungd(*flags: str, place: str = "/tmp") -> Iterator[Path]:
    """Rung's engine in a network of its own: the folder it lives in; its socket is ``run/rung.sock`` there.

    ``nsenter --net=/proc/PID/ns/net`` with the number in ``pid`` leads to where its ports are."""
    with folder_of_its_own(place) as folder:
        inside = f'ip link set lo up; exec "{PROGRAMS}/rungd" --experimental --data-root {folder}/data --run-root {folder}/run --cgroup-parent /{folder.name}'
        inside = " ".join([inside, *map(shlex.quote, flags)])
        words = ["unshare", "--net", "sh", "-c", inside]
        ready = ["docker", "--host", f"unix://{folder}/run/rung.sock", "version"]
        with _daemon(words, folder, ready) as daemon:
            (folder / "pid").write_text(str(daemon.pid))
            yield folder


def end_engine(path: Path) -> None:
    """End an engine that a command has started: whoever listens at this socket."""
    if not path.exists():
        return
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect(str(path))
        pid = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]
        fd = os.pidfd_open(pid)
    try:
        os.kill(pid, signal.SIGTERM)
        assert select.select([fd], [], [], STOP_S)[0], "the engine does not end"
    finally:
        os.close(fd)


@contextmanager
def folder_of_its_own(place: str = "/tmp") -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="rungconf-", dir=place))
    folder.chmod(0o755)
    try:
        yield folder
        left = [line for line in leftovers.of(folder.name) if line.startswith("process")]
    finally:
        remove(folder)
    assert not left, f"left behind: {left}"


@contextmanager
def _daemon(
    words: Sequence[str | Path], folder: Path, ready: Sequence[str | Path]
) -> Iterator[subprocess.Popen[bytes]]:
    log = folder / "log"
    with log.open("wb") as into:
        daemon = outcome.start(words, into, env={"TMPDIR": str(folder), "PATH": f"{PROGRAMS}:{os.environ['PATH']}"})
    try:
        until(
            lambda: (
                daemon.poll() is not None
                or subprocess.run(ready, capture_output=True, timeout=START_S).returncode == 0
            ),
            f"{words[0]} answers",
            START_S,
        )
        assert daemon.poll() is None, f"{words[0]} has ended:\n{log.read_text()[-3000:]}"
        yield daemon
    finally:
        outcome.end(daemon, grace_s=STOP_S)


def remove(folder: Path) -> None:
    """The folder with its mounts, and the cgroups named after it."""
    for place in reversed(leftovers.mounts(f" {folder}/")):
        subprocess.run(["umount", "--lazy", place], check=True, timeout=60)
    for path in sorted(leftovers.cgroups(folder.name), key=len, reverse=True):
        for child, _, _ in os.walk(path, topdown=False):
            os.rmdir(child)
    shutil.rmtree(folder)


def import_rootfs(rootfs: Path, into: Path) -> Path:
    """The root file system as one tar archive."""
    subprocess.run(["tar", "--numeric-owner", "-C", rootfs, "-cf", into, "."], check=True, timeout=60)
    return into
