"""``rung import``: an image from the tar of a root file system."""

from __future__ import annotations

from rung.cli.files import open_input, open_url
from rung.cli.image import open_store
from rung.cli.parser import add_command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rung.cli.declaration import Namespace


def register(commands: Any, name: str) -> None:
    """Add the command."""
    about = "import the contents from a tarball to create a filesystem image"
    parser = add_command(commands, name, about, "rung import -c 'CMD [\"sh\"]' rootfs.tar.gz mine:1", _run)
    parser.add_argument("file", metavar="file|URL|-")
    parser.add_argument("name", metavar="REPOSITORY[:TAG]", nargs="?", default="")
    change = "apply Dockerfile instruction to the created image"
    parser.add_argument("-c", "--change", metavar="list", action="append", default=[], help=change)
    parser.add_argument("-m", "--message", metavar="string", help="set commit message for imported image")
    parser.add_argument("--platform", metavar="string", help="what the files are for, if not this machine")


def _run(args: Namespace) -> int:
    from rung.image import parse_changes

    changes = parse_changes(args.change)
    url = args.file.startswith(("http://", "https://"))
    message = args.message or f"Imported from {args.file if url else '-'}"
    if url:
        print(f"Downloading from {args.file}")
    with (open_url if url else open_input)(args.file) as file:
        image = open_store(args).import_(file, args.name, platform=args.platform, comment=message, **changes)
    print(image.id)
    return 0
