"""``rung import``: an image from the tar of a root file system."""

from __future__ import annotations

import os
import sys

from rung.cli.image import open_store
from rung.cli.parser import add_command

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any


def register(commands: Any, name: str) -> None:
    """Add the command."""
    example = "rung import rootfs.tar.gz mine:1"
    parser = add_command(commands, name, "make an image from a root file system's tar", example, _run)
    parser.add_argument("file", metavar="FILE|-")
    parser.add_argument("name", metavar="NAME[:TAG]", nargs="?", default="")
    parser.add_argument("-m", "--message", default="Imported by rung", help="a comment kept with the image")
    what = "ENV, CMD, ENTRYPOINT, WORKDIR, USER, EXPOSE, VOLUME, LABEL or STOPSIGNAL, as in a Dockerfile"
    parser.add_argument("-c", "--change", metavar="INSTRUCTION", action="append", default=[], help=what)


def _run(args: argparse.Namespace) -> int:
    from rung.cli.changes import parse_changes

    changes = parse_changes(args.change)
    store = open_store(args)
    name = args.name or _name_of_file(args.file)
    if args.file == "-":
        image = store.import_(sys.stdin.buffer, name, comment=args.message, **changes)
    else:
        with open(args.file, "rb") as file:
            image = store.import_(file, name, comment=args.message, **changes)
    print(image.id)
    return 0


def _name_of_file(path: str) -> str:
    """``/tmp/My Rootfs.tar.gz`` as ``my-rootfs``; ``imported`` for what has no name."""
    stem = os.path.basename(path).lower().split(".tar")[0].split(".tgz")[0]
    return "-".join("".join(c if c.isascii() and c.isalnum() else " " for c in stem).split()) or "imported"
