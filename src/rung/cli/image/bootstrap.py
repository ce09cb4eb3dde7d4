"""``rung image bootstrap``: a base image without a registry."""

from __future__ import annotations

import sys

from rung.cli.image import open_store
from rung.cli.parser import add_command
from rung.cli.progress import watch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rung.cli.declaration import Namespace


def register(commands: Any, name: str) -> None:
    """Add the command."""
    example = "rung image bootstrap debian:trixie"
    what = "build a base image from its distribution's own signed archive, without a registry"
    parser = add_command(commands, name, what, example, _run)
    parser.add_argument("name", metavar="debian:SUITE[-slim]|ubuntu:SUITE|busybox")
    parser.add_argument("--mirror", metavar="URL", default="", help="of the package archive")
    parser.add_argument("--tag", metavar="NAME[:TAG]", default="", help="another name for the image")
    parser.add_argument("-q", "--quiet", action="store_true", help="print the image's name only")


def _run(args: Namespace) -> int:
    with watch(sys.stderr, quiet=args.quiet) as progress:
        image = open_store(args).bootstrap(args.name, progress, mirror=args.mirror, tag=args.tag)
    print(image.name)
    return 0
