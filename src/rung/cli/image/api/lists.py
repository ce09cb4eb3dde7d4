"""``images``, ``history`` and ``image inspect``: what the engine has, as docker shows it."""

from __future__ import annotations

import time

from rung.cli.image.api import refuse_flags
from rung.cli.link.engine import quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rung.cli.declaration import Namespace
    from rung.cli.link.engine import Engine
    from rung.image import Summary


def ls(args: Namespace, engine: Engine) -> int:
    """A row for each name; ``--json`` is what the engine says."""
    from rung.cli.image.filters import parse_filters
    from rung.cli.image.ls import print_images

    refuse_flags(args, engine, "rung images", {"tree": "rung image inspect shows an image's platform"})
    filters = parse_filters(args.filter)
    if args.name:
        filters.setdefault("reference", []).append(args.name)
    found = engine.get("/images/json", all=args.all, digests=args.digests, filters=filters or None)
    if args.json:
        import json

        print(json.dumps(found, indent=2))
    else:
        print_images(args, [_summary(one) for one in found])
    return 0


def _summary(one: dict[str, Any]) -> Summary:
    from rung.image import Summary

    return Summary(
        id=one["Id"],
        repo_tags=tuple(name for name in one.get("RepoTags") or () if name != "<none>:<none>"),
        repo_digests=tuple(name for name in one.get("RepoDigests") or () if not name.startswith("<none>@")),
        created=_written(one["Created"]),
        size_bytes=one["Size"],
        labels=one.get("Labels") or {},
        platform="",
        manifests=(),
        targets=(),
        tagged=0.0,
    )


def _written(seconds: int) -> str:
    """The API's time in RFC 3339; empty where an image says none."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds)) if seconds > 0 else ""


def history(args: Namespace, engine: Engine) -> int:
    """A row for each step, newest first."""
    from rung.cli.image.history import print_history
    from rung.image import Past

    steps = [
        (one["Id"], Past(_written(one["Created"]), one["CreatedBy"], one["Comment"], one["Size"]))
        for one in engine.get(f"/images/{quoted(args.image)}/history")
    ]
    print_history(args, steps)
    return 0


def inspect(args: Namespace, engine: Engine) -> int:
    """As docker, what is there is shown before what is missing is complained about."""
    from rung.cli.commands.inspecting import KINDS, show_found

    path = KINDS["image"]
    return show_found(args.format, args.names, lambda name: engine.get(path.format(quoted(name))))
