"""``rung image df``: how much room the images take, in the words of docker's ``system df``."""

from __future__ import annotations

from rung.cli.image import open_store
from rung.cli.parser import add_command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rung.cli.declaration import Namespace


def register(commands: Any, name: str) -> None:
    """Add the command."""
    parser = add_command(commands, name, "show how much room images take", "rung image df -v", _run)
    parser.add_argument("-v", "--verbose", action="store_true", help="show each image")
    parser.add_argument("--format", metavar="string", default="", help="table, table TEMPLATE, json or a Go template")


def _run(args: Namespace) -> int:
    from rung.cli.output import age, human_size, print_rows
    from rung.image import seconds_of

    usage = open_store(args, writes=False).usage()
    if args.verbose:
        rows = [
            {
                "Repository": (image.repo_tags or ("<none>:<none>",))[0].rpartition(":")[0],
                "Tag": (image.repo_tags or ("<none>:<none>",))[0].rpartition(":")[2],
                "ID": image.id.partition(":")[2][:12],
                "CreatedSince": f"{age(seconds_of(image.created) or 0)} ago" if image.created else "N/A",
                "Size": human_size(image.size_bytes),
                "SharedSize": human_size(image.shared_bytes),
                "UniqueSize": human_size(image.unique_bytes),
                "Containers": str(image.containers),
            }
            for image in usage.images
        ]
        headings = ("REPOSITORY", "TAG", "IMAGE ID", "CREATED", "SIZE", "SHARED SIZE", "UNIQUE SIZE", "CONTAINERS")
        names = ("Repository", "Tag", "ID", "CreatedSince", "Size", "SharedSize", "UniqueSize", "Containers")
        print_rows(rows, dict(zip(headings, names)), template=args.format)
        return 0
    share = f" ({100 * usage.reclaimable_bytes // usage.layers_bytes}%)" if usage.layers_bytes else ""
    row = {
        "Type": "Images",
        "TotalCount": str(len(usage.images)),
        "Active": str(usage.active),
        "Size": human_size(usage.layers_bytes, 4),
        "Reclaimable": human_size(usage.reclaimable_bytes, 4) + share,
        "Blobs": human_size(usage.blobs_bytes, 4),
    }
    columns = {"TYPE": "Type", "TOTAL": "TotalCount", "ACTIVE": "Active", "SIZE": "Size", "RECLAIMABLE": "Reclaimable"}
    print_rows([row], columns, template=args.format)
    return 0
