"""``rung images``: the list of images."""

from __future__ import annotations

from rung.cli.image import open_store
from rung.cli.image.filters import add_filter, parse_filters
from rung.cli.parser import add_command
from rung.errors import RungError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rung.cli.declaration import Namespace
    from rung.image import Summary


def register(commands: Any, name: str) -> None:
    """Add the command."""
    example = "rung images --filter dangling=true --format '{{.ID}} {{.Size}}'"
    parser = add_command(commands, name, "list images", example, _run)
    parser.add_argument("name", metavar="REPOSITORY[:TAG]", nargs="?", default="")
    parser.add_argument("-a", "--all", action="store_true", help="show all images (there are no hidden ones)")
    parser.add_argument("--digests", action="store_true", help="show digests")
    add_filter(parser)
    parser.add_argument("--format", metavar="string", default="", help="table, table TEMPLATE, json or a Go template")
    parser.add_argument("--json", action="store_true", help="print one JSON array")
    parser.add_argument("--no-trunc", action="store_true", help="don't truncate output")
    parser.add_argument("-q", "--quiet", action="store_true", help="only show image IDs")
    parser.add_argument("--tree", action="store_true", help="list the platforms of each image as a tree")


def _tree(args: Namespace, filters: dict[str, list[str]]) -> int:
    import sys

    from rung.cli.image.tree import tree_lines

    given = {"quiet": args.quiet, "no-trunc": args.no_trunc, "digests": args.digests, "format": args.format}
    for flag in [flag for flag, value in {**given, "json": args.json}.items() if value][:1]:
        raise RungError(f"--{flag} is not yet supported with --tree")
    lines = tree_lines(open_store(args, writes=False).forest(filters))
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return 0


def _run(args: Namespace) -> int:
    filters = parse_filters(args.filter)
    if args.name:
        filters.setdefault("reference", []).append(args.name)
    if args.tree:
        return _tree(args, filters)
    images = open_store(args, writes=False).summaries(filters)
    if args.json:
        import json

        from rung.cli.image.view import as_json

        print(json.dumps([as_json(image) for image in images], indent=2))
    else:
        print_images(args, images)
    return 0


def print_images(args: Namespace, images: list[Summary]) -> None:
    """The list, as the flags ask for it."""
    from rung.cli.image.view import HEADINGS, columns, image_rows
    from rung.cli.output import print_rows

    digests = args.digests or ".Digest" in args.format
    rows = image_rows(images, truncate=not args.no_trunc, digests=digests)
    quiet = "ID" if args.quiet else ""
    print_rows(rows, columns(digests=args.digests), quiet=quiet, template=args.format, headings=HEADINGS)
