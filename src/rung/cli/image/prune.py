"""``rung image prune``: images that nothing uses removed."""

from __future__ import annotations

from rung.cli.image import open_store
from rung.cli.image.filters import add_filter, parse_filters
from rung.cli.parser import add_command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rung.cli.declaration import Namespace

_DANGLING = "WARNING! This will remove all dangling images."
_UNUSED = "WARNING! This will remove all images without at least one container associated to them."


def register(commands: Any, name: str) -> None:
    """Add the command."""
    parser = add_command(commands, name, "remove unused images", "rung image prune -a --filter until=24h", _run)
    parser.add_argument("-a", "--all", action="store_true", help="remove all unused images, not just dangling ones")
    add_filter(parser, "--filter")
    parser.add_argument("-f", "--force", action="store_true", help="do not prompt for confirmation")


def _run(args: Namespace) -> int:
    from rung.cli.output import human_size

    filters = parse_filters(args.filter)
    if not agreed(args):
        return 0
    removed = open_store(args).prune(filters, all=args.all)
    if removed:
        print("Deleted Images:")
    for one in removed:
        for name in one.untagged:
            print(f"untagged: {name}")
        for key in one.deleted:
            print(f"deleted: {key}")
    if removed:
        print()
    print(f"Total reclaimed space: {human_size(sum(one.freed_bytes for one in removed), 4)}")
    return 0


def agreed(args: Namespace) -> bool:
    """Whether images may go: ``--force``, or the person says yes."""
    from rung.cli.confirm import confirmed

    return bool(args.force) or confirmed(_UNUSED if args.all else _DANGLING)
