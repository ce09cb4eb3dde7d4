"""``rung push``: an image into its registry."""

from __future__ import annotations

import sys

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
    what = "bring an image into its registry"
    parser = add_command(commands, name, what, "rung push registry.example.com/team/app:1", _run)
    parser.add_argument("name", metavar="NAME[:TAG]")
    parser.add_argument("-a", "--all-tags", action="store_true", help="all tags of the repository that are here")
    parser.add_argument("--platform", metavar="OS/ARCH[/VARIANT]", help="only the image for this platform")
    parser.add_argument("--insecure", action="store_true", help="allow plain HTTP and unknown certificates")
    parser.add_argument("-q", "--quiet", action="store_true", help="print the image's name only")


def _run(args: Namespace) -> int:
    store = open_store(args, writes=False)
    names = [args.name]
    if args.all_tags:
        names = [image.name for image in store.images() if image.reference.familiar_name == args.name]
        if not names:
            raise RungError("push", args.name, "no tag of it is in the store")
    elif ":" not in args.name.rpartition("/")[2] and not args.quiet:
        print("Using default tag: latest")
    for name in names:
        with watch(sys.stdout, quiet=args.quiet) as progress:
            store.push(name, progress, args.platform, insecure=args.insecure)
        if args.quiet:
            print(name)
    return 0
