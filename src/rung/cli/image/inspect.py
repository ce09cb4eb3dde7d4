"""``rung image inspect``: what is known of images, as docker's JSON."""

from __future__ import annotations

import sys

from rung.cli.image import open_store
from rung.cli.parser import add_command
from rung.errors import RungError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rung.cli.declaration import Namespace


def register(commands: Any, name: str) -> None:
    """Add the command."""
    example = "rung image inspect --format '{{.Config.Cmd}}' debian:trixie"
    parser = add_command(commands, name, "display detailed information on one or more images", example, _run)
    parser.add_argument("names", metavar="IMAGE", nargs="+")
    parser.add_argument("-f", "--format", metavar="string", default="", help="json or a Go template")


def _run(args: Namespace) -> int:
    """As docker, what is there is shown before what is missing is complained about."""
    from rung.cli.template import Template
    from rung.image import inspected

    template = Template(args.format) if args.format not in ("", "json") else None
    store = open_store(args, writes=False)
    values, errors = [], []
    for name in args.names:
        try:
            values.append(inspected(store, store.get(name)))
        except RungError as error:
            errors.append(error)
    if template:
        for value in values:
            print(template.execute(value))
        if not values:
            print()
    else:
        _print(values, compact=args.format == "json")
    for one in errors:
        print(f"rung: {one}", file=sys.stderr)
    return 1 if errors else 0


def _print(values: list[dict[str, Any]], *, compact: bool) -> None:
    import json

    if compact:
        print(json.dumps(values, separators=(",", ":"), ensure_ascii=False))
    else:
        print(json.dumps(values, indent=4, ensure_ascii=False))
