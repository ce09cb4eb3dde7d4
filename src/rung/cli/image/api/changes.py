"""``tag``, ``rmi`` and ``prune``: other names, and fewer images."""

from __future__ import annotations

import sys

from rung.cli.image.api.names import split
from rung.cli.link.engine import Refused, quoted
from rung.errors import RungError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.cli.declaration import Namespace
    from rung.cli.link.engine import Engine

_NOT_FOUND = 404


def tag(args: Namespace, engine: Engine) -> int:
    """Nothing is said of it."""
    repository, tag = split(args.name)
    try:
        engine.call("POST", f"/images/{quoted(args.image)}/tag", repo=repository, tag=tag)
    except Refused as error:
        if not error.reason.startswith("invalid reference format"):
            raise
        said = f'Error parsing reference: "{args.name}" is not a valid repository/tag'  # docker's client sees it itself
        raise RungError(said, "", error.reason) from None
    return 0


def rm(args: Namespace, engine: Engine) -> int:
    """As docker: what does not exist is no failure with ``--force``, and is said all the same."""
    errors: list[RungError] = []
    for name in args.names:
        try:
            gone = engine.delete(f"/images/{quoted(name)}", force=args.force, noprune=args.no_prune)
        except RungError as error:
            errors.append(error)
            continue
        for one in gone or ():
            print(f"Untagged: {one['Untagged']}" if one.get("Untagged") else f"Deleted: {one['Deleted']}")
    sys.stdout.flush()
    for each in errors:
        print(each, file=sys.stderr)
    fatal = any(not isinstance(error, Refused) or error.status != _NOT_FOUND for error in errors)
    return 1 if errors and (fatal or not args.force) else 0


def prune(args: Namespace, engine: Engine) -> int:
    """What was removed, and how much room that makes."""
    from rung.cli.commands.pruning import print_reclaimed, prune_images
    from rung.cli.image.filters import parse_filters
    from rung.cli.image.prune import agreed

    filters = parse_filters(args.filter)
    if agreed(args):
        print_reclaimed(prune_images(engine, {**filters, "dangling": ["false" if args.all else "true"]}))
    return 0
