"""The same scripts with docker's client and with ``rung``, on one engine: they print the same and end with the same status."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from . import daemons, outcome
from .bed import new_id
from .command_runs import SCENARIOS

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
