"""containerd's own runc shim with the runtime under test as its binary: ``ctr`` sees what it sees with runc."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from . import daemons, leftovers, oci_archive, outcome
from .bed import difference, new_id, until
from .console import Dialogue, converse
from .docker_runs import MOUNTS
from .outcome import Outcome

Facts = TypeVar("Facts")
IMAGE = "example.org/busybox:test"
STREAMS = "echo out; echo err >&2"
STATUS = "grep -E '^(Cap|NoNewPrivs|Seccomp:|Sig[BIC]|Groups)' /proc/self/status"

pytestmark = pytest.mark.skipif(
    daemons.needed("containerd", "ctr", "containerd-shim-runc-v2") is not None,
    reason=str(daemons.needed("containerd", "ctr", "containerd-shim-runc-v2")),
)


class Ctr:
    """The ctr command line with one OCI runtime, and the containers that a scenario makes."""

    def __init__(self, folder: Path, runtime: Path, home: Path, shim: str = "runc") -> None:
        self.base = daemons.ctr(folder)
        self.group = folder.name
        self.home, self.folder = home, home / "folder"
        self.folder.mkdir(parents=True)
        (self.folder / "file").write_text("content\n")
        self.shim = ["--runtime", f"io.containerd.{shim}.v2"]
        if shim == "runc":
            self.shim += ["--runc-binary", str(runtime), "--runc-root", str(folder / "runc")]
        self.names: list[str] = []

    def heard(self, *words: str, **more: Any) -> Outcome:
        """Like ``call``. ``ctr`` loses, now and then, what a short program printed, with any runtime: ask again."""
        wanted = ("out\n", "err\n") if STREAMS in words else None
        for _ in range(5):
            ended = self.call(*(new_id() if word == "EXEC" else word for word in words), **more)
            if (ended.out, ended.err) == wanted or (wanted is None and (ended.out or ended.code)):
                break
        return ended

    def call(self, *words: str, **more: Any) -> Outcome:
        return outcome.call([*self.base, *words], self.home / "output", **more)

    def words(self, *options: str) -> tuple[list[str], str]:
        """The options of a new container, and its id."""
        self.names.append(new_id())
        given = [word.replace("FOLDER", str(self.folder)) for word in options]
        return [*self.shim, "--cgroup", f"/{self.group}/{self.names[-1]}", *given], self.names[-1]

    def run(self, *command: str, options: tuple[str, ...] = (), **more: Any) -> Outcome:
        words, name = self.words(*options)
        return self.heard("run", "--rm", *words, IMAGE, name, *command, **more)

    def started(self, *command: str, options: tuple[str, ...] = ()) -> str:
        """The id of a container that runs in the background."""
        words, name = self.words(*options)
        self.call("run", "--detach", *words, IMAGE, name, *(command or ("sleep", "1000"))).ok()
        return name

    def exec(self, name: str, *command: str, options: tuple[str, ...] = (), **more: Any) -> Outcome:
        return self.heard("tasks", "exec", "--exec-id", "EXEC", *options, name, *command, **more)

    def status(self, name: str) -> str:
        rows = [line.split() for line in self.call("tasks", "ls").ok().out.splitlines()]
        return next((row[2] for row in rows if row[0] == name), "gone")

    def close(self) -> None:
        for name in self.names:
            self.call("tasks", "delete", "--force", name)
            self.call("containers", "delete", name)


class Ctrs:
    """The same scenario with the reference, runc under its own shim, and with what is under test."""

    def __init__(self, folder: Path, runtimes: tuple[Path, Path], home: Path, shim: str) -> None:
        self.folder, self.runtimes, self.home, self.shims = folder, runtimes, home, ("runc", shim)

    def agree(self, scenario: Callable[[Ctr], Facts]) -> Facts:
        facts = []
        for label, runtime, shim in zip(("reference", "tested"), self.runtimes, self.shims):
            ctr = Ctr(self.folder, runtime, self.home / label, shim)
            try:
                facts.append(scenario(ctr))
            finally:
                ctr.close()
        wanted, got = facts
        if got != wanted:
            pytest.fail(difference(wanted, got), pytrace=False)
        return got


@pytest.fixture(scope="module")
def containerd(rootfs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a containerd that has the image."""
    home = tmp_path_factory.mktemp("image")
    layer = daemons.import_rootfs(rootfs, home / "rootfs.tar")
    archive = oci_archive.write(layer, home / "image.tar", IMAGE)
    with daemons.containerd() as folder:
        words = [*daemons.ctr(folder), "image", "import", str(archive)]
        subprocess.run(words, check=True, timeout=60, stdout=subprocess.DEVNULL)
        yield folder
        left = leftovers.cgroups("rungconf-" + str(folder.name).split("-")[-1])
        assert all(path.endswith(folder.name) for path in left), f"left behind: {left}"


@pytest.fixture(params=["runtime", "shim"])
def ctrs(
    containerd: Path, runtime: Path, reference: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> Ctrs:
    """Under test: ``rung-runtime`` under runc's shim, and Rung's own shim with the runtime in its process."""
    tmp_path.chmod(0o755)
    return Ctrs(containerd, (reference, runtime), tmp_path, "runc" if request.param == "runtime" else "rung")


def sh(script: str) -> list[str]:
    return ["sh", "-c", script]


BIND = "type=bind,src=FOLDER,dst=/v,options=rbind"
RUNS: dict[str, tuple[list[str], list[str]]] = {
    "exit 0": ([], ["true"]),
    "exit 4": ([], sh("exit 4")),
    "no such program": ([], ["/no/such"]),
    "not executable": ([], ["/etc/passwd"]),
    "streams": ([], sh(STREAMS)),
    "environment": (["--env", "A=1"], sh("env | sort")),
    "working directory": (["--cwd", "/etc"], ["pwd"]),
    "user": (["--user", "1000:29"], sh("id")),
    "hostname": (["--hostname", "a.name"], ["hostname"]),
    "status": ([], sh(STATUS)),
    "mounts": ([], sh(MOUNTS)),
    "read-only": (["--read-only"], sh("touch /x; touch /run/x && echo run")),
    "mount": (["--mount", f"{BIND}:rw"], sh("cat /v/file && touch /v/new && ls /v; rm /v/new")),
    "mount read-only": (["--mount", f"{BIND}:ro"], sh("cat /v/file; touch /v/new")),
    "memory": (
        ["--memory-limit", "33554432"],
        sh("cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max"),
    ),
    "cpus": (["--cpus", "0.5"], sh("cat /sys/fs/cgroup/cpu/cpu.cfs_quota_us /sys/fs/cgroup/cpu.max")),
    "cpu shares": (
        ["--cpu-shares", "300"],
        sh("cat /sys/fs/cgroup/cpu/cpu.shares /sys/fs/cgroup/cpu.weight"),
    ),
    "host's network": (["--net-host"], sh("ls /sys/class/net")),
    "privileged": (["--privileged"], sh(STATUS + "; ls /dev | grep -c .")),
    "capabilities": (["--cap-add", "CAP_SYS_ADMIN", "--cap-drop", "CAP_CHOWN"], sh(STATUS)),
    "filter": (["--seccomp"], sh("grep Seccomp: /proc/self/status; unshare -U true; mount -t tmpfs t /tmp")),
    "new privileges": (["--allow-new-privs"], sh("grep NoNew /proc/self/status")),
    "device": (
        ["--device", "/dev/full"],
        sh("ls -ln /dev/full | awk '{print $1, $5, $6}'; echo x > /dev/full"),
    ),
    "no pivot": (["--no-pivot"], ["echo", "moved"]),
    "propagation": (["--rootfs-propagation", "slave"], ["echo", "slave"]),
    "cgroup": ([], sh("cut -d: -f2- /proc/self/cgroup | sed 's/[0-9]*$//'")),
    "session": ([], sh("awk '{print $1, $4, $5, $6, $7, $8}' /proc/1/stat")),
    "user namespace": (
        ["--uidmap", "0:100000:65536", "--gidmap", "0:200000:65536"],
        sh("id; cat /proc/self/uid_map"),
    ),
}


@pytest.mark.parametrize("name", RUNS)
def test_run(ctrs: Ctrs, name: str) -> None:
    """Exit code, standard output and error; where nothing ran the words are the runtime's own."""
    options, command = RUNS[name]

    def scenario(ctr: Ctr) -> tuple[int, str, str]:
        ended = ctr.run(*command, options=tuple(options))
        ran = not ended.err.startswith("ctr: ")
        assert ran or command[0] in ended.err
        return ended.code, ended.out, ended.err if ran else ""

    code, out, err = ctrs.agree(scenario)
    assert out or err or code in (0, 1, 4)


def test_standard_input(ctrs: Ctrs) -> None:
    """``ctr`` does not pass the end of its input on, so the program reads one line."""
    assert ctrs.agree(lambda ctr: ctr.run("head", "-n1", input=b"piped\n").ok().out) == "piped\n"


def test_a_terminal(ctrs: Ctrs) -> None:
    dialogue: Dialogue = [(b"# ", b"test -t 0 && echo on $(tty)\n"), (b"# ", b"exit 6\n")]

    def scenario(ctr: Ctr) -> tuple[int, bool]:
        words, name = ctr.words()
        code, said = converse([*ctr.base, "run", "--rm", "--tty", *words, IMAGE, name, "sh"], dialogue)
        return code, "on /dev/" in said

    assert ctrs.agree(scenario) == (6, True)


def test_exec(ctrs: Ctrs) -> None:
    cases: dict[str, tuple[tuple[str, ...], list[str]]] = {
        "true": ((), ["true"]),
        "exit 5": ((), sh("exit 5")),
        "no such program": ((), ["/no/such"]),
        "user": (("--user", "1000:29"), ["id"]),
        "working directory": (("--cwd", "/etc"), ["pwd"]),
        "status": ((), sh(STATUS)),
        "streams": ((), sh(STREAMS)),
    }

    def scenario(ctr: Ctr) -> dict[str, tuple[int, str, str]]:
        name = ctr.started()
        facts = {}
        for case, (options, command) in cases.items():
            ended = ctr.exec(name, *command, options=options)
            facts[case] = (ended.code, ended.out, "" if ended.err.startswith("ctr: ") else ended.err)
        return facts

    facts = ctrs.agree(scenario)
    assert facts["exit 5"][0] == 5
    assert facts["streams"] == (0, "out\n", "err\n")


def test_exec_on_a_terminal(ctrs: Ctrs) -> None:
    dialogue: Dialogue = [(b"# ", b"test -t 0 && echo on $(tty)\n"), (b"# ", b"exit 6\n")]

    def scenario(ctr: Ctr) -> tuple[int, bool]:
        name = ctr.started()
        words = [*ctr.base, "tasks", "exec", "--exec-id", new_id(), "--tty", name, "sh"]
        code, said = converse(words, dialogue)
        return code, "on /dev/" in said

    assert ctrs.agree(scenario) == (6, True)


def test_a_life(ctrs: Ctrs) -> None:
    """Pause, resume, kill and delete: exit codes, and what ``tasks ls`` says after each."""

    def scenario(ctr: Ctr) -> list[Any]:
        name = ctr.started()
        facts: list[Any] = [ctr.status(name)]
        for words in (["pause", name], ["exec", "--exec-id", "x", name, "true"], ["resume", name]):
            facts.append((words[0], ctr.call("tasks", *words).code, ctr.status(name)))
        facts.append(ctr.call("tasks", "delete", name).code)
        facts.append(ctr.call("tasks", "kill", "--signal", "SIGKILL", name).code)
        until(lambda: ctr.status(name) == "STOPPED", "the task is stopped")
        facts.append(ctr.call("tasks", "delete", name).code)
        return [*facts, ctr.status(name)]

    facts = ctrs.agree(scenario)
    assert facts[0] == "RUNNING"
    assert facts[1] == ("pause", 0, "PAUSED")
    assert facts[-1] == "gone"


def test_signals(ctrs: Ctrs) -> None:
    def scenario(ctr: Ctr) -> int:
        log = ctr.home / "log"
        words, name = ctr.words()
        script = "trap 'exit 9' USR1; echo ready; while :; do sleep 0.05; done"
        with log.open("wb") as into:
            client = outcome.start([*ctr.base, "run", "--rm", *words, IMAGE, name, "sh", "-c", script], into)
        try:
            until(lambda: "ready" in log.read_text(), "the handler is set")
            ctr.call("tasks", "kill", "--signal", "SIGUSR1", name).ok()
            return client.wait(60)
        finally:
            outcome.end(client)

    assert ctrs.agree(scenario) == 9


def test_kill_of_all(ctrs: Ctrs) -> None:
    def scenario(ctr: Ctr) -> int:
        name = ctr.started("sh", "-c", "sleep 1000 & sleep 1000")
        code = ctr.call("tasks", "kill", "--all", "--signal", "SIGKILL", name).code
        until(lambda: ctr.status(name) == "STOPPED", "the task is stopped")
        return code

    assert ctrs.agree(scenario) == 0


def test_processes(ctrs: Ctrs) -> None:
    def scenario(ctr: Ctr) -> int:
        name = ctr.started("sh", "-c", "sleep 1000 & exec sleep 1001")

        def count() -> int:
            return len(ctr.call("tasks", "ps", name).ok().out.splitlines()) - 1

        until(lambda: count() == 2, "both processes are there")
        return count()

    assert ctrs.agree(scenario) == 2


def test_metrics(ctrs: Ctrs) -> None:
    """The names that containerd reads from the container's cgroup, and the limit."""

    def scenario(ctr: Ctr) -> tuple[list[str], bool]:
        name = ctr.started(options=("--memory-limit", "67108864"))
        text = ctr.call("tasks", "metrics", name).ok().out
        names = [line.split()[0] for line in text.splitlines() if line and not re.match(r"\[|\s", line)]
        return sorted(set(names) - {name}), "67108864" in ctr.call(
            "tasks", "metrics", "--format", "json", name
        ).ok().out

    assert ctrs.agree(scenario)[1]


def test_a_joined_namespace(ctrs: Ctrs) -> None:
    def scenario(ctr: Ctr) -> bool:
        first = ctr.started(options=("--hostname", "first"))
        rows = [line.split() for line in ctr.call("tasks", "ls").ok().out.splitlines()]
        pid = next(row[1] for row in rows if row[0] == first)
        joined = ctr.run(
            *sh("readlink /proc/self/ns/net"), options=("--with-ns", f"network:/proc/{pid}/ns/net")
        )
        return joined.ok().out == ctr.exec(first, "readlink", "/proc/self/ns/net").ok().out

    assert ctrs.agree(scenario)


def test_a_root_file_system_of_ones_own(ctrs: Ctrs, rootfs: Path) -> None:
    """Without an image: ``--rootfs DIRECTORY``."""

    def scenario(ctr: Ctr) -> str:
        words, name = ctr.words("--read-only")
        return (
            ctr.call("run", "--rm", *words, "--rootfs", str(rootfs), name, "/bin/echo", "from a folder")
            .ok()
            .out
        )

    assert ctrs.agree(scenario) == "from a folder\n"


def test_pid_file(ctrs: Ctrs) -> None:
    def scenario(ctr: Ctr) -> bool:
        file = ctr.home / "pid"
        ctr.started(options=("--pid-file", str(file)))
        return Path("/proc", file.read_text(), "cmdline").read_bytes() == b"sleep\0001000\0"

    assert ctrs.agree(scenario)


@pytest.mark.skipif(shutil.which("criu") is None, reason="no criu: apt-get install criu")
def test_a_checkpoint(ctrs: Ctrs) -> None:
    """As an image, of which another container is made."""
    count = "exec </dev/null >/dev/null 2>&1; i=0; while :; do i=$((i+1)); echo $i >/v/new; mv /v/new /v/count; sleep 0.05; done"

    def scenario(ctr: Ctr) -> dict[str, Any]:
        file = ctr.folder / "count"

        def counted() -> int:
            return int(file.read_text() or 0) if file.exists() else 0

        name = ctr.started("sh", "-c", count, options=("--mount", BIND))
        until(lambda: counted() > 2, "it counted")
        image = f"example.org/{name}:saved"
        facts: dict[str, Any] = {}
        words = ("containers", "checkpoint", "--rw", "--image", "--task", name, image)
        facts["checkpoint"] = ctr.call(*words, timeout_s=60).code
        facts["goes on"] = ctr.status(name)
        at = counted()
        until(lambda: counted() > at + 20, "it went on")
        facts["kill"] = ctr.call("tasks", "kill", "--signal", "SIGKILL", name).code
        until(lambda: ctr.status(name) in ("STOPPED", "gone"), "it is killed")
        ctr.call("tasks", "delete", name)
        facts["delete"] = ctr.call("containers", "delete", name).code
        later = counted()
        facts["restore"] = ctr.call("containers", "restore", "--rw", "--live", name, image, timeout_s=60).code
        until(lambda: counted() < later, "it began where it was saved")
        facts["status"] = ctr.status(name)
        facts["exec"] = ctr.exec(name, "cat", "/proc/1/comm").out
        ctr.call("images", "rm", image)
        return facts

    ctrs.agree(scenario)
