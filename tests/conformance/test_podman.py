"""Real Podman with the runtime under test as one of its runtimes: it does what it does with runc."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from . import daemons, outcome
from .bed import until
from .podman import IMAGE, Home, Podman, Podmans, home
from .podman_runs import CGROUP_FILES, EXECS, RUNS
from .shape import shape

CATCH = "trap 'echo caught; exit 9' TERM; echo ready; while :; do sleep 0.05; done"

pytestmark = pytest.mark.skipif(
    daemons.needed("podman", "conmon", "catatonit", "runc") is not None,
    reason=str(daemons.needed("podman", "conmon", "catatonit", "runc")),
)


@pytest.fixture(scope="module")
def storage(runtime: Path, reference: Path, rootfs: Path) -> Iterator[Home]:
    with home({"tested": runtime, "reference": reference}, rootfs) as made:
        yield made


@pytest.fixture
def podmans(storage: Home, tmp_path: Path) -> Podmans:
    tmp_path.chmod(0o755)
    return Podmans(storage, tmp_path)


@pytest.mark.parametrize("name", RUNS)
def test_run(podmans: Podmans, name: str, rootfs: Path) -> None:
    """Exit code, standard output and error; where nothing ran the words are the runtime's own."""
    options, command = RUNS[name]

    def scenario(podman: Podman) -> tuple[int, str, str]:
        if "--rootfs" in options:
            shutil.copytree(rootfs, podman.folder / "rootfs", symlinks=True)
        ended = podman.run(*command, options=tuple(options))
        ran = not ended.err.startswith("Error: ")
        assert ran or ended.err
        return ended.code, podman.shown(ended.out), podman.shown(ended.err) if ran else ""

    podmans.agree(scenario)


@pytest.mark.parametrize(
    ("command", "code"),
    [("true", 0), ("false", 1), ("/no/such", 127), ("no-such", 127), ("/etc/passwd", 126), ("/bin", 126)],
)
def test_the_exit_codes_that_podman_documents(podmans: Podmans, command: str, code: int) -> None:
    """Podman reads 126 and 127 from the words of the runtime's error."""
    assert podmans.agree(lambda podman: podman.run(command).code) == code


def test_exec(podmans: Podmans) -> None:
    """One container, many processes: exit code, output and error of each."""

    def scenario(podman: Podman) -> dict[str, tuple[int, str, str]]:
        name = podman.started(options=("--hostname", "h"))
        facts = {}
        for case, (options, command) in EXECS.items():
            ended = podman.call("exec", *options, name, *command)
            ran = not ended.err.startswith("Error: ")
            facts[case] = (ended.code, podman.shown(ended.out), podman.shown(ended.err) if ran else "")
        return facts

    facts = podmans.agree(scenario)
    assert facts["exit 5"] == (5, "", "")
    assert facts["no such program"][0] == 127
    assert facts["not executable"][0] == 126
    assert facts["killed"][0] == 137


def test_exec_with_standard_input(podmans: Podmans) -> None:
    def scenario(podman: Podman) -> str:
        return podman.call("exec", "-i", podman.started(), "cat", input=b"piped\n").ok().out

    assert podmans.agree(scenario) == "piped\n"


def test_exec_in_the_background(podmans: Podmans) -> None:
    def scenario(podman: Podman) -> int:
        name = podman.started()
        podman.call("exec", "--detach", name, "sleep", "777").ok()
        until(lambda: "sleep 777" in podman.call("top", name).ok().out, "the process is there")
        return len(podman.call("top", name).ok().out.splitlines())

    assert podmans.agree(scenario) == 3


def test_exec_on_a_terminal(podmans: Podmans) -> None:
    def scenario(podman: Podman) -> tuple[int, bool]:
        name = podman.started()
        dialogue = [(b"# ", b"test -t 0 && echo on $(tty)\n"), (b"# ", b"exit 6\n")]
        code, said = podman.converse("exec", "-it", name, "sh", dialogue=dialogue)
        return code, "on /dev/pts/" in said

    assert podmans.agree(scenario) == (6, True)


def test_standard_input(podmans: Podmans) -> None:
    data = os.urandom(2_000_000)

    def scenario(podman: Podman) -> str:
        return podman.run("md5sum", options=("--interactive",), input=data).ok().out

    assert podmans.agree(scenario).split()[0] == hashlib.md5(data).hexdigest()


def test_a_terminal(podmans: Podmans) -> None:
    def scenario(podman: Podman) -> tuple[int, bool, bool]:
        dialogue = [
            (b"# ", b"test -t 0 && echo on $(tty)\n"),
            (b"# ", b"stty size; ls -l /dev/console\n"),
            (b"# ", b"exit 6\n"),
        ]
        code, said = podman.converse("run", "-it", *podman.words(), IMAGE, "sh", dialogue=dialogue)
        return code, "on /dev/" in said, "crw" in said

    assert podmans.agree(scenario) == (6, True, True)


def test_the_terminals_size_follows(podmans: Podmans) -> None:
    """``exec`` sets the container's window, whose programs hear of it."""

    def scenario(podman: Podman) -> tuple[int, bool]:
        script = "trap 'stty size; exit 3' WINCH; stty rows 7 columns 9; kill -WINCH $$; sleep 5"
        code, said = podman.converse("run", "-it", *podman.words(), IMAGE, "sh", "-c", script, dialogue=[])
        return code, "7 9" in said

    assert podmans.agree(scenario) == (3, True)


def test_an_interrupt_on_the_terminal(podmans: Podmans) -> None:
    def scenario(podman: Podman) -> int:
        script = "trap 'exit 42' INT; echo ready; while :; do sleep 0.05; done"
        words = ["run", "-it", *podman.words(), IMAGE, "sh", "-c", script]
        return podman.converse(*words, dialogue=[(b"ready", b"\x03")])[0]

    assert podmans.agree(scenario) == 42


def test_attach(podmans: Podmans) -> None:
    def scenario(podman: Podman) -> tuple[str, int]:
        name = podman.started("sh", "-c", "read x; echo got $x; exit 8", options=("--interactive",))
        podman.call("attach", name, input=b"line\n")
        return podman.call("logs", name).ok().out, podman.wait(name)

    assert podmans.agree(scenario) == ("got line\n", 8)


def test_detach_and_attach_again(podmans: Podmans) -> None:
    """The keys that leave a terminal, which runs on and can be attached again."""

    def scenario(podman: Podman) -> tuple[str, int, bool]:
        script = "echo ready; read x; echo got $x; exit 4"
        words = ["run", "-it", "--detach-keys", "ctrl-x", *podman.words(), IMAGE, "sh", "-c", script]
        podman.converse(*words, dialogue=[(b"ready", b"\x18")])
        name = podman.names[-1]
        status = str(podman.inspect(name)["State"]["Status"])
        _, said = podman.converse("attach", name, dialogue=[(b"", b"line\n")])
        return status, podman.wait(name), "got line" in said

    assert podmans.agree(scenario) == ("running", 4, True)


def test_a_signal_to_the_client_reaches_the_container(podmans: Podmans) -> None:
    def scenario(podman: Podman) -> tuple[int, str]:
        log = podman.home / "log"
        with log.open("wb") as into:
            client = outcome.start(podman.argv("run", *podman.words(), IMAGE, "sh", "-c", CATCH), into)
        try:
            until(lambda: "ready" in log.read_text(), "the handler is set")
            client.send_signal(signal.SIGTERM)
            client.wait(60)
        finally:
            outcome.end(client)
        return client.returncode, log.read_text()

    assert podmans.agree(scenario) == (9, "ready\ncaught\n")


def test_a_life(podmans: Podmans) -> None:
    """Every command that changes a container: its exit code and the state after it."""

    def scenario(podman: Podman) -> list[Any]:
        podman.call("create", *podman.words(), IMAGE, "sh", "-c", CATCH).ok()
        name, facts = podman.names[-1], list[Any]()

        def step(*words: str) -> None:
            code = podman.call(*words, name).code
            state = podman.inspect(name)["State"]
            facts.append((words, code, state["Status"], state["ExitCode"], state["Pid"] > 0))

        def ready(times: int) -> None:
            said = podman.call("logs", name)
            until(lambda: podman.call("logs", name).out.count("ready") >= times, f"the handler is set {said.out}")

        step("init")
        step("start")
        ready(1)
        step("pause")
        step("pause")
        step("unpause")
        step("unpause")
        step("stop", "-t", "5")
        step("start")
        ready(2)
        step("restart", "-t", "5")
        ready(3)
        step("kill", "-s", "WINCH")
        step("kill", "-s", "KILL")
        podman.wait(name)
        step("start")
        ready(4)
        step("update", "--memory", "64m", "--memory-swap", "64m", "--pids-limit", "50")
        step("stop", "-t", "5")
        return facts

    facts = podmans.agree(scenario)
    assert [fact[2] for fact in facts[:4]] == ["initialized", "running", "paused", "paused"]
    assert facts[6][3] == 9


def test_a_kill_gives_137(podmans: Podmans) -> None:
    def scenario(podman: Podman) -> tuple[int, str, bool]:
        name = podman.started()
        podman.call("kill", name).ok()
        code = podman.wait(name)
        state = podman.inspect(name)["State"]
        return code, state["Status"], state["OOMKilled"]

    assert podmans.agree(scenario) == (137, "exited", False)


def test_memory_that_runs_out(podmans: Podmans) -> None:
    def scenario(podman: Podman) -> tuple[int, bool]:
        code = podman.run("tail", "/dev/zero", options=("-m", "16m", "--memory-swap", "16m")).code
        return code, podman.inspect(podman.names[-1])["State"]["OOMKilled"]

    assert podmans.agree(scenario)[0] == 137


def test_stop_of_a_program_that_ignores_it(podmans: Podmans) -> None:
    def scenario(podman: Podman) -> int:
        name = podman.started("sh", "-c", "trap '' TERM; sleep 1000")
        podman.call("stop", "-t", "1", name).ok()
        return podman.wait(name)

    assert podmans.agree(scenario) == 137


def test_stop_signal(podmans: Podmans) -> None:
    def scenario(podman: Podman) -> int:
        script = "trap 'exit 12' USR1; echo ready; while :; do sleep 0.05; done"
        name = podman.started("sh", "-c", script, options=("--stop-signal", "USR1"))
        until(lambda: "ready" in podman.call("logs", name).out, "the handler is set")
        podman.call("stop", name).ok()
        return podman.wait(name)

    assert podmans.agree(scenario) == 12


def test_a_paused_one_is_removed(podmans: Podmans) -> None:
    def scenario(podman: Podman) -> tuple[int, str, int]:
        name = podman.started()
        podman.call("pause", name).ok()
        state = str(podman.inspect(name)["State"]["Status"])
        return podman.call("exec", name, "true").code, state, podman.call("rm", "-f", "-t", "0", name).code

    assert podmans.agree(scenario)[1:] == ("paused", 0)


def test_logs(podmans: Podmans) -> None:
    def scenario(podman: Podman) -> tuple[str, str, str]:
        podman.run("sh", "-c", "echo err >&2").ok()
        err = podman.call("logs", podman.names[-1]).ok().err
        podman.run("seq", "1", "1000").ok()
        out = podman.call("logs", podman.names[-1]).ok().out
        return out, err, podman.call("logs", "--tail", "2", podman.names[-1]).ok().out

    assert podmans.agree(scenario)[0] == "".join(f"{number}\n" for number in range(1, 1001))


def test_top(podmans: Podmans) -> None:
    def scenario(podman: Podman) -> tuple[list[str], list[str]]:
        name = podman.started("sh", "-c", "sleep 1000 & exec sleep 1001")
        until(lambda: podman.call("top", name).ok().out.count("sleep") == 2, "both processes are there")
        lines = podman.call("top", name, "pid", "args").ok().out.splitlines()
        return lines[0].split(), sorted(line.split(maxsplit=1)[1].strip() for line in lines[1:])

    assert podmans.agree(scenario)[1] == ["sleep 1000", "sleep 1001"]


def test_figures(podmans: Podmans) -> None:
    """``stats``: a limit that was set, a memory that is used, one process."""

    def scenario(podman: Podman) -> tuple[list[str], str, Any, bool]:
        name = podman.started(options=("-m", "64m"))
        figures = podman.call("stats", "--no-stream", "--format", "json", name).ok().json()[0]
        used, limit = figures["mem_usage"].split(" / ")
        return sorted(figures), limit, figures["pids"], used.startswith("0B")

    assert podmans.agree(scenario)[1:] == ("67.11MB", "1", False)


def test_update(podmans: Podmans) -> None:
    def scenario(podman: Podman) -> list[str]:
        name = podman.started()
        limits = ["-m", "64m", "--memory-swap", "64m", "-c", "200", "--pids-limit", "33", "--cpus", "0.3"]
        podman.call("update", *limits, name).ok()
        return podman.call("exec", name, "sh", "-c", CGROUP_FILES).ok().out.split()

    assert podmans.agree(scenario) == ["33", "67108864", "200", "30000"]


def test_inspection(podmans: Podmans) -> None:
    """The state that Podman keeps is of the same shape, and its process is there."""

    def scenario(podman: Podman) -> Any:
        name = podman.started(options=("-e", "A=1", "--label", "k=v"))
        document = podman.inspect(name)
        pid = document["State"]["Pid"]
        assert Path("/proc", str(pid), "cmdline").read_bytes() == b"sleep\0001000\0"
        return shape(document["State"]), document["State"]["Status"], document["Config"]["Labels"]["k"]

    podmans.agree(scenario)


def test_restart_policy(podmans: Podmans) -> None:
    def scenario(podman: Podman) -> tuple[int, int, str]:
        name = podman.started("false", options=("--restart", "on-failure:2"))
        until(lambda: podman.inspect(name)["RestartCount"] == 2, "it has been started again twice", 60)
        code = podman.wait(name)
        return code, podman.inspect(name)["RestartCount"], str(podman.inspect(name)["State"]["Status"])

    assert podmans.agree(scenario) == (1, 2, "exited")


def test_health(podmans: Podmans) -> None:
    """By hand: Podman leaves the intervals to systemd, which need not be there."""

    def scenario(podman: Podman) -> list[tuple[int, str]]:
        check = ("--health-cmd", "test -e /dev/shm/well", "--health-interval", "disable", "--health-retries", "1")
        name, facts = podman.started(options=check), []
        for change in ("true", "touch /dev/shm/well", "rm /dev/shm/well"):
            podman.call("exec", name, "sh", "-c", change).ok()
            code = podman.call("healthcheck", "run", name).code
            facts.append((code, str(podman.inspect(name)["State"]["Health"]["Status"])))
        return facts

    assert [code for code, _ in podmans.agree(scenario)] == [1, 0, 1]


def test_joined_namespaces(podmans: Podmans) -> None:
    """A second container in the first one's network, processes and ipc."""

    def scenario(podman: Podman) -> tuple[str, str]:
        first = podman.started("sleep", "999", options=("--ipc", "shareable", "--hostname", "first"))
        podman.call("exec", first, "touch", "/dev/shm/mark").ok()
        options = [part for kind in ("network", "pid", "ipc", "uts") for part in (f"--{kind}", f"container:{first}")]
        script = "ls /dev/shm; tr '\\0' ' ' < /proc/1/cmdline; echo; readlink /proc/self/ns/net; hostname"
        ended = podman.run("sh", "-c", script, options=tuple(options)).ok()
        own = podman.call("exec", first, "readlink", "/proc/self/ns/net").ok().out
        return ended.out.replace(own, "SAME\n"), ended.err

    assert podmans.agree(scenario)[0] == "mark\nsleep 999 \nSAME\nfirst\n"


def test_joined_user_namespace(podmans: Podmans) -> None:
    def scenario(podman: Podman) -> str:
        first = podman.started(options=("--uidmap", "0:200000:5000"))
        script = "cat /proc/self/uid_map; id -u; touch /tmp/x && stat -c %u /tmp/x"
        options = ("--userns", f"container:{first}", "-u", "3")
        return podman.run("sh", "-c", script, options=options).ok().out

    assert podmans.agree(scenario).split() == ["0", "200000", "5000", "3", "3"]


def test_a_pod(podmans: Podmans) -> None:
    """An infra container holds the namespaces that two others share; the pod stops and goes as one."""

    def scenario(podman: Podman) -> Any:
        name = f"pod-{podman.runtime}"
        podman.pods.append(name)
        shared = ["--share", "net,ipc,uts,pid", "--network", "none", "--hostname", "podded"]
        podman.call("pod", "create", "--name", name, "--cgroup-parent", f"/{podman.storage.folder.name}", *shared).ok()
        first = podman.started("sleep", "999", options=("--pod", name))
        podman.call("exec", first, "touch", "/dev/shm/mark").ok()
        script = "hostname; ls /dev/shm; ps -o comm | grep -c -x -E 'sleep|catatonit'"
        ran = podman.run("sh", "-c", script, options=("--pod", name, "--rm")).ok().out
        before = podman.call("pod", "inspect", name, "--format", "{{.State}} {{.NumContainers}}").ok().out
        codes = [podman.call("pod", word, name).code for word in ("pause", "unpause")]
        podman.call("pod", "stop", "-t", "2", name)  # fails where it finds v1 controllers that are not mounted
        after = podman.call("pod", "inspect", name, "--format", "{{.State}}").ok().out
        return ran, before, codes, after

    ran, _, codes, _ = podmans.agree(scenario)
    assert ran == "podded\nmark\n2\n"
    assert codes == [0, 0]


def test_a_pod_from_kubernetes_words(podmans: Podmans) -> None:
    def scenario(podman: Podman) -> tuple[int, str, str]:
        name = f"played-{podman.runtime}"
        podman.pods.append(name)
        container = {
            "name": "one",
            "image": IMAGE,
            "imagePullPolicy": "Never",
            "command": ["sh", "-c", "id -u; cat /sys/fs/cgroup/memory/memory.limit_in_bytes; exec sleep 1000"],
            "securityContext": {"runAsUser": 1000, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}},
            "resources": {"limits": {"memory": "64Mi"}},
        }
        spec = {"containers": [container], "restartPolicy": "Never"}
        document = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}
        (podman.folder / "pod.json").write_text(json.dumps(document))
        played = podman.call("kube", "play", "--network", "none", "FOLDER/pod.json")
        assert played.code == 0, played.err
        full = f"{name}-one"
        until(lambda: podman.call("logs", full).out.count("\n") == 2, "it has said what it has")
        script = "grep ^Cap /proc/self/status; touch /x"
        inside = podman.call("exec", full, "sh", "-c", script)
        return inside.code, inside.out + inside.err, podman.call("logs", full).out

    assert podmans.agree(scenario)[2] == "1000\n67108864\n"


def test_volumes_from_another_container(podmans: Podmans) -> None:
    def scenario(podman: Podman) -> str:
        first = podman.started(options=("-v", "/data"))
        podman.call("exec", first, "sh", "-c", "echo kept > /data/x").ok()
        return podman.run("cat", "/data/x", options=("--volumes-from", first)).ok().out

    assert podmans.agree(scenario) == "kept\n"


def test_copies_and_changes(podmans: Podmans) -> None:
    def scenario(podman: Podman) -> tuple[str, str, list[str]]:
        name = podman.started()
        podman.call("cp", "FOLDER/file", f"{name}:/tmp/in").ok()
        inside = podman.call("exec", name, "cat", "/tmp/in").ok().out
        podman.call("exec", name, "sh", "-c", "echo out > /root/out").ok()
        podman.call("cp", f"{name}:/root/out", str(podman.home / "out")).ok()
        return inside, (podman.home / "out").read_text(), sorted(podman.call("diff", name).ok().out.splitlines())

    podmans.agree(scenario)


def test_a_secret(podmans: Podmans) -> None:
    def scenario(podman: Podman) -> tuple[str, str]:
        name = f"secret-{podman.runtime}"
        podman.call("secret", "create", name, "FOLDER/file").ok()
        try:
            options = ("--secret", f"{name},target=word,mode=0400,uid=5", "--secret", f"{name},type=env,target=WORD")
            ended = podman.run("sh", "-c", "cat /run/secrets/word; ls -ln /run/secrets/word; echo $WORD", options=options)
        finally:
            podman.call("secret", "rm", name)
        lines = ended.ok().out.splitlines()
        return lines[0] + lines[2], " ".join(lines[1].split()[:4])

    assert podmans.agree(scenario) == ("contentcontent", "-r-------- 1 5 0")


def test_descriptors_are_passed_on(podmans: Podmans) -> None:
    """``--preserve-fds`` of run and exec: descriptor 3 is the caller's."""

    def scenario(podman: Podman) -> tuple[str, str]:
        with (podman.folder / "file").open() as file:
            os.dup2(file.fileno(), 33)  # any free one: the shell below makes it 3
            try:
                shell = ["bash", "-c", 'exec 3<&33 33<&-; exec "$@"', "bash"]
                words = [*shell, *podman.argv("run", "--preserve-fds", "1", *podman.words(), IMAGE, "cat", "/dev/fd/3")]
                ran = outcome.call(words, podman.home / "output", pass_fds=(33,))
                name = podman.started()
                words = [*shell, *podman.argv("exec", "--preserve-fds", "1", name, "cat", "/dev/fd/3")]
                file.seek(0)
                entered = outcome.call(words, podman.home / "output", pass_fds=(33,))
            finally:
                os.close(33)
        return ran.out, entered.out

    assert podmans.agree(scenario) == ("content\n", "content\n")


def test_many_at_once(podmans: Podmans) -> None:
    def scenario(podman: Podman) -> list[int]:
        clients = []
        with (podman.home / "log").open("wb") as into:
            for number in range(8):
                words = podman.argv("run", *podman.words(), IMAGE, "sh", "-c", f"exit {number}")
                clients.append(outcome.start(words, into))
        try:
            return [client.wait(60) for client in clients]
        finally:
            for client in clients:
                outcome.end(client)

    assert podmans.agree(scenario) == list(range(8))


def test_hooks_of_the_host(podmans: Podmans) -> None:
    """Podman writes the hooks of its directory into the configuration; they are given the state."""

    def scenario(podman: Podman) -> list[str]:
        hooks, said = podman.folder / "hooks", podman.folder / "said"
        hooks.mkdir()
        for stage in ("createRuntime", "poststop"):
            write = f"grep -o '\"status\": *\"[a-z]*\"' >> {said}"
            hook = {
                "version": "1.0.0",
                "hook": {"path": "/bin/sh", "args": ["sh", "-c", f"echo {stage} >> {said}; {write}"]},
                "when": {"always": True},
                "stages": [stage],
            }
            (hooks / f"{stage}.json").write_text(json.dumps(hook))
        ended = podman.call("--hooks-dir", str(hooks), "run", *podman.words(), IMAGE, "true")
        assert ended.code == 0, ended.err
        podman.call("rm", podman.names[-1]).ok()
        return said.read_text().replace(" ", "").split()

    facts = podmans.agree(scenario)
    assert facts == ["createRuntime", '"status":"creating"', "poststop", '"status":"stopped"']


def test_a_volume_with_mapped_ids(podmans: Podmans) -> None:
    """The reference may be older than this, too: the volume's owners are the container's."""

    def scenario(podman: Podman) -> str:
        script = "stat -c %u:%g /v/file; touch /v/new; stat -c %u /v/new"
        return podman.run("sh", "-c", script, options=("--uidmap", "0:200000:5000", "-v", "FOLDER:/v:idmap")).out

    assert podmans.each(scenario)[1] == "0:0\n0\n"


def test_personality(podmans: Podmans) -> None:
    """The reference may be older than this field."""
    tested = podmans.each(lambda podman: podman.run("uname", "-m", options=("--personality", "LINUX32")).out)[1]
    assert tested == "i686\n"


def test_the_words_of_an_error(podmans: Podmans) -> None:
    """Podman shows the runtime's one sentence; it names what could not be run."""
    said = podmans.each(lambda podman: podman.run("/no/such").err)[1]
    assert "/no/such" in said
    assert len(said.splitlines()) == 1


@pytest.mark.skipif(shutil.which("criu") is None, reason="no criu: apt-get install criu")
def test_a_checkpoint(podmans: Podmans) -> None:
    """The restored one has another conmon, with other pipes."""

    def numbers(podman: Podman, name: str) -> list[int]:
        return [int(line) for line in podman.call("logs", name).ok().out.splitlines()]

    def scenario(podman: Podman) -> dict[str, Any]:
        name = podman.started("sh", "-c", "i=0; while :; do i=$((i+1)); echo $i; sleep 0.1; done")
        until(lambda: len(numbers(podman, name)) > 2, "it counted")
        facts: dict[str, Any] = {"checkpoint": podman.call("container", "checkpoint", name).code}
        facts["saved"] = podman.inspect(name)["State"]["Checkpointed"]
        before = len(numbers(podman, name))
        facts["restore"] = podman.call("container", "restore", name).code
        until(lambda: len(numbers(podman, name)) > before + 2, "it counted on")
        found = numbers(podman, name)
        facts["none is missing"] = found == list(range(1, len(found) + 1))
        facts["status"] = podman.inspect(name)["State"]["Status"]
        facts["exec"] = podman.call("exec", name, "cat", "/proc/1/comm").out
        facts["left running"] = podman.call("container", "checkpoint", "--leave-running", name).code
        facts["still"] = podman.inspect(name)["State"]["Status"]
        facts["stop"] = podman.call("stop", "--time", "0", name).code
        return facts

    podmans.agree(scenario)
