"""``rung explain``: what was done for a container, by which clause, and how long it took."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence
from typing import Any

from rung.errors import RungError


def register(subparsers: Any, words: Sequence[str] = ()) -> None:
    """Add the command of this file."""
    explain = subparsers.add_parser(
        "explain",
        help="show what was done to make a container",
        epilog="example: rung explain --calls web",
    )
    explain.add_argument("container", metavar="CONTAINER", help="name or id, of one that is removed too")
    explain.add_argument("--calls", action="store_true", help="each system call as well")
    explain.add_argument("--json", action="store_true", help="one JSON object a line")
    explain.set_defaults(run=_explain)


def _explain(args: argparse.Namespace) -> int:
    if args.json:
        import json

        for line in _lines(args.data_root, args.container, args.calls, args.state_root):
            print(json.dumps(line.__dict__))
        return 0
    print(text_of(args.data_root, args.container, calls=args.calls, state_root=args.state_root), end="")
    return 0


def text_of(data: str, wanted: str, *, calls: bool = False, state_root: str = "") -> str:
    """The story of a container as text."""
    from rung.runtime import render

    return render(_lines(data, wanted, calls, state_root))


def _lines(data: str, wanted: str, calls: bool, state_root: str) -> Any:
    from rung.engine import Records
    from rung.runtime import story

    places = [os.path.join(state_root, wanted)] if state_root and "/" not in wanted else []
    try:
        directory = Records(data).explanation(wanted)
        places += [os.path.join(state_root, os.path.basename(directory)), directory]
    except RungError:
        if not any(map(os.path.isdir, places)):
            raise
    for place in places:
        if os.path.exists(os.path.join(place, "plan")):
            return story(_read(place, "plan"), _read(place, "trace"), calls=calls)
    raise RungError("nothing is recorded of container", wanted)


def _read(directory: str, name: str) -> bytes:
    try:
        with open(os.path.join(directory, name), "rb") as file:
            return file.read()
    except FileNotFoundError:
        print(f"rung: {name} is missing in {directory}", file=sys.stderr)
        return b""
