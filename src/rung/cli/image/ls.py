"""``rung images``: the list of images."""

from __future__ import annotations

from rung.cli.image import open_store
from rung.cli.parser import add_command

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any


def register(commands: Any, name: str) -> None:
    """Add the command."""
    parser = add_command(commands, name, "list images", "rung image ls --json", _run)
    parser.add_argument("name", metavar="NAME", nargs="?", help="only this repository, or this image")
    parser.add_argument("-q", "--quiet", action="store_true", help="print IDs only")
    parser.add_argument("--no-trunc", action="store_true", help="print whole IDs")
    parser.add_argument("--digests", action="store_true", help="print digests too")
    parser.add_argument("--format", metavar="TEMPLATE", default="", help="table, json or a template")
    parser.add_argument("--json", action="store_true", help="print one JSON array")


def _run(args: argparse.Namespace) -> int:
    from rung.cli.image.view import columns, image_rows
    from rung.cli.output import print_rows

    images = open_store(args).images()
    if args.name:
        images = [image for image in images if args.name in (image.name, image.reference.familiar_name)]
    rows = image_rows(images, truncate=not args.no_trunc)
    if args.json:
        import json

        print(json.dumps(rows, indent=2))
        return 0
    if args.quiet:
        rows = list({row["ID"]: row for row in rows}.values())
    print_rows(rows, columns(digests=args.digests), quiet="ID" if args.quiet else "", template=args.format)
    return 0
