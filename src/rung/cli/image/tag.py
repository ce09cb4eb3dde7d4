"""``rung tag``: one more name for an image."""

from __future__ import annotations

from rung.cli.image import open_store
from rung.cli.parser import add_command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rung.cli.declaration import Namespace


def register(commands: Any, name: str) -> None:
    """Add the command."""
    about = "create a tag TARGET_IMAGE that refers to SOURCE_IMAGE"
    parser = add_command(commands, name, about, "rung tag debian:trixie localhost:5000/debian", _run)
    parser.add_argument("image", metavar="SOURCE_IMAGE[:TAG]")
    parser.add_argument("name", metavar="TARGET_IMAGE[:TAG]")


def _run(args: Namespace) -> int:
    open_store(args, writes=False).tag(args.image, args.name)
    return 0
