"""``rung image gc``: content that nothing needs removed, now."""

from __future__ import annotations

from rung.cli.image import open_store
from rung.cli.parser import add_command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rung.cli.declaration import Namespace


def register(commands: Any, name: str) -> None:
    """Add the command."""
    about = "remove content that no image, container or running work needs (it happens by itself, too)"
    parser = add_command(commands, name, about, "rung image gc", _run)
    parser.add_argument("-q", "--quiet", action="store_true", help="print the total only")


def _run(args: Namespace) -> int:
    from rung.cli.output import human_size

    found = open_store(args).collect()
    if not args.quiet:
        for key in found.keys:
            print(f"deleted: {key}")
    print(f"Total reclaimed space: {human_size(found.blob_bytes + found.layer_bytes, 4)}")
    return 0
