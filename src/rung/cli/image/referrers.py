"""``rung image referrers``: what refers to an image in its registry."""

from __future__ import annotations

from rung.cli.parser import add_command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rung.cli.declaration import Namespace

_COLUMNS = {"ARTIFACT TYPE": "ArtifactType", "DIGEST": "Digest", "SIZE": "Size"}


def register(commands: Any, name: str) -> None:
    """Add the command."""
    what = "list signatures, bills of material and the like that refer to an image"
    parser = add_command(commands, name, what, "rung image referrers registry.example.com/app:1", _run)
    parser.add_argument("name", metavar="NAME[:TAG|@DIGEST]")
    parser.add_argument("--artifact-type", metavar="TYPE", default="", help="only those of this type")
    parser.add_argument("--format", metavar="TEMPLATE", default="", help="table, json or a template")
    parser.add_argument("--json", action="store_true", help="print one JSON array of descriptors")
    parser.add_argument("--insecure", action="store_true", help="allow plain HTTP and unknown certificates")


def _run(args: Namespace) -> int:
    from rung.cli.output import print_rows
    from rung.image import list_referrers

    found = list_referrers(args.name, args.artifact_type, insecure=args.insecure)
    if args.json:
        import json

        print(json.dumps([one.to_json() for one in found], indent=2))
        return 0
    rows = [{"ArtifactType": one.artifact_type, "Digest": str(one.digest), "Size": str(one.size)} for one in found]
    print_rows(rows, _COLUMNS, template=args.format)
    return 0
