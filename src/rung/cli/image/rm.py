"""``rung rmi``: names and images removed."""

from __future__ import annotations

import sys

from rung.cli.image import open_store
from rung.cli.parser import add_command
from rung.errors import RungError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rung.cli.declaration import Namespace


def register(commands: Any, name: str) -> None:
    """Add the command."""
    parser = add_command(commands, name, "remove one or more images", f"rung {name} debian:trixie", _run)
    parser.add_argument("names", metavar="IMAGE", nargs="+")
    parser.add_argument("-f", "--force", action="store_true", help="force removal of the image")
    parser.add_argument("--no-prune", action="store_true", help="do not delete untagged parents (there are none)")


def _run(args: Namespace) -> int:
    """As docker: what does not exist is no failure with ``--force``, and is said all the same."""
    from rung.image import ImageNotFound

    store = open_store(args)
    errors = []
    fatal = False
    for name in args.names:
        try:
            removed = store.remove(name, force=args.force)
        except RungError as error:
            errors.append(error)
            fatal = fatal or not isinstance(error, ImageNotFound)
            continue
        for untagged in removed.untagged:
            print(f"Untagged: {untagged}")
        for key in removed.deleted:
            print(f"Deleted: {key}")
    sys.stdout.flush()
    for one in errors:
        print(f"rung: {one}", file=sys.stderr)
    return 1 if errors and (fatal or not args.force) else 0
