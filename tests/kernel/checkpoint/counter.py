"""Containers that are saved and made again: one that counts into a directory of the host's."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from kernel.runtime.bed import Bed, Outcome, until

DEADLINE_S = 60.0
#: Each number is whole when it is read. The variable is the state that must survive.
COUNT = "i=0; while :; do i=$((i+1)); echo $i > /data/new; mv /data/new /data/count; sleep 0.05; done"


class Saved:
    """Calls the program under test as a manager does, without giving it a pipe to keep."""

    def __init__(self, bed: Bed) -> None:
        self.bed = bed
        self.data = bed.folder / "data"
        self.images = bed.folder / "images"
        self.work = bed.folder / "work"
        self.data.mkdir()
        self._logs = 0

    def edits(self, more: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """The directory ``/data`` from the host, a root that can get its mount point."""
        bind = {"destination": "/data", "type": "bind", "source": str(self.data), "options": ["bind"]}
        mounts = [*self.bed.config()["mounts"], bind]
        plain = {"org.criu.config": ""}  # whatever this machine's administrator wants of CRIU
        return {"root.path": str(self.bed.own_rootfs()), "mounts": mounts, "annotations": plain, **(more or {})}

    def started(
        self,
        script: str = COUNT,
        edits: Mapping[str, Any] | None = None,
        stdio: Sequence[int] = (subprocess.DEVNULL,) * 3,
    ) -> tuple[str, Path]:
        """A container that runs, and its bundle."""
        bundle = self.bed.bundle(("sh", "-c", script), self.edits(edits))
        name = self.bed.new_id()
        outcome = self.call("run", "--detach", "--bundle", bundle, name, stdio=stdio)
        assert outcome.status == 0, outcome.error
        if script == COUNT:
            self.goes_on()
        return name, bundle

    def call(
        self, *words: object, stdio: Sequence[int] = (subprocess.DEVNULL,) * 3, **how: Any
    ) -> Outcome:
        """One command; what it says on stderr comes by way of its log."""
        self._logs += 1
        log = self.bed.folder / f"log{self._logs}"
        program, *rest = self.bed.command(*words)
        command = [program, "--log", str(log), "--log-format", "json", *rest]
        ended = subprocess.run(
            command, stdin=stdio[0], stdout=stdio[1], stderr=stdio[2], timeout=DEADLINE_S, check=False, **how
        )
        lines = log.read_text().splitlines() if log.exists() else []
        return Outcome(ended.returncode, "", "\n".join(json.loads(line)["msg"] for line in lines))

    def checkpoint(self, name: str, *flags: object, **how: Any) -> Outcome:
        places = ("--image-path", self.images, "--work-path", self.work)
        return self.call("checkpoint", *places, *flags, name, **how)

    def restore(self, name: str, bundle: Path, *flags: object, **how: Any) -> Outcome:
        places = ("--image-path", self.images, "--work-path", self.work, "--bundle", bundle)
        return self.call("restore", "--detach", *places, *flags, name, **how)

    def count(self) -> int:
        try:
            return int((self.data / "count").read_text())
        except FileNotFoundError:
            return 0

    def goes_on(self) -> int:
        """Returns once it has counted further than now."""
        before = self.count()
        until(lambda: self.count() > before, f"the counter went on from {before}")
        return self.count()

    def state(self, name: str) -> dict[str, Any]:
        outcome = self.bed.call("state", name)
        found: dict[str, Any] = json.loads(outcome.output) if outcome.status == 0 else {"status": "none"}
        return found

    def log(self, name: str) -> str:
        return (self.work / name).read_text(errors="replace")

    def inside(self, name: str, script: str) -> str:
        """What a process in the container says."""
        outcome = self.bed.call("exec", name, "sh", "-c", script)
        assert outcome.status == 0, outcome.error
        return outcome.output

    def delete(self, name: str) -> None:
        outcome = self.bed.call("delete", "--force", name)
        assert outcome.status == 0, outcome.error


def ok(outcome: Outcome) -> None:
    """It ended well and said nothing."""
    assert (outcome.status, outcome.error) == (0, ""), outcome.error


def inode(pid: int, kind: str) -> int:
    """Which namespace a process is in."""
    return os.stat(f"/proc/{pid}/ns/{kind}").st_ino
