"""``search``: the engine asks the hub, or a registry."""

from __future__ import annotations

from rung.cli.image.api import refuse_flags

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.cli.declaration import Namespace
    from rung.cli.link.engine import Engine


def search(args: Namespace, engine: Engine) -> int:
    """A row for each repository."""
    from rung.cli.commands.filters import filters
    from rung.cli.declaration import Namespace
    from rung.cli.image.search import print_repositories

    insecure = "the engine's own setting says so: insecure-registries in its daemon.json"
    here = "without an engine that is named, this asks the registry itself"
    refuse_flags(args, engine, "rung search", {"insecure": insecure, "list-tags": here})
    found = engine.get("/images/search", term=args.term, limit=args.limit, filters=filters(args.filter))
    print_repositories(
        args,
        [
            Namespace(
                name=one["name"],
                description=one["description"],
                stars=one["star_count"],
                is_official=one["is_official"],
            )
            for one in found
        ],
    )
    return 0
