"""Podman as a user without privilege, with the runtime under test: it does what it does with runc."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from . import daemons
from .bed import until
from .docker_runs import MOUNTS, STATUS, sh
from .podman import IMAGE, USER, Home, Podman, Podmans, users_home
from .podman_runs import EXECS
from .podman_runs import RUNS as ROOTS

#: Those of root's that a user can have, too.
SHARED = (
    "exit 0",
    "exit 3",
    "no such program",
    "not executable",
    "killed",
    "streams",
    "environment",
    "user",
    "user by name",
    "groups",
    "working directory to be made",
    "status",
    "device nodes",
    "namespaces",
    "read-only",
    "read-only with tmpfs",
    "volume",
    "volume read-only",
    "volume of one file",
    "volume of the engine",
    "volume relabelled",
    "no capabilities",
    "one capability",
    "another capability",
    "no new privileges",
    "default filter",
    "filter of one's own",
    "masked",
    "unmasked in part",
    "init",
    "host's network",
    "hostname",
    "hosts and resolver",
    "host's processes",
    "private ipc",
    "limit",
    "sysctl",
    "device",
    "umask",
    "memory",
)
RUNS: dict[str, tuple[list[str], list[str]]] = {
    **{name: ROOTS[name] for name in SHARED},
    "mounts": ([], sh(MOUNTS + " | grep -v devtmpfs")),
    "maps": ([], sh("cat /proc/self/uid_map /proc/self/gid_map /proc/self/setgroups")),
    "own id kept": (["--userns", "keep-id"], sh("id; cat /proc/self/uid_map; touch /tmp/x; stat -c %u /tmp/x")),
    "own id kept as another": (["--userns", "keep-id:uid=200,gid=210"], sh("id; " + STATUS)),
    "own id kept, volume": (["--userns", "keep-id", "-v", "FOLDER:/v"], sh("stat -c %u /v; touch /v/x && rm /v/x")),
    "own id not mapped": (["--userns", "nomap"], sh("id; cat /proc/self/uid_map")),
    "ids of one's own choice": (["--uidmap", "0:1:100", "--gidmap", "0:1:100"], sh("id; cat /proc/self/uid_map")),
    "groups kept": (["--group-add", "keep-groups"], sh("id -u")),
    "privileged": (["--privileged"], sh("grep -E '^(Cap|Seccomp:)' /proc/self/status; mount -t tmpfs t /mnt")),
    "score": (["--oom-score-adj", "300"], ["cat", "/proc/self/oom_score_adj"]),
}

pytestmark = pytest.mark.skipif(
    daemons.needed("podman", "conmon", "catatonit", "runc", "newuidmap") is not None,
    reason=str(daemons.needed("podman", "conmon", "catatonit", "runc", "newuidmap")),
)
_numbers = itertools.count()


@pytest.fixture(scope="module")
def storage(runtime: Path, reference: Path, rootfs: Path) -> Iterator[Home]:
    with users_home({"tested": runtime, "reference": reference}, rootfs) as made:
        yield made


@pytest.fixture
def podmans(storage: Home) -> Podmans:
    return Podmans(storage, storage.folder / f"scenario{next(_numbers)}")


@pytest.mark.parametrize("name", RUNS)
def test_run(podmans: Podmans, name: str) -> None:
    """Exit code, standard output and error; where nothing ran the words are the runtime's own."""
    options, command = RUNS[name]

    def scenario(podman: Podman) -> tuple[int, str, str]:
        ended = podman.run(*command, options=tuple(options))
        ran = not ended.err.startswith("Error: ")
        assert ran or ended.err
        return ended.code, podman.shown(ended.out), podman.shown(ended.err) if ran else ""

    podmans.agree(scenario)


def test_exec(podmans: Podmans) -> None:
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


def test_a_terminal(podmans: Podmans) -> None:
    def scenario(podman: Podman) -> tuple[int, bool]:
        dialogue = [(b"# ", b"test -t 0 && echo on $(tty)\n"), (b"# ", b"exit 6\n")]
        code, said = podman.converse("run", "-it", *podman.words(), IMAGE, "sh", dialogue=dialogue)
        return code, "on /dev/" in said

    assert podmans.agree(scenario) == (6, True)


def test_a_life(podmans: Podmans) -> None:
    """Stopped by a signal, started again, killed; its process is the user's."""

    def scenario(podman: Podman) -> list[object]:
        script = "trap 'exit 9' TERM; echo ready; while :; do sleep 0.05; done"
        name, facts = podman.started("sh", "-c", script), list[object]()
        pid = podman.inspect(name)["State"]["Pid"]
        assert Path(f"/proc/{pid}").stat().st_uid == USER
        for number, (word, *options) in enumerate((("stop", "-t", "5"), ("start",), ("kill", "-s", "KILL"))):
            if number != 1:
                times = 1 + number // 2
                until(lambda times=times: podman.call("logs", name).out.count("ready") == times, "the handler is set")
            facts.append(podman.call(word, *options, name).code)
            facts.append(podman.wait(name) if word != "start" else 0)
        return [*facts, podman.call("pause", name).code]

    facts = podmans.agree(scenario)
    assert facts[:6] == [0, 9, 0, 0, 0, 137]


def test_top_and_joined_namespaces(podmans: Podmans) -> None:
    def scenario(podman: Podman) -> tuple[str, int]:
        first = podman.started("sleep", "999", options=("--ipc", "shareable", "--hostname", "first"))
        podman.call("exec", first, "touch", "/dev/shm/mark").ok()
        options = [part for kind in ("network", "pid", "ipc", "uts") for part in (f"--{kind}", f"container:{first}")]
        script = "ls /dev/shm; tr '\\0' ' ' < /proc/1/cmdline; hostname"
        ran = podman.run("sh", "-c", script, options=tuple(options)).ok().out
        return ran, podman.call("top", first).ok().out.count("sleep")

    assert podmans.agree(scenario) == ("mark\nsleep 999 first\n", 1)


def test_a_pod(podmans: Podmans) -> None:
    def scenario(podman: Podman) -> tuple[str, int]:
        name = f"users-{podman.runtime}"
        podman.pods.append(name)
        podman.call("pod", "create", "--name", name, "--network", "none", "--hostname", "podded").ok()
        said = podman.run("sh", "-c", "hostname; id -u", options=("--pod", name, "--rm")).ok().out
        return said, podman.call("pod", "rm", "-f", "-t", "0", name).code

    assert podmans.agree(scenario)[0] == "podded\n0\n"


def test_the_words_of_an_error(podmans: Podmans) -> None:
    said = podmans.each(lambda podman: podman.run("/no/such").err)[1]
    assert "/no/such" in said and len(said.splitlines()) == 1
