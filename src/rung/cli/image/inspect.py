"""``rung image inspect``: what is known of images, as JSON."""

from __future__ import annotations

from rung.cli.image import open_store
from rung.cli.parser import add_command

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any


def register(commands: Any, name: str) -> None:
    """Add the command."""
    example = "rung image inspect debian:trixie"
    parser = add_command(commands, name, "show what is known of images, as JSON", example, _run)
    parser.add_argument("names", metavar="IMAGE", nargs="+")
    parser.add_argument("--format", metavar="TEMPLATE", default="", help="json or a template")


def _run(args: argparse.Namespace) -> int:
    import json

    from rung.cli.image.view import expand, inspected

    store = open_store(args)
    names: dict[str, list[str]] = {}
    for image in store.images():
        names.setdefault(str(image.id), []).append(image.name)
    values = [inspected(image, names[str(image.id)]) for image in map(store.get, args.names)]
    if args.format and args.format != "json":
        for value in values:
            print(expand(args.format, value))
    else:
        print(json.dumps(values, indent=None if args.format else 4))
    return 0
