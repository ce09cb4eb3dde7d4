"""``rung load``: images from an archive."""

from __future__ import annotations

import sys

from rung.cli.image import open_store
from rung.cli.parser import add_command
from rung.cli.progress import watch

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any


def register(commands: Any, name: str) -> None:
    """Add the command."""
    parser = add_command(commands, name, "load images from an archive", "rung load -i trixie.tar", _run)
    parser.add_argument("-i", "--input", metavar="FILE", help="instead of standard input")
    parser.add_argument("-q", "--quiet", action="store_true", help="print no progress")


def _run(args: argparse.Namespace) -> int:
    with watch(sys.stderr, quiet=args.quiet) as progress:
        if args.input:
            with open(args.input, "rb") as file:
                images = open_store(args).load(file, progress)
        else:
            images = open_store(args).load(sys.stdin.buffer, progress)
    for image in images:
        print(f"Loaded image: {image.name}")
    return 0
