"""``rung search``: repositories by a part of their name, or a repository's tags."""

from __future__ import annotations

from rung.cli.parser import add_command
from rung.errors import RungError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

    from rung.cli.declaration import Namespace

_COLUMNS = {"NAME": "Name", "DESCRIPTION": "Description", "STARS": "StarCount", "OFFICIAL": "IsOfficial"}
_TAG_COLUMNS = {"NAME": "Name", "TAG": "Tag"}
_WIDTH = 45


def register(commands: Any, name: str) -> None:
    """Add the command."""
    what = "search docker's hub, or the registry HOST in HOST/TERM"
    parser = add_command(commands, name, what, "rung search localhost:5000/app", _run)
    parser.add_argument("term", metavar="TERM")
    parser.add_argument("-f", "--filter", metavar="KEY=VALUE", action="append", default=[], help="stars, is-official")
    parser.add_argument("--limit", metavar="N", type=int, default=25, help="at most so many (%(default)s)")
    parser.add_argument("--list-tags", action="store_true", help="the tags of the repository TERM")
    parser.add_argument("--no-trunc", action="store_true", help="print whole descriptions")
    parser.add_argument("--format", metavar="TEMPLATE", default="", help="table, json or a template")
    parser.add_argument("--json", action="store_true", help="print one JSON array")
    parser.add_argument("--insecure", action="store_true", help="allow plain HTTP and unknown certificates")


def _run(args: Namespace) -> int:
    if args.list_tags:
        _print(args, *_tags(args))
        return 0
    from rung.image import search

    print_repositories(args, search(args.term, args.limit, insecure=args.insecure))
    return 0


def _print(args: Namespace, columns: dict[str, str], rows: list[dict[str, str]]) -> None:
    from rung.cli.output import print_rows

    if args.json:
        import json

        print(json.dumps(rows, indent=2))
    else:
        print_rows(rows, columns, template=args.format)


def _tags(args: Namespace) -> tuple[dict[str, str], list[dict[str, str]]]:
    from rung.image import list_tags

    return _TAG_COLUMNS, [{"Name": args.term, "Tag": tag} for tag in list_tags(args.term, insecure=args.insecure)]


def print_repositories(args: Namespace, found: Iterable[Any]) -> None:
    """A row for each that ``--filter`` lets through."""
    least, official = _wanted(args.filter)
    rows = []
    for one in found:
        if one.stars < least or (official is not None and one.is_official is not official):
            continue
        text = " ".join(one.description.split())
        if len(text) > _WIDTH and not args.no_trunc:
            text = text[: _WIDTH - 1] + "…"
        values = (one.name, text, str(one.stars), "[OK]" if one.is_official else "")
        rows.append(dict(zip(_COLUMNS.values(), values)))
    _print(args, _COLUMNS, rows)


def _wanted(filters: list[str]) -> tuple[int, bool | None]:
    least, official = 0, None
    for one in filters:
        key, _, value = one.partition("=")
        if key == "stars" and value.isdigit():
            least = int(value)
        elif key == "is-official" and value in ("true", "false"):
            official = value == "true"
        else:
            raise RungError("search", "--filter", f"{one!r} is no filter", "stars=N, is-official=true|false")
    return least, official
