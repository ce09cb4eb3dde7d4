"""``pull`` and ``push``: the engine speaks with the registry, in the name that the caller is logged in with."""

from __future__ import annotations

import sys

from rung.cli.image.api import refuse_flags
from rung.cli.image.api.names import full, parsed, with_tag
from rung.cli.link.engine import quoted
from rung.cli.messages import show
from rung.cli.pulling import pull as pull_one
from rung.cli.pulling import registry_auth

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.cli.declaration import Namespace
    from rung.cli.link.engine import Engine

_INSECURE = "the engine's own setting says so: insecure-registries in its daemon.json"


def pull(args: Namespace, engine: Engine) -> int:
    """Its progress, then its whole name."""
    from rung.cli.image.pull import names_to_pull

    whole = "pull each platform with --platform"
    refuse_flags(args, engine, "rung pull", {"insecure": _INSECURE, "all-platforms": whole})
    parsed(args.name)
    for name in names_to_pull(args):
        pull_one(engine, name, args.platform or "", quiet=args.quiet, stream=sys.stdout)
        print(full(name))
    return 0


def push(args: Namespace, engine: Engine) -> int:
    """Its progress, or its whole name."""
    whole = "push it whole, or push from a store of this machine"
    refuse_flags(args, engine, "rung push", {"insecure": _INSECURE, "platform": whole})
    parsed(args.name)
    repository, tag = with_tag(args.name, all_tags=args.all_tags, quiet=args.quiet)
    path = f"/images/{quoted(repository)}/push"
    answer = engine.stream("POST", path, None, registry_auth(repository), tag=tag)
    show(answer.documents(), sys.stdout, quiet=args.quiet)
    if args.quiet:
        print(full(args.name))
    return 0
