"""``rung history``: how an image came to be."""

from __future__ import annotations

from rung.cli.image import open_store
from rung.cli.parser import add_command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rung.cli.declaration import Namespace
    from rung.image import Past

_WIDTH = 45
_HEADINGS = {"ID": "IMAGE", "CreatedSince": "CREATED", "CreatedAt": "CREATED AT", "CreatedBy": "CREATED BY"}


def register(commands: Any, name: str) -> None:
    """Add the command."""
    parser = add_command(commands, name, "show the history of an image", "rung history --no-trunc debian:trixie", _run)
    parser.add_argument("image", metavar="IMAGE")
    parser.add_argument("--format", metavar="string", default="", help="table, table TEMPLATE, json or a Go template")
    human = "print sizes and dates in human readable format (default true)"
    parser.add_argument("-H", "--human", action="store_true", default=True, help=human)
    parser.add_argument("--no-trunc", action="store_true", help="don't truncate output")
    parser.add_argument("-q", "--quiet", action="store_true", help="only show image IDs")


def _run(args: Namespace) -> int:
    store = open_store(args, writes=False)
    image = store.get(args.image)
    steps = store.history(image)
    print_history(args, [(str(image.id) if at == 0 else "<missing>", past) for at, past in enumerate(steps)])
    return 0


def print_history(args: Namespace, steps: list[tuple[str, Past]]) -> None:
    """A row for each step, with the ID that it has."""
    from rung.cli.output import print_rows

    rows = [_row(past, name, truncate=not args.no_trunc, human=args.human) for name, past in steps]
    created = ("CREATED", "CreatedSince") if args.human else ("CREATED AT", "CreatedAt")
    columns = {"IMAGE": "ID", created[0]: created[1], "CREATED BY": "CreatedBy", "SIZE": "Size", "COMMENT": "Comment"}
    print_rows(rows, columns, quiet="ID" if args.quiet else "", template=args.format, headings=_HEADINGS)


def _row(past: Past, id: str, *, truncate: bool, human: bool) -> dict[str, str]:
    import time

    from rung.cli.output import age, human_size
    from rung.image import seconds_of

    moment = seconds_of(past.created)
    by = past.created_by.replace("\t", " ")
    if truncate and len(by) > _WIDTH:
        by = by[: _WIDTH - 1] + "…"
    at = time.strftime("%Y-%m-%dT%H:%M:%S%z", time.localtime(moment)) if moment is not None else "N/A"
    return {
        "Comment": past.comment,
        "CreatedAt": at[:-5] + "Z" if at.endswith("+0000") else at[:-2] + ":" + at[-2:] if moment is not None else at,
        "CreatedBy": by,
        "CreatedSince": f"{age(moment)} ago" if moment is not None else "N/A",
        "ID": id.partition(":")[2][:12] if truncate and ":" in id else id,
        "Size": human_size(past.size_bytes) if human else str(past.size_bytes),
    }
