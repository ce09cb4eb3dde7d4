"""``rung save``: images as one archive."""

from __future__ import annotations

import sys

from rung.cli.files import replaced
from rung.cli.image import open_store
from rung.cli.parser import add_command
from rung.errors import RungError

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any


def register(commands: Any, name: str) -> None:
    """Add the command."""
    example = "rung save -o trixie.tar debian:trixie"
    parser = add_command(commands, name, "write images into one archive", example, _run)
    parser.add_argument("names", metavar="IMAGE", nargs="+")
    parser.add_argument("-o", "--output", metavar="FILE", help="instead of standard output")
    formats = ("docker-archive", "oci-archive")
    parser.add_argument("--format", choices=formats, default=formats[0], help="(default: %(default)s)")


def _run(args: argparse.Namespace) -> int:
    store = open_store(args)
    if args.output:
        with replaced(args.output) as file:
            store.save(args.names, file, args.format)
        return 0
    if sys.stdout.isatty():
        raise RungError("save", "", "does not write an archive to a terminal", "use -o FILE or redirect")
    store.save(args.names, sys.stdout.buffer, args.format)
    return 0
