"""The OCI runtime-tools' validation programs against a runtime, as a table.

    python tests/conformance/runtime_tools.py RUNTIME [--reference runc] [NAME...]

Each program (``validation/*/*.t``, which speak TAP, https://testanything.org) drives the
runtime named by ``$RUNTIME`` through the OCI command line. They are another project's and
are built from its source, outside this tree; ``RUNG_RUNTIME_TOOLS`` names that checkout:

    git clone https://github.com/opencontainers/runtime-tools && cd runtime-tools
    CGO_ENABLED=0 make runtimetest validation-executables

A program gets a state root and a temporary folder of its own, so that whatever it leaves
can be found and removed; the programs of a whole run are bounded in time one by one.
Exit code 1 where the runtime fails what the reference passes.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

PLACE = "RUNG_RUNTIME_TOOLS"
TIMEOUT_S = 60.0
_LINE = re.compile(r"^(not )?ok\b[ \d]*(?:- )?(.*)$")
_DIAGNOSED = re.compile(r'"error": "(.*)"')
_DIRECTIVE = re.compile(r"# *(skip|todo)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Verdict:
    """How one program ended: its TAP lines counted, and what was not ok."""

    program: str
    passed: int
    failed: tuple[str, ...]
    skipped: int
    trouble: str  # what is wrong apart from the TAP lines: exit code, time, a diagnostic
    output: str

    @property
    def passes(self) -> bool:
        return not self.failed and not self.trouble

    def __str__(self) -> str:
        if self.passes:
            return f"ok {self.passed}" + (f", skipped {self.skipped}" if self.skipped else "")
        count = f"{len(self.failed)} of {self.passed + len(self.failed)} not ok" if self.failed else ""
        return ", ".join(part for part in (count, self.trouble) if part)


def read_tap(program: str, output: str, code: int | None) -> Verdict:
    """The verdict on a program's output; ``code`` is ``None`` where its time ran out."""
    passed, failed, skipped = 0, list[str](), 0
    for line in output.splitlines():
        found = _LINE.match(line)
        if found is None:
            continue
        if _DIRECTIVE.search(line):
            skipped += 1
        elif found[1]:
            failed.append(found[2].strip() or "(unnamed)")
        else:
            passed += 1
    trouble = ""
    if code is None:
        trouble = f"no end within {TIMEOUT_S:.0f} s"
    elif code:
        trouble = f"exit code {code}"
    elif not passed and not failed and not skipped:
        # Some programs plan no tests at all and say what went wrong in a diagnostic.
        wrong = _DIAGNOSED.search(output)
        if "1..0" not in output.splitlines():
            trouble = "said nothing"
        elif wrong:
            trouble = wrong[1].split("\\n")[0]
    return Verdict(program, passed, tuple(failed), skipped, trouble, output)


def programs(place: Path) -> list[str]:
    """The names of the built programs."""
    return sorted(path.stem for path in place.glob("validation/*/*.t"))


def validate(place: Path, program: str, runtime: str) -> Verdict:
    """Run one program; whatever it leaves is removed."""
    with tempfile.TemporaryDirectory(prefix="rung-conformance-") as folder:
        scratch = Path(folder)
        state, bundles, wrapper = scratch / "state", scratch / "tmp", scratch / "runtime"
        bundles.mkdir()
        wrapper.write_text(f'#!/bin/sh\nexec {shlex.quote(runtime)} --root {shlex.quote(str(state))} "$@"\n')
        wrapper.chmod(0o755)
        scratch.chmod(0o755)
        try:
            return _bounded(place, program, {"RUNTIME": str(wrapper), "TMPDIR": str(bundles)})
        finally:
            _remove_containers(wrapper, state)
            _remove_mounts(folder)


def _bounded(place: Path, program: str, env: dict[str, str]) -> Verdict:
    with tempfile.TemporaryFile() as said:
        running = subprocess.Popen(
            [place / "validation" / program / f"{program}.t"],
            cwd=place,
            env={**os.environ, **env},
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        code: int | None = None
        try:
            code = running.wait(TIMEOUT_S)
        except subprocess.TimeoutExpired:
            os.killpg(running.pid, signal.SIGKILL)
            running.wait()
        said.seek(0)
        return read_tap(program, said.read().decode(errors="replace"), code)


def _remove_containers(wrapper: Path, state: Path) -> None:
    """A container's state is a directory with its id below the root, for every runtime here."""
    for entry in list(state.iterdir()) if state.is_dir() else []:
        subprocess.run([wrapper, "delete", "--force", entry.name], capture_output=True, timeout=60)
        for folder, _, _ in os.walk("/sys/fs/cgroup", topdown=False):
            if os.path.basename(folder) == entry.name:
                os.rmdir(folder)


def _remove_mounts(folder: str) -> None:
    table = Path("/proc/self/mountinfo").read_text().splitlines()
    for line in reversed(table):
        mounted_at = line.split(" ")[4]
        if mounted_at.startswith(folder + "/"):
            subprocess.run(["umount", "--lazy", mounted_at], check=True, timeout=60)


def table(verdicts: Sequence[Verdict], reference: Sequence[Verdict] = ()) -> Iterable[str]:
    """Lines for people: program, verdict, the reference's verdict where it differs."""
    beside = {verdict.program: verdict for verdict in reference}
    for verdict in verdicts:
        other = beside.get(verdict.program)
        note = ""
        if other is not None and other.passes != verdict.passes:
            note = "  <- the reference passes" if other.passes else f"  (the reference: {other})"
        yield f"{verdict.program:34} {verdict}{note}"
        yield from (f"{'':34}   not ok: {name}" for name in verdict.failed[:3])
    count = sum(verdict.passes for verdict in verdicts)
    yield f"{count} of {len(verdicts)} programs pass"


def _program(name: str) -> str | None:
    found = shutil.which(name)
    return os.path.abspath(found) if found else None


def main(words: Sequence[str]) -> int:
    parser = argparse.ArgumentParser(description="The OCI runtime-tools' validation programs, as a table.")
    parser.add_argument("runtime")
    parser.add_argument("program", nargs="*", help="only these")
    parser.add_argument(
        "--reference", help="another runtime; exit code 1 where it passes and RUNTIME does not"
    )
    parser.add_argument("--output", action="store_true", help="print what failing programs said")
    args = parser.parse_args(words)
    place = Path(os.environ.get(PLACE, ""))
    if not os.environ.get(PLACE) or not programs(place):
        print(
            f"{PLACE} names no checkout with built validation programs; see this file's beginning",
            file=sys.stderr,
        )
        return 2
    runtimes = [_program(name) for name in (args.runtime, args.reference) if name]
    if None in runtimes:
        parser.error(f"no such program among {args.runtime}, {args.reference}")
    chosen = args.program or programs(place)
    results = [[validate(place, name, str(path)) for name in chosen] for path in runtimes]
    print("\n".join(table(*results)))
    if args.output:
        for verdict in results[0]:
            if not verdict.passes:
                print(f"--- {verdict.program}\n{verdict.output}")
    if len(results) == 1:
        return 0
    return int(any(other.passes and not own.passes for own, other in zip(*results)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
