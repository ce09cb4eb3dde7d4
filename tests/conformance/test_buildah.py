"""Real Buildah with the runtime under test: ``run`` and ``build`` do what they do with runc."""

from __future__ import annotations

import hashlib
import os
import re
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from . import daemons, leftovers, outcome
from .bed import difference, new_id, until
from .buildah_runs import RUNS
from .console import converse
from .outcome import Outcome
from .podman import IMAGE, RUNTIMES, Home, home, make_folder

Facts = TypeVar("Facts")
#: Else Buildah asks for more open files than every root may have.
LIMITS = ["--ulimit", "nofile=512:1024", "--ulimit", "nproc=2000:4000"]
NAME = re.compile(r"buildah-?(?:buildah)?\d+")
CATCH = "trap 'echo caught; exit 9' TERM; echo ready; while :; do sleep 0.05; done"

pytestmark = pytest.mark.skipif(
    daemons.needed("buildah", "podman", "runc") is not None,
    reason=str(daemons.needed("buildah", "podman", "runc")),
)


class Buildah:
    """Buildah with one runtime, and the working containers that a scenario makes."""

    def __init__(self, storage: Home, runtime: str, place: Path) -> None:
        self.storage, self.home = storage, place
        self.program = storage.runtimes[runtime]
        self.folder = make_folder(place)
        self.names: list[str] = []

    def argv(self, *words: str) -> list[str]:
        given = [word.replace("FOLDER", str(self.folder)) for word in words]
        return self.storage.words("buildah", *given)

    def call(self, *words: str, **more: Any) -> Outcome:
        return outcome.call(self.argv(*words), self.home / "output", cwd=self.home, **more)

    def container(self, *options: str) -> str:
        """A working container."""
        self.names.append(new_id())
        parent = ["--cgroup-parent", f"/{self.storage.folder.name}"]
        self.call("from", "--name", self.names[-1], *parent, *LIMITS, *options, IMAGE).ok()
        return self.names[-1]

    def words(self, name: str, options: list[str], command: list[str]) -> list[str]:
        network = [] if "--network" in options else ["--network", "none"]
        runtime = ["--isolation", "oci", "--runtime", str(self.program)]
        return ["run", *runtime, *network, *options, name, "--", *command]

    def run(self, *command: str, options: tuple[str, ...] = (), **more: Any) -> Outcome:
        return self.call(*self.words(self.container(), list(options), list(command)), **more)

    def shown(self, text: str) -> str:
        """What was said by the container, without what differs by name only."""
        own = [line for line in text.splitlines() if not line.startswith(("Error: ", "error running", "time=", ": exit"))]
        said = NAME.sub("NAME", "\n".join(own))
        return said.replace(str(self.home), "HOME").replace(str(self.storage.folder), "STORAGE")

    def busy(self) -> bool:
        """Whether a process is in a cgroup of its containers."""
        groups = leftovers.cgroups(self.storage.folder.name)
        return any(Path(group, "cgroup.procs").read_text() for group in groups if Path(group).exists())

    def close(self) -> None:
        if self.names:
            self.call("rm", *self.names)


class Buildahs:
    """The same scenario with the runtime under test and with the reference."""

    def __init__(self, storage: Home, place: Path) -> None:
        self.storage, self.place = storage, place

    def each(self, scenario: Callable[[Buildah], Facts]) -> tuple[Facts, Facts]:
        facts = []
        for runtime in RUNTIMES:
            buildah = Buildah(self.storage, runtime, self.place / runtime)
            try:
                facts.append(scenario(buildah))
            finally:
                buildah.close()
        return facts[0], facts[1]

    def agree(self, scenario: Callable[[Buildah], Facts]) -> Facts:
        wanted, got = self.each(scenario)
        if got != wanted:
            pytest.fail(difference(wanted, got), pytrace=False)
        return got


@pytest.fixture(scope="module")
def storage(runtime: Path, reference: Path, rootfs: Path) -> Iterator[Home]:
    with home({"tested": runtime, "reference": reference}, rootfs) as made:
        yield made


@pytest.fixture
def buildahs(storage: Home, tmp_path: Path) -> Buildahs:
    tmp_path.chmod(0o755)
    return Buildahs(storage, tmp_path)


@pytest.mark.parametrize("name", RUNS)
def test_run(buildahs: Buildahs, name: str) -> None:
    """Exit code, standard output and error; where nothing ran the words are the runtime's own."""
    of_container, options, command = RUNS[name]

    def scenario(buildah: Buildah) -> tuple[int, str, str]:
        ended = buildah.call(*buildah.words(buildah.container(*of_container), options, command))
        return ended.code, buildah.shown(ended.out), buildah.shown(ended.err)

    buildahs.agree(scenario)


def test_what_one_run_writes_the_next_one_finds(buildahs: Buildahs) -> None:
    def scenario(buildah: Buildah) -> str:
        name = buildah.container()
        buildah.call(*buildah.words(name, [], ["sh", "-c", "echo kept > /kept; chown 5:6 /kept"])).ok()
        return buildah.call(*buildah.words(name, [], ["sh", "-c", "cat /kept; stat -c %u:%g /kept"])).ok().out

    assert buildahs.agree(scenario) == "kept\n5:6\n"


def test_standard_input(buildahs: Buildahs) -> None:
    data = os.urandom(1_000_000)
    said = buildahs.agree(lambda buildah: buildah.run("md5sum", input=data).ok().out)
    assert said.split()[0] == hashlib.md5(data).hexdigest()


def test_a_terminal(buildahs: Buildahs) -> None:
    def scenario(buildah: Buildah) -> tuple[int, bool]:
        words = buildah.words(buildah.container(), ["--tty"], ["sh", "-c", "test -t 0 && tty; ls -l /dev/console; exit 6"])
        code, said = converse(buildah.argv(*words), [])
        return code, "/dev/pts/0" in said and "crw" in said

    assert buildahs.agree(scenario) == (6, True)


def test_an_interrupt_on_the_terminal(buildahs: Buildahs) -> None:
    def scenario(buildah: Buildah) -> int:
        script = "trap 'exit 42' INT; echo ready; while :; do sleep 0.05; done"
        words = buildah.words(buildah.container(), ["--tty"], ["sh", "-c", script])
        return converse(buildah.argv(*words), [(b"ready", b"\x03")])[0]

    assert buildahs.agree(scenario) == 42


def test_a_signal_to_the_client(buildahs: Buildahs) -> None:
    """Buildah kills what it has started, by the runtime."""

    def scenario(buildah: Buildah) -> bool:
        log = buildah.home / "log"
        words = buildah.words(buildah.container(), [], ["sh", "-c", CATCH])
        with log.open("wb") as into:
            client = outcome.start(buildah.argv(*words), into)
        try:
            until(lambda: "ready" in log.read_text(), "the handler is set")
            client.send_signal(signal.SIGTERM)
            client.wait(60)
        finally:
            outcome.end(client)
        until(lambda: not buildah.busy(), f"{buildah.program} has ended what it ran")  # all of them have one cgroup
        return client.returncode != 0

    assert buildahs.agree(scenario)


def test_build(buildahs: Buildahs) -> None:
    """The RUN lines of a Containerfile, their user and directory; what they make is in the image."""

    def scenario(buildah: Buildah) -> tuple[list[str], str]:
        (buildah.folder / "Containerfile").write_text(
            f"FROM {IMAGE}\nENV A=1\nRUN echo $A > /one && id -u >> /one\nWORKDIR /work\nUSER 5:6\n"
            "RUN --mount=type=tmpfs,target=/t touch /t/x && id > /tmp/two && pwd >> /tmp/two\n"
            "COPY file /copied\n"
        )
        tag = f"localhost/built:{buildah.program.name}"
        words = ["build", "--runtime", str(buildah.program), "--isolation", "oci", "--network", "none", *LIMITS]
        built = buildah.call(*words, "--cgroup-parent", f"/{buildah.storage.folder.name}", "-t", tag, "FOLDER")
        assert built.code == 0, built.err
        steps = [line for line in built.out.splitlines() if line.startswith("STEP")]
        buildah.names.append(new_id())
        buildah.call("from", "--name", buildah.names[-1], *LIMITS, tag).ok()
        script = "cat /one /tmp/two /copied; stat -c %u:%g /tmp/two"
        said = buildah.call(*buildah.words(buildah.names[-1], [], ["sh", "-c", script])).ok().out
        return [step.replace(tag, "TAG") for step in steps], said

    steps, said = buildahs.agree(scenario)
    assert any("RUN echo" in step for step in steps)
    assert said == "1\n0\nuid=5 gid=6 groups=6\n/work\ncontent\n5:6\n" or said.startswith("1\n0\nuid=5")


def test_a_build_that_fails(buildahs: Buildahs) -> None:
    def scenario(buildah: Buildah) -> tuple[int, bool]:
        (buildah.folder / "Containerfile").write_text(f"FROM {IMAGE}\nRUN echo before && exit 7\nRUN echo after\n")
        words = ["build", "--runtime", str(buildah.program), "--isolation", "oci", "--network", "none", *LIMITS]
        built = buildah.call(*words, "--cgroup-parent", f"/{buildah.storage.folder.name}", "FOLDER")
        return built.code, "before" in built.out and "after" not in built.out.replace("echo after", "")

    assert buildahs.agree(scenario) == (7, True)


def test_the_words_of_an_error(buildahs: Buildahs) -> None:
    """Buildah shows the runtime's one sentence; it names what could not be run."""
    said = buildahs.each(lambda buildah: buildah.run("/no/such").err)[1]
    assert "/no/such" in said and "no such file" in said
