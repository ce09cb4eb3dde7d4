"""Runs one program to its end, within a time limit.

Rule: nothing a test starts outlives the test. Standard output and error go to files and
not to pipes, because a detached container keeps them open after its runtime has gone.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

DEFAULT_TIMEOUT_S = 60.0


@dataclass(frozen=True)
class Outcome:
    """How a program ended. The files can be read again while a container still writes to them."""

    argv: tuple[str, ...]
    code: int
    out_file: Path
    err_file: Path

    @property
    def out(self) -> str:
        return self.out_file.read_text(errors="replace")

    @property
    def err(self) -> str:
        return self.err_file.read_text(errors="replace")

    def json(self) -> Any:
        return json.loads(self.out)

    def ok(self) -> Outcome:
        """Itself, when the program ended with 0."""
        assert self.code == 0, f"{' '.join(self.argv)}: exit code {self.code}\n{self.out}{self.err}"
        return self


def call(
    argv: Sequence[str | Path],
    into: Path,
    *,
    input: bytes | None = None,
    timeout_s: float = DEFAULT_TIMEOUT_S,
    env: Mapping[str, str] | None = None,
    cwd: Path | None = None,
    pass_fds: Sequence[int] = (),
) -> Outcome:
    """Run ``argv`` with its output in new files under ``into``.

    After ``timeout_s`` it is killed and the test fails.
    """
    words = tuple(str(word) for word in argv)
    out_file, err_file = new_output(into)
    with out_file.open("wb") as out, err_file.open("wb") as err:
        program = subprocess.Popen(
            words,
            stdin=subprocess.PIPE if input is not None else subprocess.DEVNULL,
            stdout=out,
            stderr=err,
            env={**os.environ, **env} if env else None,
            cwd=cwd,
            pass_fds=tuple(pass_fds),
            start_new_session=True,
        )
        try:
            program.communicate(input, timeout=timeout_s)
        except subprocess.TimeoutExpired:
            end(program)
            if program.stdin:
                try:
                    program.stdin.close()
                except BrokenPipeError:
                    pass  # It has not read everything.
            outcome = Outcome(words, program.returncode, out_file, err_file)
            raise AssertionError(
                f"{' '.join(words)}: still running after {timeout_s} s\n{outcome.out}{outcome.err}"
            ) from None
    return Outcome(words, program.returncode, out_file, err_file)


def start(
    argv: Sequence[str | Path], output: IO[bytes], env: Mapping[str, str] | None = None
) -> subprocess.Popen[bytes]:
    """A daemon or a waiting client in a session of its own; ``end`` it."""
    return subprocess.Popen(
        [str(word) for word in argv],
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=subprocess.STDOUT,
        env={**os.environ, **env} if env else None,
        start_new_session=True,
    )


def end(program: subprocess.Popen[bytes], grace_s: float = 0.0) -> None:
    """Terminate a program; after ``grace_s`` kill it and whatever is left of its process group."""
    if grace_s and program.poll() is None:
        program.terminate()
        try:
            program.wait(grace_s)
        except subprocess.TimeoutExpired:
            pass  # The kill below is the answer.
    try:
        os.killpg(program.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass  # The whole group has ended.
    program.wait(60)


def new_output(into: Path) -> tuple[Path, Path]:
    """Fresh files for standard output and error."""
    into.mkdir(parents=True, exist_ok=True)
    number = sum(1 for _ in into.iterdir())
    out_file, err_file = into / f"{number:04}.out", into / f"{number + 1:04}.err"
    out_file.touch(exist_ok=False)
    err_file.touch(exist_ok=False)
    return out_file, err_file
