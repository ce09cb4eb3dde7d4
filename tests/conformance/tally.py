"""What a runtime's runs of a suite come to: the best of all of them, since a case passes where it passes at all.

    python tally.py HERE.tap GUEST.tap ...                 # figures, and each case that passes in none
    python tally.py HERE.tap --peer PEER.tap PEER2.tap     # and what the peer passes beside it
    python tally.py --rest HERE.tap > rest                 # FILE and case, one a line, for CASES=rest of the scripts

The files are what ``runc_suite.sh``, ``crun_suite.sh`` and ``guest_suite.sh`` print.
"""

from __future__ import annotations

import argparse
import re
import sys
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

if __package__:
    from .suites import cases
else:  # the scripts call it as a program
    from suites import cases

Case = tuple[str, str]
_PLAN = re.compile(r"^1\.\.(\d+)$", re.MULTILINE)
_TOLD = re.compile(r"^(?:not )?ok \d+ ", re.MULTILINE)
_FILE = re.compile(r"^# ([\w-]+\.(?:bats|py))$", re.MULTILINE)


def by_file(tap: str) -> dict[Case, str]:
    """Each case of a run with the file that it is in."""
    _, *parts = _FILE.split(tap)
    return {(file, case): verdict for file, part in zip(parts[::2], parts[1::2]) for case, verdict in cases(part).items()}


def cut_short(tap: str) -> list[str]:
    """The files of which fewer cases are told than TAP's plans ("1..5") have announced."""
    _, *parts = _FILE.split(tap)
    planned = {file: sum(map(int, _PLAN.findall(part))) for file, part in zip(parts[::2], parts[1::2])}
    told = {file: len(_TOLD.findall(part)) for file, part in zip(parts[::2], parts[1::2])}
    return [f"{file} ends after {told[file]} of {count} cases" for file, count in planned.items() if told[file] < count]


def best(runs: Iterable[dict[Case, str]]) -> dict[Case, str]:
    """Each case by its best run; one that fails in one environment and is skipped in others has failed."""
    found: dict[Case, str] = {}
    for run in runs:
        for case, verdict in run.items():
            pair = {verdict, found.get(case, verdict)}
            found[case] = "ok" if "ok" in pair else "not ok" if "not ok" in pair else "skip"
    return found


def table(own: dict[Case, str], peer: dict[Case, str]) -> Iterable[str]:
    """For people: figures, then whatever does not pass."""
    for name, run in (("", own), ("the peer: ", peer)):
        if run:
            count = Counter(run.values())
            yield f"{name}{count['ok']} passed, {count['skip']} skipped, {count['not ok']} failed"
    for file, case in sorted(set(own) | set(peer)):
        verdict, other = own.get((file, case), "-"), peer.get((file, case), "-" if peer else "")
        if verdict != "ok" or other not in ("", "ok"):
            yield f"{verdict:7} {other:7} {file} {case}"


def main(words: Sequence[str]) -> None:
    parser = argparse.ArgumentParser(description="What a runtime's runs of a suite come to.")
    parser.add_argument("tap", nargs="+", type=Path)
    parser.add_argument("--peer", nargs="+", type=Path, default=[])
    parser.add_argument("--rest", action="store_true", help="only name what did not pass")
    args = parser.parse_args(words)
    own, peer = (best(by_file(path.read_text(errors="replace")) for path in paths) for paths in (args.tap, args.peer))
    if args.rest:
        print(*(f"{file}\t{case}" for (file, case), verdict in own.items() if verdict != "ok"), sep="\n")
    else:
        print(*table(own, peer), sep="\n")
        for path in (*args.tap, *args.peer):
            for line in cut_short(path.read_text(errors="replace")):
                print(f"{path}: {line}")


if __name__ == "__main__":
    main(sys.argv[1:])
