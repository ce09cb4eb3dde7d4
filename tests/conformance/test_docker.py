"""Real dockerd with the runtime under test as an additional runtime: it does what it does with runc."""

from __future__ import annotations

import hashlib
import json
import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from . import daemons, leftovers, outcome
from .bed import difference, new_id, until
from .console import Dialogue, converse
from .docker_runs import EXECS, RUNS
from .outcome import Outcome
from .shape import shape

Facts = TypeVar("Facts")
IMAGE = "busybox:test"
CATCH = "trap 'echo caught; exit 9' TERM; echo ready; while :; do sleep 0.05; done"
FILTER = {
    "defaultAction": "SCMP_ACT_ALLOW",
    "syscalls": [{"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO"}],
}

pytestmark = pytest.mark.skipif(
    daemons.needed("dockerd", "docker", "containerd", "runc") is not None,
    reason=str(daemons.needed("dockerd", "docker", "containerd", "runc")),
)


class Docker:
    """The docker command line with one runtime, and the containers that a scenario makes."""

    def __init__(self, socket: Path, runtime: str, home: Path) -> None:
        self.base = ["docker", "--host", f"unix://{socket}"]
        self.runtime, self.home = runtime, home
        self.folder = home / "folder"
        self.folder.mkdir(parents=True)
        (self.folder / "file").write_text("content\n")
        (self.folder / "filter.json").write_text(json.dumps(FILTER))
        self.names: list[str] = []

    def call(self, *words: str, **more: Any) -> Outcome:
        return outcome.call([*self.base, *words], self.home / "output", **more)

    def words(self, *options: str) -> list[str]:
        """What every container of this scenario is made with, and its name."""
        self.names.append(new_id())
        network = [] if "--network" in options else ["--network", "none"]
        runtime = ["--runtime", self.runtime] if self.runtime else []
        given = [word.replace("FOLDER", str(self.folder)) for word in options]
        return [*runtime, "--name", self.names[-1], *network, *given]

    def run(self, *command: str, options: tuple[str, ...] = (), **more: Any) -> Outcome:
        return self.call("run", *self.words(*options), IMAGE, *command, **more)

    def started(self, *command: str, options: tuple[str, ...] = ()) -> str:
        """The name of a container that runs in the background."""
        self.call("run", "--detach", *self.words(*options), IMAGE, *(command or ("sleep", "1000"))).ok()
        return self.names[-1]

    def inspect(self, name: str) -> Any:
        return self.call("inspect", name).ok().json()[0]

    def wait(self, name: str) -> int:
        return int(self.call("wait", name).ok().out)

    def converse(self, *words: str, dialogue: Dialogue) -> tuple[int, str]:
        return converse([*self.base, *words], dialogue)

    def close(self) -> None:
        if self.names:
            self.call("rm", "--force", "--volumes", *self.names)


class Dockers:
    """The same scenario with the reference, Docker's daemon with runc, and with what is under test."""

    def __init__(self, reference: tuple[Path, str], tested: tuple[Path, str], home: Path) -> None:
        self.contestants = {"reference": reference, "tested": tested}
        self.home = home

    def each(self, scenario: Callable[[Docker], Facts]) -> tuple[Facts, Facts]:
        facts = []
        for label, (socket, runtime) in self.contestants.items():
            docker = Docker(socket, runtime, self.home / label)
            try:
                facts.append(scenario(docker))
            finally:
                docker.close()
        return facts[0], facts[1]

    def agree(self, scenario: Callable[[Docker], Facts]) -> Facts:
        wanted, got = self.each(scenario)
        if got != wanted:
            pytest.fail(difference(wanted, got), pytrace=False)
        return got


@pytest.fixture(scope="module")
def socket(
    runtime: Path, reference: Path, rootfs: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Path]:
    """A Docker daemon that knows both runtimes and has the image."""
    archive = daemons.import_rootfs(rootfs, tmp_path_factory.mktemp("image") / "rootfs.tar")
    with daemons.dockerd({"tested": runtime, "reference": reference}) as folder:
        place = folder / "docker.sock"
        subprocess.run(["docker", "-H", f"unix://{place}", "import", archive, IMAGE], check=True, timeout=60)
        yield place
        left = leftovers.cgroups(folder.name + "/")
        assert not left, f"left behind: {left}"


@pytest.fixture(scope="module")
def engine_socket(rootfs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Rung's own engine, which has the same image."""
    archive = daemons.import_rootfs(rootfs, tmp_path_factory.mktemp("image") / "rootfs.tar")
    with daemons.rungd() as folder:
        place = folder / "run/rung.sock"
        subprocess.run(["docker", "-H", f"unix://{place}", "import", archive, IMAGE], check=True, timeout=60)
        yield place


@pytest.fixture(params=["runtime", "engine"])
def dockers(socket: Path, tmp_path: Path, request: pytest.FixtureRequest) -> Dockers:
    """Under test: Rung's runtime under Docker's daemon, and Rung's engine in Docker's place."""
    tmp_path.chmod(0o755)
    tested = (socket, "tested") if request.param == "runtime" else (request.getfixturevalue("engine_socket"), "")
    return Dockers((socket, "reference"), tested, tmp_path)


@pytest.mark.parametrize("name", RUNS)
def test_run(dockers: Dockers, name: str) -> None:
    """Exit code, standard output and error; where nothing ran the words are the runtime's own."""
    options, command = RUNS[name]

    def scenario(docker: Docker) -> tuple[int, str, str]:
        ended = docker.run(*command, options=tuple(options))
        ran = not ended.err.startswith("docker: ")
        assert ran or ended.err
        out, err = (text.replace(str(docker.home), "HOME") for text in (ended.out, ended.err if ran else ""))
        return ended.code, out, err

    dockers.agree(scenario)


@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("true", 0),
        ("sh -c 'exit 3'", 3),
        ("/no/such", 127),
        ("no-such", 127),
        ("/etc/passwd", 126),
        ("/bin", 126),
    ],
)
def test_the_exit_codes_that_docker_documents(dockers: Dockers, command: str, code: int) -> None:
    """Docker reads 126 and 127 from the words of the runtime's error."""
    argv = ["sh", "-c", "exit 3"] if code == 3 else [command]
    assert dockers.agree(lambda docker: docker.run(*argv).code) == code


def test_a_kill_gives_137(dockers: Dockers) -> None:
    def scenario(docker: Docker) -> tuple[int, str, bool]:
        name = docker.started()
        docker.call("kill", name).ok()
        code = docker.wait(name)
        state = docker.inspect(name)["State"]
        return code, state["Status"], state["OOMKilled"]

    assert dockers.agree(scenario) == (137, "exited", False)


def test_memory_that_runs_out(dockers: Dockers) -> None:
    """containerd tells Docker of it beside the container's end, and at times after it: one of five runs has to tell."""

    def run(docker: Docker) -> tuple[int, bool]:
        code = docker.run("tail", "/dev/zero", options=("-m", "16m", "--memory-swap", "16m")).code
        return code, docker.inspect(docker.names[-1])["State"]["OOMKilled"]

    def scenario(docker: Docker) -> tuple[int, bool]:
        return next((ended for ended in (run(docker) for _ in range(5)) if ended[1]), (0, False))

    assert dockers.agree(scenario) == (137, True)


def test_the_least_memory_that_docker_allows(dockers: Dockers) -> None:
    """Six megabytes, which are too few for runc's own init."""
    tested = dockers.each(lambda docker: docker.run("echo", "small", options=("-m", "6m")).out)[1]
    assert tested == "small\n"


def test_standard_input(dockers: Dockers) -> None:
    data = os.urandom(2_000_000)

    def scenario(docker: Docker) -> str:
        return docker.run("md5sum", options=("--interactive",), input=data).ok().out

    assert dockers.agree(scenario).split()[0] == hashlib.md5(data).hexdigest()


def test_a_terminal(dockers: Dockers) -> None:
    def scenario(docker: Docker) -> tuple[int, bool, bool]:
        dialogue = [
            (b"# ", b"test -t 0 && echo on $(tty)\n"),
            (b"# ", b"stty size; ls -l /dev/console\n"),
            (b"# ", b"exit 6\n"),
        ]
        code, said = docker.converse("run", "-it", *docker.words(), IMAGE, "sh", dialogue=dialogue)
        return code, "on /dev/" in said, "crw" in said

    assert dockers.agree(scenario) == (6, True, True)


def test_an_interrupt_on_the_terminal(dockers: Dockers) -> None:
    def scenario(docker: Docker) -> int:
        script = "trap 'exit 42' INT; echo ready; while :; do sleep 0.05; done"
        words = ["run", "-it", *docker.words(), IMAGE, "sh", "-c", script]
        return docker.converse(*words, dialogue=[(b"ready", b"\x03")])[0]

    assert dockers.agree(scenario) == 42


def test_a_signal_to_the_client_reaches_the_container(dockers: Dockers) -> None:
    def scenario(docker: Docker) -> tuple[int, str]:
        log = docker.home / "log"
        with log.open("wb") as into:
            client = outcome.start([*docker.base, "run", *docker.words(), IMAGE, "sh", "-c", CATCH], into)
        try:
            until(lambda: "ready" in log.read_text(), "the handler is set")
            client.send_signal(signal.SIGTERM)
            client.wait(60)
        finally:
            outcome.end(client)
        return client.returncode, log.read_text()

    assert dockers.agree(scenario) == (9, "ready\ncaught\n")


def test_exec(dockers: Dockers) -> None:
    """One container, many processes: exit code, output and error of each."""

    def scenario(docker: Docker) -> dict[str, tuple[int, str, str]]:
        name = docker.started(options=("--hostname", "h"))
        facts = {}
        for case, (options, command) in EXECS.items():
            ended = docker.call("exec", *options, name, *command)
            ran = "OCI runtime exec failed" not in ended.out + ended.err
            facts[case] = (ended.code, ended.out if ran else "", ended.err if ran else "")
        return facts

    facts = dockers.agree(scenario)
    assert facts["exit 5"] == (5, "", "")
    assert facts["no such program"][0] == 126
    assert facts["not executable"][0] == 126
    assert facts["killed"][0] == 137


def test_exec_on_a_terminal(dockers: Dockers) -> None:
    def scenario(docker: Docker) -> tuple[int, bool]:
        name = docker.started()
        dialogue = [(b"# ", b"test -t 0 && echo on $(tty)\n"), (b"# ", b"exit 6\n")]
        code, said = docker.converse("exec", "-it", name, "sh", dialogue=dialogue)
        return code, "on /dev/pts/" in said

    assert dockers.agree(scenario) == (6, True)


def test_exec_with_standard_input(dockers: Dockers) -> None:
    def scenario(docker: Docker) -> str:
        return docker.call("exec", "-i", docker.started(), "cat", input=b"piped\n").ok().out

    assert dockers.agree(scenario) == "piped\n"


def test_exec_in_the_background(dockers: Dockers) -> None:
    def scenario(docker: Docker) -> bool:
        name = docker.started()
        docker.call("exec", "--detach", name, "sleep", "777").ok()
        until(lambda: "sleep 777" in docker.call("top", name).ok().out, "the process is there")
        return docker.inspect(name)["State"]["Running"] is True

    assert dockers.agree(scenario)


def test_a_life(dockers: Dockers) -> None:
    """Every command that changes a container: its exit code and the state after it."""

    def scenario(docker: Docker) -> list[Any]:
        docker.call("create", *docker.words(), IMAGE, "sh", "-c", CATCH).ok()
        name, facts = docker.names[-1], list[Any]()

        def step(*words: str) -> None:
            code = docker.call(*words, name).code
            state = docker.inspect(name)["State"]
            facts.append((words, code, state["Status"], state["ExitCode"], state["Pid"] > 0))

        step("start")
        until(lambda: "ready" in docker.call("logs", name).out, "the handler is set")
        step("pause")
        step("pause")
        step("exec", "-d")
        step("unpause")
        step("unpause")
        step("stop", "-t", "5")
        step("start")
        step("restart", "-t", "0")
        step("kill", "-s", "WINCH")
        step("kill", "-s", "KILL")
        docker.wait(name)
        step("start")
        step("update", "--memory", "64m", "--memory-swap", "64m", "--pids-limit", "50")
        step("stop", "-t", "0")
        *same, last = facts
        assert last[3] in (9, 137), "its handler for TERM and the KILL at once are in a race"
        return [*same, (*last[:3], last[4])]

    facts = dockers.agree(scenario)
    assert facts[0][2] == "running"
    assert facts[1][2] == "paused"
    assert facts[6][3] == 9


def test_a_checkpoint(dockers: Dockers) -> None:
    """It ends with one, and begins again where it was. (One: Docker's next fails now and then, with runc too.)"""
    count = "i=0; while :; do i=$((i+1)); echo $i; sleep 0.05; done"

    def scenario(docker: Docker) -> dict[str, Any]:
        name = docker.started("sh", "-c", count)

        def counted() -> int:
            return len(docker.call("logs", name).out.split())

        until(lambda: counted() > 2, "it counted")
        facts: dict[str, Any] = {}
        facts["create"] = docker.call("checkpoint", "create", name, "saved", timeout_s=60).code
        docker.wait(name)
        facts["ended"] = docker.inspect(name)["State"]["Status"]
        facts["list"] = sorted(docker.call("checkpoint", "ls", name).out.split()[2:])
        at = counted()
        start = ("start", "--checkpoint", "saved", name)  # the daemon may not have cleaned up yet
        until(lambda: docker.call(*start, timeout_s=60).code == 0, "it starts from there")
        until(lambda: counted() > at, "it goes on")
        numbers = [int(line) for line in docker.call("logs", name).out.split()]
        facts["continues"] = numbers[at] - numbers[at - 1] in (1, 2)
        facts["exec"] = docker.call("exec", name, "cat", "/proc/1/comm").out
        facts["remove"] = docker.call("checkpoint", "rm", name, "saved").code
        return facts

    assert dockers.agree(scenario)["create"] == 0


def test_stop_of_a_program_that_ignores_it(dockers: Dockers) -> None:
    def scenario(docker: Docker) -> int:
        name = docker.started("sh", "-c", "trap '' TERM; sleep 1000")
        docker.call("stop", "-t", "1", name).ok()
        return docker.wait(name)

    assert dockers.agree(scenario) == 137


def test_stop_signal(dockers: Dockers) -> None:
    def scenario(docker: Docker) -> int:
        script = "trap 'exit 12' USR1; echo ready; while :; do sleep 0.05; done"
        name = docker.started("sh", "-c", script, options=("--stop-signal", "USR1"))
        until(lambda: "ready" in docker.call("logs", name).out, "the handler is set")
        docker.call("stop", name).ok()
        return docker.wait(name)

    assert dockers.agree(scenario) == 12


def test_logs(dockers: Dockers) -> None:
    def scenario(docker: Docker) -> tuple[str, str, str]:
        docker.run("sh", "-c", "echo err >&2").ok()
        err = docker.call("logs", docker.names[-1]).ok().err
        docker.run("seq", "1", "1000").ok()
        out = docker.call("logs", docker.names[-1]).ok().out
        return out, err, docker.call("logs", "--tail", "2", docker.names[-1]).ok().out

    assert dockers.agree(scenario)[0] == "".join(f"{number}\n" for number in range(1, 1001))


def test_top(dockers: Dockers) -> None:
    def scenario(docker: Docker) -> tuple[list[str], list[str]]:
        name = docker.started("sh", "-c", "sleep 1000 & exec sleep 1001")
        until(lambda: docker.call("top", name).ok().out.count("sleep") == 2, "both processes are there")
        lines = docker.call("top", name, "-o", "pid,args").ok().out.splitlines()
        return lines[0].split(), sorted(line.split(maxsplit=1)[1] for line in lines[1:])

    assert dockers.agree(scenario)[1] == ["sleep 1000", "sleep 1001"]


def test_figures(dockers: Dockers) -> None:
    """``stats``: a limit that was set, a memory that is used, one process."""

    def scenario(docker: Docker) -> tuple[list[str], str, str, bool]:
        name = docker.started(options=("-m", "64m"))
        figures = docker.call("stats", "--no-stream", "--format", "{{json .}}", name).ok().json()
        used, limit = figures["MemUsage"].split(" / ")
        return sorted(figures), limit, figures["PIDs"], used.startswith("0B")

    assert dockers.agree(scenario)[1:] == ("64MiB", "1", False)


def test_update(dockers: Dockers) -> None:
    files = ("memory/memory.limit_in_bytes", "cpu/cpu.shares", "pids/pids.max", "cpu/cpu.cfs_quota_us")

    def scenario(docker: Docker) -> list[str]:
        name = docker.started()
        docker.call(
            "update",
            "-m",
            "64m",
            "--memory-swap",
            "64m",
            "-c",
            "200",
            "--pids-limit",
            "33",
            "--cpus",
            "0.3",
            name,
        ).ok()
        script = "; ".join(f"cat /sys/fs/cgroup/{file}" for file in files)
        return docker.call("exec", name, "sh", "-c", script).out.split()

    dockers.agree(scenario)


def test_inspection(dockers: Dockers) -> None:
    """The state that Docker keeps is of the same shape, and its process is there."""

    def scenario(docker: Docker) -> Any:
        name = docker.started(options=("-e", "A=1", "--label", "k=v"))
        document = docker.inspect(name)
        pid = document["State"]["Pid"]
        assert leftovers.alive(Path("/proc", str(pid)))
        assert Path("/proc", str(pid), "cmdline").read_bytes() == b"sleep\0001000\0"
        return shape(document["State"]), document["State"]["Status"], document["Config"]["Labels"]

    dockers.agree(scenario)


def test_restart_policy(dockers: Dockers) -> None:
    def scenario(docker: Docker) -> tuple[int, int, str]:
        name = docker.started("false", options=("--restart", "on-failure:2"))
        until(lambda: docker.inspect(name)["RestartCount"] == 2, "it has been started again twice", 60)
        return (
            docker.wait(name),
            docker.inspect(name)["RestartCount"],
            docker.inspect(name)["State"]["Status"],
        )

    assert dockers.agree(scenario) == (1, 2, "exited")


def test_health(dockers: Dockers) -> None:
    def scenario(docker: Docker) -> str:
        check = (
            "--health-cmd",
            "test -e /dev/shm/well",
            "--health-interval",
            "200ms",
            "--health-retries",
            "2",
        )
        name = docker.started(options=check)

        def health() -> str:
            return str(docker.inspect(name)["State"]["Health"]["Status"])

        until(lambda: health() == "unhealthy", "it is found unwell", 60)
        docker.call("exec", name, "touch", "/dev/shm/well").ok()
        until(lambda: health() == "healthy", "it is found well", 60)
        return health()

    assert dockers.agree(scenario) == "healthy"


def test_joined_namespaces(dockers: Dockers) -> None:
    """A second container in the first one's network, processes and ipc."""

    def scenario(docker: Docker) -> tuple[str, str]:
        first = docker.started("sleep", "999", options=("--ipc", "shareable", "--hostname", "first"))
        docker.call("exec", first, "touch", "/dev/shm/mark").ok()
        options = [part for kind in ("network", "pid", "ipc") for part in (f"--{kind}", f"container:{first}")]
        script = "ls /dev/shm; tr '\\0' ' ' < /proc/1/cmdline; echo; readlink /proc/self/ns/net"
        ended = docker.run("sh", "-c", script, options=tuple(options)).ok()
        own = docker.call("exec", first, "readlink", "/proc/self/ns/net").ok().out
        # The reference leaves the host's forwarding as it is, and says so where it is off; Rung's engine switches it on.
        said = ended.err.replace("WARNING: IPv4 forwarding is disabled. Networking will not work.\n", "")
        return ended.out.replace(own, "SAME\n"), said

    assert dockers.agree(scenario)[0] == "mark\nsleep 999 \nSAME\n"


def test_volumes_from_another_container(dockers: Dockers) -> None:
    def scenario(docker: Docker) -> str:
        first = docker.started(options=("-v", "/data"))
        docker.call("exec", first, "sh", "-c", "echo kept > /data/x").ok()
        return docker.run("cat", "/data/x", options=("--volumes-from", first)).ok().out

    assert dockers.agree(scenario) == "kept\n"


def test_copies_and_changes(dockers: Dockers) -> None:
    def scenario(docker: Docker) -> tuple[str, str, list[str]]:
        name = docker.started()
        docker.call("cp", str(docker.folder / "file"), f"{name}:/tmp/in").ok()
        inside = docker.call("exec", name, "cat", "/tmp/in").ok().out
        docker.call("exec", name, "sh", "-c", "echo out > /root/out").ok()
        docker.call("cp", f"{name}:/root/out", str(docker.home / "out")).ok()
        return (
            inside,
            (docker.home / "out").read_text(),
            sorted(docker.call("diff", name).ok().out.splitlines()),
        )

    dockers.agree(scenario)


def test_attach(dockers: Dockers) -> None:
    def scenario(docker: Docker) -> tuple[str, int]:
        name = docker.started("sh", "-c", "read x; echo got $x; exit 8", options=("--interactive",))
        code = docker.call("attach", name, input=b"line\n").code
        return docker.call("logs", name).ok().out, code

    assert dockers.agree(scenario) == ("got line\n", 8)


def test_many_at_once(dockers: Dockers) -> None:
    def scenario(docker: Docker) -> list[int]:
        clients = []
        with (docker.home / "log").open("wb") as into:
            for number in range(8):
                words = [*docker.base, "run", *docker.words(), IMAGE, "sh", "-c", f"exit {number}"]
                clients.append(outcome.start(words, into))
        try:
            return [client.wait(60) for client in clients]
        finally:
            for client in clients:
                outcome.end(client)

    assert dockers.agree(scenario) == list(range(8))


def test_the_words_of_an_error(dockers: Dockers) -> None:
    """Docker shows the runtime's one sentence; it names what could not be run."""

    def scenario(docker: Docker) -> str:
        said = docker.run("/no/such").err
        assert "/no/such" in said
        return re.sub(r"OCI runtime create failed: .*", "OCI runtime create failed: ...", said)

    dockers.agree(scenario)
