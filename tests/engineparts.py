"""An engine of a test's own: ``rungd`` in a short directory and an empty network, with an image of busybox, driven
by Rung's client. It can be killed, started again, and counted after.
"""

from __future__ import annotations

import io
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import rung
from rung.client import ClientError

PROGRAMS = Path(sys.executable).parent
IMAGE = "busybox:test"
DEADLINE_S = 60.0
LOG_SHOWN = 4000
APPLETS = ("cat", "dd", "echo", "false", "ls", "mkdir", "seq", "sh", "sleep", "tail", "test", "true", "yes")


def until(condition: Callable[[], object], what: str, deadline_s: float = DEADLINE_S) -> None:
    """Wait for something that has no event."""
    end = time.monotonic() + deadline_s
    while not condition():
        assert time.monotonic() < end, f"not within {deadline_s} s: {what}"
        time.sleep(0.02)


class Engine:
    """``folder`` has ``data``, ``run`` and the daemon's ``log``."""

    def __init__(self, folder: Path, data: Path | None = None) -> None:
        self.folder = folder
        self.data, self.run = data or folder / "data", folder / "run"
        self.daemon: subprocess.Popen[bytes] | None = None
        #: What a test starts it with again.
        self.flags: tuple[str, ...] = ()
        #: What it runs in: a network namespace that is new at each start, unless a test has made one that stays.
        self.within: tuple[str, ...] = ("unshare", "--net")

    # --- the daemon -----------------------------------------------------------------------

    def spawn(self, *flags: str) -> subprocess.Popen[bytes]:
        """One more ``rungd`` for these directories."""
        words = [*self.within, str(PROGRAMS / "rungd"), "--data-root", str(self.data)]
        words += ["--run-root", str(self.run), "--cgroup-parent", f"/{self.folder.name}", *flags]
        env = {**os.environ, "TMPDIR": str(self.folder)}
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=env, start_new_session=True)

    def start(self, *flags: str) -> None:
        """Until it answers."""
        self.daemon = self.spawn(*flags)
        until(lambda: self.daemon is not None and (self.daemon.poll() is not None or self.answers()), "the engine answers")
        assert self.daemon.poll() is None, f"the engine has ended:\n{self.log()}"

    def answers(self) -> bool:
        try:
            with self.client() as client:
                return client.ping()
        except ClientError:
            return False

    def kill(self) -> None:
        """As the kernel's memory killer would."""
        assert self.daemon is not None
        self.daemon.kill()
        self.daemon.wait()

    def stop(self) -> int:
        """As systemd would; its exit status."""
        assert self.daemon is not None
        self.daemon.terminate()
        return self.daemon.wait(DEADLINE_S)

    def log(self) -> str:
        return (self.folder / "log").read_text(errors="replace")[-LOG_SHOWN:]

    # --- through the API ------------------------------------------------------------------

    @property
    def socket(self) -> str:
        return f"{self.run}/rung.sock"

    def client(self, timeout_s: float = DEADLINE_S) -> rung.Client:
        return rung.Client(self.socket, timeout=timeout_s)

    def create(self, *command: str, **more: Any) -> Any:
        """A container without a network that ends with SIGKILL at once when it is stopped, unless it is told more."""
        with self.client() as client:
            return client.containers.create(IMAGE, list(command), **{"network_mode": "none", **more})

    def run_one(self, *command: str, **more: Any) -> Any:
        """The same, started."""
        made = self.create(*command, **more)
        made.start()
        return made

    def ask(self, method: str, path: str, query: Any = None, **more: Any) -> Any:
        """Any request's document."""
        with self.client() as client:
            return client.api.json(method, path, query, **more)

    def cli(self, *words: str) -> str:
        """What ``rung`` prints."""
        env = {**os.environ, "RUNG_HOST": f"unix://{self.socket}"}
        found = subprocess.run(
            [PROGRAMS / "rung", *words], env=env, capture_output=True, text=True, timeout=DEADLINE_S, check=False
        )
        assert found.returncode == 0, found.stdout + found.stderr
        return found.stdout

    def clear(self) -> None:
        """No container stays."""
        with self.client() as client:
            for one in client.containers.list(all=True):
                one.remove(force=True, v=True)

    # --- looking from outside ---------------------------------------------------------------

    def processes(self) -> set[str]:
        """What lives of it: shims are forks that name its directory, containers are in its cgroups."""
        found = set()
        for entry in os.listdir("/proc"):
            if entry.isdecimal() and _alive(entry) and self._is_ours(entry):
                found.add(entry)
        return found

    def _is_ours(self, pid: str) -> bool:
        return f"/{self.folder.name}" in _text(f"/proc/{pid}/cgroup") or str(self.folder) in _text(f"/proc/{pid}/environ")

    def left(self) -> list[str]:
        """What of containers is still there: mounts, cgroups, processes, state, sockets."""
        daemon = {str(self.daemon.pid)} if self.daemon is not None and self.daemon.poll() is None else set()
        mounts = [line.split()[4] for line in _text("/proc/self/mountinfo").splitlines() if f" {self.data}/containers" in line]
        cgroups = [folder for folder, _, _ in os.walk("/sys/fs/cgroup") if f"/{self.folder.name}/" in folder]
        places = (self.run / "shims", self.run / "runtime/rung", self.data / "containers")
        files = [str(entry) for place in places if place.is_dir() for entry in place.iterdir()]
        keepers = [pid for pid in self.processes() - daemon if _text(f"/proc/{pid}/comm") and not is_zygote(pid)]
        return [*mounts, *cgroups, *files, *(f"process {pid} {_text(f'/proc/{pid}/cmdline')!r}" for pid in keepers)]


def is_zygote(pid: str) -> bool:
    """The one that forks shims, their worker, or the shim-to-be that it has forked ahead: a shim has the same words, but
    has been cut loose."""
    return _is_fork(pid) and not _cut_loose(pid)


def is_worker(pid: str) -> bool:
    """The one that does the runtime's work for shims."""
    return _text(f"/proc/{pid}/comm") == "rung-worker\n"


def is_shim(pid: str) -> bool:
    """One that keeps a container."""
    return _is_fork(pid) and _cut_loose(pid)


def _is_fork(pid: str) -> bool:
    return "rung.shim.zygote" in _text(f"/proc/{pid}/cmdline")


def _cut_loose(pid: str) -> bool:
    """SIGHUP and SIGTERM are ignored by shims alone."""
    ignored = next((line.split()[1] for line in _text(f"/proc/{pid}/status").splitlines() if line.startswith("SigIgn")), "0")
    return bool(int(ignored, 16) & 1 << (signal.SIGTERM - 1))


def _alive(pid: str) -> bool:
    return ") Z " not in _text(f"/proc/{pid}/stat")


def _text(path: str) -> str:
    try:
        with open(path, errors="replace") as file:
            return file.read()
    except OSError:
        return ""


def image_archive(busybox: Path) -> bytes:
    """A root file system of busybox as a tar archive."""
    made = io.BytesIO()
    with tarfile.open(fileobj=made, mode="w") as archive:
        for name in ("bin", "tmp", "etc", "proc", "sys", "dev"):
            entry = tarfile.TarInfo(name)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if name == "tmp" else 0o755
            archive.addfile(entry)
        archive.add(busybox, "bin/busybox")
        for name in APPLETS:
            entry = tarfile.TarInfo(f"bin/{name}")
            entry.type, entry.linkname = tarfile.SYMTYPE, "busybox"
            archive.addfile(entry)
    return made.getvalue()


@contextmanager
def folder_of_its_own() -> Iterator[Path]:
    """Short: a socket's path has 107 bytes."""
    folder = Path(tempfile.mkdtemp(prefix="rungeng-", dir="/tmp"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@contextmanager
def lasting_network() -> Iterator[str]:
    """A network namespace that stays when an engine in it is killed, as a host's does: its file."""
    words = ["unshare", "--net", "sh", "-c", "ip link set lo up && echo up && exec sleep infinity"]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as holder:
        try:
            assert holder.stdout is not None and holder.stdout.readline() == b"up\n"
            yield f"/proc/{holder.pid}/ns/net"
        finally:
            holder.kill()


@contextmanager
def engine(archive: bytes, *flags: str, data: Path | None = None, network: str = "") -> Iterator[Engine]:
    """One that runs and has the image; nothing of its containers is left afterwards, whatever the test did to it.
    ``network``: the file of the network namespace that it is in, where it is not to be a new one at each start."""
    with folder_of_its_own() as folder:
        made = Engine(folder, data)
        if network:
            made.within = ("nsenter", f"--net={network}")
        made.start(*flags)
        try:
            with made.client() as client:
                client.images.import_image(archive, "busybox", "test")
            yield made
        finally:
            _end(made)


def _end(made: Engine) -> None:
    assert made.daemon is not None
    if made.daemon.poll() is not None:
        made.start()
    try:
        made.clear()
        until(lambda: not made.left(), f"nothing is left: {made.left()}")
    finally:
        made.daemon.send_signal(signal.SIGTERM)
        try:
            made.daemon.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            made.daemon.kill()
            made.daemon.wait()
    until(lambda: not made.processes(), f"no process is left: {made.processes()}")
    for folder, _, _ in os.walk("/sys/fs/cgroup"):
        if folder.endswith(f"/{made.folder.name}"):
            os.rmdir(folder)
