"""Where containers are made in tests: bundles over a busybox root, the library and the program.

Everything a container is made of carries the bed's mark in its name (its id is its
cgroup's name), so that what it left can be found on a machine that others use too.
"""

from __future__ import annotations

import json
import os
import select
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from conformance.bundle import edit
from rung.runtime import Container, ContainerNotFound, Runtime, Stdio
from rung.spec.runtime.default import default_config

DEADLINE_S = 60.0
#: Commands that the tests' scripts call.
APPLETS = "cat chmod cut echo env false grep head id kill ln ls mkdir mount printf pwd readlink rm sed sh sleep \
sort stat tail touch true tty umask umount uname wc".split()


@dataclass
class Outcome:
    """How a container or a command ended."""

    status: int
    output: str
    error: str = ""

    @property
    def lines(self) -> list[str]:
        return self.output.splitlines()


@dataclass
class Bed:
    """A runtime's root, a place for bundles and the program under test."""

    folder: Path
    rootfs: Path
    busybox: Path
    program: Path
    mark: str
    notes: list[str] = field(default_factory=list)
    _made: int = 0

    def __post_init__(self) -> None:
        self.state = self.folder / "state"
        self.runtime = Runtime(str(self.state), notes=self.notes.append)

    # --- what containers are made from ------------------------------------------------

    def new_id(self) -> str:
        self._made += 1
        return f"{self.mark}-{self._made}"

    def config(self, args: Sequence[str] = ("true",), edits: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """``runc spec``'s configuration without a terminal, over the shared root; edited."""
        document: dict[str, Any] = default_config()  # type: ignore[assignment]
        document["process"].update(args=list(args), terminal=False)
        document["root"]["path"] = str(self.rootfs)
        for path, value in (edits or {}).items():
            edit(document, path, value)
        return document

    def bundle(self, args: Sequence[str] = ("true",), edits: Mapping[str, Any] | None = None) -> Path:
        return self.write(self.config(args, edits))

    def write(self, document: object) -> Path:
        """A bundle with this ``config.json`` (bytes as they are)."""
        self._made += 1
        bundle = self.folder / f"bundle{self._made}"
        bundle.mkdir(parents=True)
        text = document if isinstance(document, bytes) else json.dumps(document).encode()
        (bundle / "config.json").write_bytes(text)
        return bundle

    def own_rootfs(self) -> Path:
        """A small root file system that the test may spoil."""
        self._made += 1
        root = self.folder / f"rootfs{self._made}"
        for name in ("bin", "dev", "etc", "proc", "sys", "tmp"):
            (root / name).mkdir(parents=True)
        shutil.copy2(self.busybox, root / "bin/busybox")
        for applet in APPLETS:
            (root / "bin" / applet).symlink_to("busybox")
        (root / "etc/passwd").write_text("root:x:0:0::/root:/bin/sh\nuser:x:1000:1000::/home:/bin/sh\n")
        return root

    # --- by the library ---------------------------------------------------------------

    @contextmanager
    def created(
        self, args: Sequence[str], edits: Mapping[str, Any] | None = None, **options: Any
    ) -> Iterator[Container]:
        """A container that waits for start; deleted whatever becomes of it."""
        null = os.open("/dev/null", os.O_RDWR)
        try:
            stdio = options.pop("stdio", Stdio(null, null, null))
            container = self.runtime.create(self.new_id(), str(self.bundle(args, edits)), stdio=stdio, **options)
            pid = container.pid
            try:
                yield container
            finally:
                try:
                    container.delete(force=True)
                except ContainerNotFound:  # the test has done it
                    pass
                reap(pid)
        finally:
            os.close(null)

    @contextmanager
    def running(self, edits: Mapping[str, Any] | None = None, **options: Any) -> Iterator[Container]:
        """A container whose workload sleeps."""
        with self.created(("sleep", "1000"), edits, **options) as container:
            container.start()
            yield container

    def run(self, script: str | Sequence[str], edits: Mapping[str, Any] | None = None, **options: Any) -> Outcome:
        """A container's whole life: its exit status, and what it said on both streams."""
        args = ("sh", "-c", script) if isinstance(script, str) else script
        bundle = self.bundle(args, edits)
        with captured() as out:
            null = os.open("/dev/null", os.O_RDONLY)
            try:
                container = self.runtime.create(self.new_id(), str(bundle), stdio=Stdio(null, out, out), **options)
                try:
                    container.start()
                    status = wait(container)
                finally:
                    container.delete(force=True)
            finally:
                os.close(null)
            return Outcome(status, os.pread(out, 1 << 20, 0).decode())

    def exec(self, container: Container, script: str, **changes: Any) -> Outcome:
        """One more process in a container."""
        from rung.runtime import ExecOptions

        process = {**container.config["process"], "args": ["sh", "-c", script], **changes}
        with captured() as out:
            null = os.open("/dev/null", os.O_RDONLY)
            try:
                started = container.exec(process, ExecOptions(stdio=Stdio(null, out, out)))
                status = wait(started)
            finally:
                os.close(null)
            return Outcome(status, os.pread(out, 1 << 20, 0).decode())

    # --- by the program ---------------------------------------------------------------

    def command(self, *words: object) -> list[str]:
        return [str(self.program), "--root", str(self.state), *map(str, words)]

    def call(self, *words: object, **how: Any) -> Outcome:
        """Run the program to its end. stdin is /dev/null; files take what it says, since a
        container may keep a pipe open."""
        with captured() as out, captured() as error:
            run = subprocess.run(
                self.command(*words), stdin=subprocess.DEVNULL, stdout=out, stderr=error, timeout=DEADLINE_S, **how
            )
            return Outcome(
                run.returncode, os.pread(out, 1 << 20, 0).decode(), os.pread(error, 1 << 20, 0).decode()
            )

    # --- what is left -----------------------------------------------------------------

    def left(self) -> list[str]:
        """Cgroups that carry the mark; the machine's other leftovers are counted by the census."""
        found = []
        for top in mounted_cgroups():
            found += [os.path.join(top, name) for name in os.listdir(top) if name.startswith(self.mark)]
        return sorted(found)


def mounted_cgroups() -> list[str]:
    """Where cgroup file systems are mounted."""
    table = Path("/proc/self/mountinfo").read_text().splitlines()
    return [line.split()[4] for line in table if " - cgroup" in line]


@contextmanager
def captured() -> Iterator[int]:
    """A descriptor to write to and to read from the beginning."""
    fd = os.memfd_create("captured")
    try:
        yield fd
    finally:
        os.close(fd)


def wait(process: Any) -> int:
    """Its exit status, within the deadline."""
    ended_within(process.pid)
    status: int = process.wait()
    return status


def ended_within(pid: int, timeout_s: float = DEADLINE_S) -> None:
    """Returns when a process has ended (it may be a zombie then)."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return
    try:
        assert select.select([handle], [], [], timeout_s)[0], f"process {pid} did not end within {timeout_s} s"
    finally:
        os.close(handle)


def reap(pid: int) -> None:
    """Take the status of a child of ours that has ended; what is no child is left."""
    try:
        os.waitpid(pid, 0)
    except ChildProcessError:
        return


def until(condition: Callable[[], Any], what: str) -> Any:
    """Poll for what gives no event, with a deadline."""
    end = time.monotonic() + DEADLINE_S
    while not (found := condition()):
        assert time.monotonic() < end, f"{what} did not come true"
        time.sleep(0.002)
    return found


def one_sentence(outcome: Outcome, *objects: str, status: int = 1) -> None:
    """The program refused as it should: exit status, one line, no traceback, the object named."""
    assert outcome.status == status, (outcome.status, outcome.error)
    lines = outcome.error.strip().splitlines()
    assert len(lines) == 1, outcome.error
    assert "Traceback" not in outcome.error and "a bug in" not in outcome.error, outcome.error
    for name in objects:
        assert name in outcome.error, (name, outcome.error)
