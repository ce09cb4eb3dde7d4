"""``rung load``: images from an archive."""

from __future__ import annotations

import sys

from rung.cli.files import open_input
from rung.cli.image import open_store
from rung.cli.parser import add_command
from rung.cli.progress import watch
from rung.errors import RungError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rung.cli.declaration import Namespace


def register(commands: Any, name: str) -> None:
    """Add the command."""
    about = "load an image from a tar archive or STDIN"
    parser = add_command(commands, name, about, "rung load -i trixie.tar", _run)
    parser.add_argument("-i", "--input", metavar="string", help="read from tar archive file, instead of STDIN")
    parser.add_argument("-q", "--quiet", action="store_true", help="suppress the load output")


def _run(args: Namespace) -> int:
    if not args.input and sys.stdin.isatty():
        raise RungError("requested load from stdin, but stdin is empty")
    with watch(sys.stderr, quiet=args.quiet) as progress, open_input(args.input or "-") as file:
        images = open_store(args).load(file, progress)
    for image in images:
        print(f"Loaded image ID: {image.id}" if image.dangling else f"Loaded image: {image.name}")
    return 0
