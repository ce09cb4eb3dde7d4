"""``rung image copy``: from any place to any other, without the store between."""

from __future__ import annotations

import sys

from rung.cli.image import open_store
from rung.cli.parser import add_command
from rung.cli.progress import watch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rung.cli.declaration import Namespace

_PLACES = (
    "docker://NAME, store:NAME, oci:DIRECTORY[:REF], oci-archive:FILE[:REF], "
    "docker-archive:FILE[:NAME:TAG] or dir:DIRECTORY"
)


def register(commands: Any, name: str) -> None:
    """Add the command."""
    what = "copy an image or artifact between registries, layouts, archives and the store"
    example = "rung image copy docker://debian:trixie oci:layout:trixie"
    parser = add_command(commands, name, what, example, _run)
    parser.add_argument("source", metavar="SOURCE", help=_PLACES)
    parser.add_argument("destination", metavar="DESTINATION", help="the same")
    parser.add_argument("-a", "--all", action="store_true", help="of an index everything, not one image")
    parser.add_argument("--platform", metavar="OS/ARCH[/VARIANT]", help="which image of an index")
    parser.add_argument("--referrers", action="store_true", help="signatures and the like that refer to it, too")
    parser.add_argument("--insecure", action="store_true", help="allow plain HTTP and unknown certificates")
    parser.add_argument("-q", "--quiet", action="store_true", help="print the digest only")


def _run(args: Namespace) -> int:
    from rung.image import copy_image

    with watch(sys.stderr, quiet=args.quiet) as progress:
        at = copy_image(
            args.source,
            args.destination,
            progress,
            open_store=lambda: open_store(args),
            platform=args.platform or "",
            everything=args.all,
            referrers=args.referrers,
            insecure=args.insecure,
        )
    print(at.digest)
    return 0
