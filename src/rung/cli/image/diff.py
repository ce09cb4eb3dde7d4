"""``rung image diff``: how the files of two images differ."""

from __future__ import annotations

from rung.cli.image import open_store
from rung.cli.parser import add_command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rung.cli.declaration import Namespace


def register(commands: Any, name: str) -> None:
    """Add the command."""
    about = "show what the second image's files have that the first one's have not: A added, C changed, D deleted"
    parser = add_command(commands, name, about, "rung image diff app:1 app:2", _run)
    parser.add_argument("first", metavar="IMAGE")
    parser.add_argument("second", metavar="IMAGE")
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def _run(args: Namespace) -> int:
    from rung.cli.output import human_size
    from rung.image import diff_images

    store = open_store(args, writes=False)
    found = diff_images(store.content, store.get(args.first), store.get(args.second))
    grown = sum(one.size_after - one.size_before for one in found)
    if args.json:
        import json

        print(json.dumps({"bytes": grown, "differences": [one.to_json() for one in found]}, indent=2))
        return 0
    for one in found:
        print(one)
    sign = "-" if grown < 0 else "+"
    print(f"{len(found)} difference{'' if len(found) == 1 else 's'}, {sign}{human_size(abs(grown))}")
    return 0
