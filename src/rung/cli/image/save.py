"""``rung save``: images as one archive."""

from __future__ import annotations

import sys

from rung.cli.files import replaced
from rung.cli.image import open_store
from rung.cli.parser import add_command
from rung.errors import RungError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rung.cli.declaration import Namespace


def register(commands: Any, name: str) -> None:
    """Add the command."""
    about = "save one or more images to a tar archive (streamed to STDOUT by default)"
    parser = add_command(commands, name, about, "rung save -o trixie.tar debian:trixie", _run)
    parser.add_argument("names", metavar="IMAGE", nargs="+")
    parser.add_argument("-o", "--output", metavar="string", help="write to a file, instead of STDOUT")
    parser.add_argument("--platform", metavar="string", help="save only this one of several platforms")
    formats = ("docker-archive", "oci-archive")
    parser.add_argument("--format", choices=formats, default=formats[0], help="(default: %(default)s)")


def _run(args: Namespace) -> int:
    store = open_store(args, writes=False)
    if args.output:
        with replaced(args.output, "failed to save image") as file:
            store.save(args.names, file, args.format, args.platform)
        return 0
    if sys.stdout.isatty():
        raise RungError("cowardly refusing to save to a terminal. Use the -o flag or redirect")
    store.save(args.names, sys.stdout.buffer, args.format, args.platform)
    return 0
