"""From somebody else's registry to a running container: skopeo pushes, ``rung`` pulls, starts its engine, and runs.

Exit codes are Docker's: the workload's own, 126 for what cannot be executed, 127 for what is not
there, 130 after Ctrl-C at the terminal.
"""

from __future__ import annotations

import os
import pty
import select
import shutil
import socket
import subprocess
import tempfile
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from time import monotonic, sleep

import pytest

from . import daemons, leftovers

IMAGE = "busybox"
Rung = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """On a tmpfs, which can carry an overlay; with a network of its own for the engine that the commands start."""
    path = Path(tempfile.mkdtemp(prefix="rung-run-", dir="/dev/shm"))
    network = subprocess.Popen(["unshare", "--net", "sh", "-c", "ip link set lo up; echo up; exec sleep 3600"], stdout=-1)
    assert network.stdout is not None
    assert network.stdout.readline() == b"up\n"
    (path / "network").symlink_to(f"/proc/{network.pid}/ns/net")
    yield path
    daemons.end_engine(path / "run/rung.sock")
    network.kill()
    network.communicate()
    for cgroup in leftovers.cgroups(path.name):
        os.rmdir(cgroup)  # it is empty
    shutil.rmtree(path)


@pytest.fixture(scope="module")
def rung(place: Path, rung_init: Path) -> Rung:
    """The command, with a data and a state directory of its own."""

    def call(*words: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(command(place, *words), capture_output=True, text=True, input=stdin, check=False, timeout=60)

    return call


def command(place: Path, *words: str) -> list[str]:
    roots = ["--data-root", str(place / "data"), "--run-root", str(place / "run"), "--cgroup-parent", f"/{place.name}"]
    inside = ["/usr/bin/nsenter", f"--net={place}/network"] if words[0] in ("run", "ps") else []
    return [*inside, str(daemons.PROGRAMS / "rung"), *roots, "--state-root", str(place / "state"), *words]


@pytest.fixture(scope="module")
def registry(place: Path) -> Iterator[str]:
    """``host:port`` of Debian's docker-registry."""
    program = shutil.which("docker-registry")
    if program is None or shutil.which("skopeo") is None:
        pytest.skip("needs docker-registry and skopeo: apt-get install docker-registry skopeo")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{probe.getsockname()[1]}"
    config = place / "registry.yml"
    config.write_text(
        "version: 0.1\nlog: {level: error, accesslog: {disabled: true}}\n"
        f"storage: {{filesystem: {{rootdirectory: {place}/registry}}}}\nhttp: {{addr: {host}}}\n"
    )
    child = subprocess.Popen([program, "serve", config], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        deadline = monotonic() + 60
        while True:
            try:
                urllib.request.urlopen(f"http://{host}/v2/", timeout=5).close()
                break
            except OSError:
                assert child.poll() is None, "docker-registry has ended"
                assert monotonic() < deadline, "docker-registry does not answer"
                sleep(0.05)
        yield host
    finally:
        child.terminate()
        child.wait()


@pytest.fixture(scope="module")
def image(rung: Rung, registry: str, place: Path, busybox: Path) -> str:
    """Made by Rung, pushed by skopeo, removed, and pulled again."""
    for words in (("image", "bootstrap", IMAGE), ("save", "-o", str(place / "image.tar"), IMAGE)):
        done = rung(*words)
        assert done.returncode == 0, done.stderr
    name = f"{registry}/base:1"
    copy = ["skopeo", "copy", "--insecure-policy", "--dest-tls-verify=false", f"docker-archive:{place}/image.tar"]
    subprocess.run([*copy, f"docker://{name}"], check=True, capture_output=True)
    assert rung("rmi", IMAGE).returncode == 0
    done = rung("pull", name)
    assert done.returncode == 0, done.stderr
    return name


@pytest.mark.parametrize(
    ("script", "status"), [("exit 0", 0), ("exit 3", 3), ("exit 130", 130), ("sh -c 'kill -9 $$'; exit $?", 137)]
)
def test_the_workloads_status_is_the_commands(rung: Rung, image: str, script: str, status: int) -> None:
    assert rung("run", "--rm", image, "sh", "-c", script).returncode == status


@pytest.mark.parametrize(("program", "status"), [("nothing-here", 127), ("/etc/passwd", 126), ("/bin", 126)])
def test_what_cannot_be_executed(rung: Rung, image: str, program: str, status: int) -> None:
    done = rung("run", "--rm", image, program)
    assert done.returncode == status
    assert program in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_rungs_own_errors_are_125(rung: Rung, image: str) -> None:
    assert rung("run", "--rm", "-v", "/a:relative", image, "true").returncode == 125
    assert rung("run", "--rm", "-u", "ghost", image, "true").returncode == 125


def test_streams_variables_user_and_directory(rung: Rung, image: str) -> None:
    done = rung("run", "--rm", "-i", image, "cat", stdin="through\n")
    assert done.stdout == "through\n"
    done = rung("run", "--rm", image, "cat", stdin="not asked for\n")
    assert done.stdout == ""
    words = ("-e", "A=1", "-w", "/tmp", "-u", "1000:1000", "--hostname", "box")
    done = rung("run", "--rm", *words, image, "sh", "-c", "echo $A $(pwd) $(id -u):$(id -g) $(hostname); echo e >&2")
    assert (done.stdout, done.stderr) == ("1 /tmp 1000:1000 box\n", "e\n")
    done = rung("run", "--rm", "--entrypoint", "echo", image, "hi")
    assert done.stdout == "hi\n"


def at_a_terminal(words: list[str], keys: bytes, after: bytes) -> tuple[int, bytes]:
    """Status and output of a command at a terminal, on which ``keys`` are typed once ``after`` shows."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(words[0], words)
    seen, deadline = b"", monotonic() + 30
    while monotonic() < deadline:
        ready, _, _ = select.select([terminal], [], [], 1)
        if not ready:
            continue
        try:
            part = os.read(terminal, 4096)
        except OSError:
            break
        if not part:
            break
        before, seen = seen, seen + part
        if keys and after in seen and after not in before:
            os.write(terminal, keys)
    _, status = os.waitpid(pid, 0)
    os.close(terminal)
    return os.waitstatus_to_exitcode(status), seen


def test_a_terminal_and_ctrl_c(rung: Rung, image: str, place: Path) -> None:
    status, seen = at_a_terminal(command(place, "run", "--rm", "-it", image, "sh", "-c", "test -t 0 && tty; exit 3"), b"", b"")
    assert (status, b"/dev/pts/0" in seen) == (3, True)
    script = "trap 'exit 130' INT; echo waiting; sleep 20 & wait"
    status, seen = at_a_terminal(command(place, "run", "--rm", "-it", image, "sh", "-c", script), b"\x03", b"waiting")
    assert status == 130, seen


def test_nothing_is_left_and_the_story_stays(rung: Rung, image: str, place: Path) -> None:
    assert rung("run", "--rm", image, "true").returncode == 0
    assert rung("run", "--rm", "--explain", "--name", "teller", image, "true").returncode == 0
    assert rung("ps", "-a", "-q").stdout == ""
    assert str(place / "data") not in Path("/proc/self/mountinfo").read_text()
    assert os.listdir(place / "state") == []
    told = rung("explain", "--calls", "teller").stdout
    assert "prepare the root file system" in told
    assert "execute true" in told
    assert "pivot_root = 0" in told


def test_a_directory_and_a_single_static_program(rung: Rung, place: Path, busybox: Path, rung_init: Path) -> None:
    root = place / "scratch"
    root.mkdir()
    shutil.copy2(busybox, root / "busybox")
    assert rung("run", "--rm", "--rootfs", str(root), "/busybox", "echo", "hi").stdout == "hi\n"
    archive = place / "scratch.tar"
    subprocess.run(["tar", "-C", str(root), "-cf", str(archive), "busybox"], check=True)
    done = rung("image", "import", str(archive), "scratch:1")
    assert done.returncode == 0, done.stderr
    assert rung("run", "--rm", "scratch:1", "/busybox", "echo", "alone").stdout == "alone\n"
