"""``rung rmi``: names and images removed."""

from __future__ import annotations

import sys

from rung.cli.image import open_store
from rung.cli.parser import add_command
from rung.errors import RungError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any


def register(commands: Any, name: str) -> None:
    """Add the command."""
    parser = add_command(commands, name, "remove images", "rung image rm debian:trixie", _run)
    parser.add_argument("names", metavar="IMAGE", nargs="+")
    parser.add_argument("-f", "--force", action="store_true", help="even if containers use it")


def _run(args: argparse.Namespace) -> int:
    store = open_store(args)
    status = 0
    for name in args.names:
        try:
            removed = store.remove(name, force=args.force)
        except RungError as error:
            print(f"rung: {error}", file=sys.stderr)
            status = 1
            continue
        for untagged in removed.untagged:
            print(f"Untagged: {untagged}")
        for key in removed.deleted:
            if not key.startswith("chain:"):
                print(f"Deleted: {key}")
    return status
