"""The same scripts with docker's client and with ``rung``, on one engine: they print the same and end with the same status."""

from __future__ import annotations

import os
import re
import shlex
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from . import daemons, leftovers, outcome
from .bed import new_id, until
from .command_runs import SCENARIOS
from .console import converse

pytestmark = pytest.mark.skipif(daemons.needed("docker", "nft") is not None, reason=str(daemons.needed("docker", "nft")))

#: What differs between any two runs, and what each client calls itself.
ALIKE = (
    (re.compile(r"\b[0-9a-f]{64}\b"), "ID64"),
    (re.compile(r"\b[0-9a-f]{12}\b"), "ID12"),
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d[^ \"]*( \+0000 UTC)?"), "MOMENT"),
    (re.compile(r"(Less than a second|About a minute|\d+ (second|minute)s?)\b"), "AGE"),
    (re.compile(r"127\.0\.0\.1:\d+"), "PORT"),
    (re.compile(r"^ *\d+ {3,}", re.M), "PID   "),
    (re.compile(r" {3,}"), "   "),
    (re.compile(r"^See '.*--help'\.\n?", re.M), ""),
    (re.compile(r"^docker: ", re.M), "rung: "),
    (re.compile(r"\bdocker\b"), "rung"),
    (re.compile(r"\.$", re.M), ""),
    (re.compile(r"(^Usage: .*\n)\n.*", re.M), r"\1"),  # what a command is for, each says in its own words
    (re.compile(r"(cannot copy directory|no such directory).*"), r"\1"),  # rung names which
)


@pytest.fixture(scope="module")
def address(rootfs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    archive = daemons.import_rootfs(rootfs, tmp_path_factory.mktemp("image") / "rootfs.tar")
    with daemons.rungd() as folder:
        host = f"unix://{folder}/run/rung.sock"
        subprocess.run(["docker", "-H", host, "import", archive, "busybox:test"], check=True, timeout=60)
        yield host


class Client:
    """One of the two, with names and a directory of its own."""

    def __init__(self, program: str, host: str, home: Path) -> None:
        self.base = [program, "-H", host]
        self.home = home
        self.words = {"N": new_id(), "NET": new_id(), "VOL": new_id(), "DIR": str(home / "dir")}
        self.words["PRE"] = "10.71" if program == "docker" else "10.72"
        (home / "dir/tree").mkdir(parents=True)
        (home / "dir/tree/file").write_text("content\n")
        (home / "dir/tree/link").symlink_to("file")

    def says(self, line: str) -> tuple[str, int, str, str]:
        line, _, given = line.partition(" <<< ")
        for word, value in self.words.items():
            line = re.sub(rf"\b{word}\b", value, line)
        words = [*self.base, *shlex.split(line)]
        done = outcome.call(words, self.home / "output", input=given.encode() if given else b"")
        return line, done.code, self.alike(done.out), self.alike(done.err).lower()

    def alike(self, text: str) -> str:
        for word, value in self.words.items():
            text = text.replace(value, word)
        for pattern, instead in ALIKE:
            text = pattern.sub(instead, text)
        return text.rstrip()

    def close(self) -> None:
        outcome.call([*self.base, "rm", "-f", "-v", self.words["N"]], self.home / "output")


@pytest.mark.parametrize("name", SCENARIOS)
def test_both_say_the_same(name: str, address: str, tmp_path: Path) -> None:
    clients = [Client("docker", address, tmp_path / "docker"), Client(str(daemons.PROGRAMS / "rung"), address, tmp_path / "rung")]
    different = []
    try:
        for line in SCENARIOS[name]:
            (_, *wanted), (_, *got) = (client.says(line) for client in clients)
            if got != wanted:
                different.append(f"{line}\n  docker: {wanted}\n  rung:   {got}")
        if different:
            pytest.fail("\n".join(different), pytrace=False)
        trees = [sorted(os.path.relpath(path, client.home / "dir") for path in (client.home / "dir").rglob("*")) for client in clients]
        assert trees[1] == trees[0]
    finally:
        for client in clients:
            client.close()


RUNG = str(daemons.PROGRAMS / "rung")
READS = "while read word; do echo heard $word; [ $word = end ] && exit 6; done"
CATCHES = "trap 'echo caught; exit 9' TERM; echo ready; while :; do sleep 0.05; done"


@pytest.fixture
def rung(address: str, tmp_path: Path) -> Iterator[Client]:
    client = Client(RUNG, address, tmp_path / "rung")
    yield client
    client.close()


def test_a_terminal_and_its_size(rung: Client) -> None:
    words = [*rung.base, "run", "--rm", "-it", "--network", "none", "busybox:test", "sh", "-c", f"test -t 0 && echo on; {READS}"]
    code, said = converse(words, [(b"on", b"one\r"), (b"heard one", b"end\r")])
    assert (code, "heard end" in said) == (6, True)
    sized = ["sh", "-c", f"stty rows 33 cols 77; exec {shlex.join([*words[:-1], 'echo on; read x; stty size'])}"]
    assert "33 77" in converse(sized, [(b"on", b"\r")])[1]


def test_the_keys_that_detach(rung: Client) -> None:
    """From one that runs on; and attached to again, it is where it was."""
    name = rung.words["N"]
    words = [*rung.base, "run", "-it", "--name", name, "--network", "none", "busybox:test", "sh", "-c", f"echo ready; {READS}"]
    code, _ = converse(words, [(b"ready", b"one\r"), (b"heard one", b"\x10\x11")])
    assert code == 0
    assert rung.says("inspect -f '{{.State.Running}}' N")[2] == "true"
    code, said = converse([*rung.base, "attach", name], [(b"", b"two\r"), (b"heard two", b"\x10\x11")])
    assert (code, "read escape sequence" in said) == (1, True)
    code, said = converse([*rung.base, "attach", "--detach-keys", "ctrl-a", name], [(b"", b"end\r")])
    assert (code, "heard end" in said) == (6, True)


def test_signals_are_passed_on(rung: Client, tmp_path: Path) -> None:
    words = [*rung.base, "run", "--rm", "--network", "none", "busybox:test", "sh", "-c", CATCHES]
    with (tmp_path / "out").open("wb") as into:
        program = outcome.start(words, into)
    until(lambda: "ready" in (tmp_path / "out").read_text(), "it runs")
    program.send_signal(signal.SIGTERM)
    assert program.wait(60) == 9
    assert "caught" in (tmp_path / "out").read_text()


def test_much_comes_through_both_ways(rung: Client) -> None:
    given = os.urandom(1 << 16) * 64
    words = [*rung.base, "run", "--rm", "-i", "--network", "none", "busybox:test", "cat"]
    done = subprocess.run(words, input=given, capture_output=True, timeout=120, check=True)
    assert done.stdout == given


def test_several_commands_at_once_start_one_engine(tmp_path: Path) -> None:
    with daemons.folder_of_its_own() as folder:
        roots = ["--data-root", f"{folder}/data", "--run-root", f"{folder}/run", "--cgroup-parent", f"/{folder.name}"]
        words = [RUNG, *roots, "ps", "-q"]
        try:
            started = [subprocess.Popen(words, stdout=-1, stderr=-1, text=True) for _ in range(4)]
            ended = [(*one.communicate(timeout=120), one.returncode) for one in started]
            assert ended == [("", "", 0)] * 4
            said = (folder / "run/rungd.log").read_text()
            assert said.count("API on") == 1, said
            stopped = outcome.call([RUNG, *roots, "system", "stop"], tmp_path / "output")
            assert (stopped.code, stopped.err) == (0, "")
            assert not [line for line in leftovers.of(folder.name) if "rungd" in line]
        finally:
            daemons.end_engine(folder / "run/rung.sock")


def test_an_engine_that_cannot_start_says_why(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    words = [RUNG, "--data-root", f"{tmp_path}/data", "--run-root", f"{tmp_path}/run", "ps"]
    failed = outcome.call(words, tmp_path / "output")
    assert failed.code == 1
    assert failed.err.startswith("start the engine: ")
    assert failed.err.count("\n") == 1
