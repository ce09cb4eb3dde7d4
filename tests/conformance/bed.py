"""A test bed: one runtime with a state root of its own, and what a scenario makes with it.

A scenario is a function of a bed that returns facts. ``Pair.agree`` runs it on the runtime
under test and on the reference and wants the same facts from both.
"""

from __future__ import annotations

import difflib
import itertools
import os
import pprint
import re
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest

from . import outcome
from .bundle import Config, Edits, make_bundle
from .console import Dialogue, converse
from .outcome import DEFAULT_TIMEOUT_S, Outcome

Facts = TypeVar("Facts")
_numbers = itertools.count(1)


OWN_CGROUP = re.compile(r"/\S*/(rungconf-\d+-\d+)")
RUNC_RACE = "could not ensure we are a cloned binary: Device or resource busy"
"""runc 1.1.15 fails so, now and then, before it has begun: it is asked again."""
RUNC_TRIES = 5


def new_id() -> str:
    """A container id that no other test of this run has, and whose origin shows."""
    return f"rungconf-{os.getpid()}-{next(_numbers)}"


class Bed:
    """One runtime program and its containers."""

    def __init__(self, program: Path, home: Path, rootfs: Path, config: Config, ids: Sequence[str]) -> None:
        self.program, self.home, self.rootfs, self.config = program, home, rootfs, config
        self.root = home / "state"
        self._ids, self.used = iter(ids), list[str]()
        home.mkdir(parents=True)

    def new_id(self) -> str:
        """The next id of this scenario; every bed gives the same ids in the same order."""
        self.used.append(next(self._ids))
        return self.used[-1]

    def open_to_all(self) -> None:
        """Let other users reach the bundles, as root of another user namespace must."""
        folder = self.home
        while folder.name and folder.parent.stat().st_uid == os.getuid() and not folder.is_mount():
            folder.chmod(folder.stat().st_mode | 0o055)
            folder = folder.parent

    def bundle(self, *args: str, edits: Edits | None = None) -> Path:
        name = f"bundle{sum(1 for _ in self.home.glob('bundle*'))}"
        return make_bundle(self.home / name, self.rootfs, self.config, args, edits)

    def call(
        self,
        *words: str | Path,
        input: bytes | None = None,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
        pass_fds: Sequence[int] = (),
    ) -> Outcome:
        """One command of the runtime."""
        for _ in range(RUNC_TRIES):
            ended = self._call(words, input, timeout_s, env, cwd, pass_fds)
            if ended.code == 0 or RUNC_RACE not in ended.err:
                break
        return ended

    def _call(
        self,
        words: Sequence[str | Path],
        input: bytes | None,
        timeout_s: float,
        env: Mapping[str, str] | None,
        cwd: Path | None,
        pass_fds: Sequence[int],
    ) -> Outcome:
        return outcome.call(
            [self.program, "--root", self.root, *words],
            self.home / "output",
            input=input,
            timeout_s=timeout_s,
            env=env,
            cwd=cwd,
            pass_fds=pass_fds,
        )

    def converse(self, *words: str | Path, dialogue: Dialogue) -> tuple[int, str]:
        """One command of the runtime on a terminal: its exit code and what was said."""
        return converse([self.program, "--root", self.root, *words], dialogue)

    def run(
        self, *args: str, edits: Edits | None = None, options: Sequence[str | Path] = (), **more: Any
    ) -> Outcome:
        """``run`` of a new bundle in the foreground."""
        return self.call("run", *options, "--bundle", self.bundle(*args, edits=edits), self.new_id(), **more)

    def detached(self, *args: str, edits: Edits | None = None, options: Sequence[str | Path] = ()) -> str:
        """The id of a container that runs ``args`` (without any: ``sleep``) in the background."""
        bundle = self.bundle(*(args or ("sleep", "1000")), edits=edits)
        name = self.new_id()
        self.call("run", "--detach", *options, "--bundle", bundle, name).ok()
        return name

    def created(self, *args: str, edits: Edits | None = None, options: Sequence[str | Path] = ()) -> str:
        """The id of a container that waits for ``start``."""
        bundle = self.bundle(*(args or ("sleep", "1000")), edits=edits)
        name = self.new_id()
        self.call("create", *options, "--bundle", bundle, name).ok()
        return name

    def created_on_terminal(self, edits: Edits, console_socket: Path) -> str:
        """Like ``created``; the terminal's master goes to the socket."""
        name = self.new_id()
        bundle = self.bundle(edits=edits)
        self.call("create", "--console-socket", console_socket, "--bundle", bundle, name).ok()
        return name

    def cgroup_file(self, name: str, file: str) -> str:
        """What ``CONTROLLER/FILE`` of the container's cgroup holds; v1, or v2 where v1 lacks it."""
        controller, leaf = file.split("/")
        paths: dict[str, str] = {}
        for line in Path("/proc", str(self.pid(name)), "cgroup").read_text().splitlines():
            _, kinds, path = line.split(":", 2)
            paths.update(dict.fromkeys(kinds.split(","), path.strip("/")))
        mounted = controller if controller in paths else ""
        place = Path("/sys/fs/cgroup", mounted, paths.get(mounted, ""), leaf)
        return place.read_text() if place.exists() else "no such file"

    def status(self, name: str) -> str:
        return str(self.call("state", name).ok().json()["status"])

    def pid(self, name: str) -> int:
        return int(self.call("state", name).ok().json()["pid"])

    def wait_for(self, name: str, status: str) -> None:
        until(lambda: self.status(name) == status, f"{name} is {status}")

    def close(self) -> None:
        """Remove what the scenario left; a container that stays is an error."""
        for name in self.used:
            self.call("delete", "--force", name)


@dataclass(frozen=True)
class Pair:
    """The runtime under test and the reference, with a maker of beds for each."""

    under_test: Callable[[Sequence[str]], Bed]
    reference: Callable[[Sequence[str]], Bed]

    def agree(self, scenario: Callable[[Bed], Facts]) -> Facts:
        """What the scenario gives, which must be the same for both runtimes."""
        wanted, got = self.each(scenario)
        if got != wanted:
            pytest.fail(difference(wanted, got), pytrace=False)
        return got

    def each(self, scenario: Callable[[Bed], Facts]) -> tuple[Facts, Facts]:
        """The reference's facts and those of the runtime under test."""
        ids = [new_id() for _ in range(16)]
        facts = []
        for make in (self.reference, self.under_test):
            bed = make(ids)
            try:
                facts.append(scenario(bed))
            finally:
                bed.close()
        return facts[0], facts[1]


def difference(wanted: object, got: object) -> str:
    """What to change in ``wanted`` to have ``got``, line by line."""
    before, after = (pprint.pformat(facts, width=110).splitlines() for facts in (wanted, got))
    return "\n".join(difflib.unified_diff(before, after, "reference", "under test", n=2, lineterm=""))


def own_cgroup(text: str) -> str:
    """Below which of the caller's cgroups a container without a path comes is the runtime's choice."""
    return OWN_CGROUP.sub(r"/\1", text)


def until(happened: Callable[[], bool], what: str, timeout_s: float = 60.0) -> None:
    """Poll what gives no event; fails after the deadline."""
    deadline = time.monotonic() + timeout_s
    while not happened():
        assert time.monotonic() < deadline, f"not within {timeout_s} s: {what}"
        time.sleep(0.01)
