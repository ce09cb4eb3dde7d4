"""``rung tag``: one more name for an image."""

from __future__ import annotations

from rung.cli.image import open_store
from rung.cli.parser import add_command

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any


def register(commands: Any, name: str) -> None:
    """Add the command."""
    example = "rung image tag debian:trixie localhost:5000/debian"
    parser = add_command(commands, name, "give an image one more name", example, _run)
    parser.add_argument("image", metavar="IMAGE")
    parser.add_argument("name", metavar="NAME[:TAG]")


def _run(args: argparse.Namespace) -> int:
    open_store(args).tag(args.image, args.name)
    return 0
