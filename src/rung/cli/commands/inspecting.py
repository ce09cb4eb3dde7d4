"""``inspect``, of anything or of one kind: all that the engine knows, as its JSON or through a template."""

from __future__ import annotations

import sys

from rung.cli.flags import command
from rung.cli.link.engine import Engine, Refused, quoted
from rung.errors import RungError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from rung.cli.flags import Asked

#: kind -> where one is in the API, in the order in which a name is looked for
KINDS = {
    "container": "/containers/{}/json",
    "image": "/images/{}/json",
    "network": "/networks/{}",
    "volume": "/volumes/{}",
}
#: docker's exit status for a template that cannot be read
BAD_TEMPLATE = 64
_FORMAT = """
  -f, --format string  json or a Go template
"""


@command(
    "inspect [OPTIONS] NAME|ID [NAME|ID...]",
    "Show all that is known of containers, images, networks and volumes",
    "rung inspect --format '{{.State.Status}}' web",
    """
  -f, --format string  json or a Go template
  -s, --size           how much a container has written, too
      --type string    only things of this kind: container, image, network, volume
""",
)
def anything(asked: Asked) -> int:
    """The first kind that has something of each name."""
    kinds = [asked["type"]] if asked["type"] else list(KINDS)
    if kinds[0] not in KINDS:
        raise RungError(f'"{kinds[0]}" is not a valid value for --type', "", "", ", ".join(KINDS))
    return show(asked, lambda engine, name: _found(engine, kinds, name, asked["size"]))


def _found(engine: Engine, kinds: Sequence[str], name: str, size: bool) -> Any:
    for kind in kinds:
        try:
            return engine.get(KINDS[kind].format(quoted(name)), size=size and kind == "container")
        except Refused as error:
            if error.status != 404 or len(kinds) == 1:
                raise
    raise RungError("Error", "", f"No such object: {name}")


@command(
    "inspect [OPTIONS] CONTAINER [CONTAINER...]",
    "Show all that is known of containers",
    "rung container inspect web",
    _FORMAT + "  -s, --size           how much it has written, too\n",
)
def container(asked: Asked) -> int:
    """As JSON."""
    return show(asked, lambda engine, name: _of("container", engine, name, asked["size"]))


@command(
    "inspect [OPTIONS] NETWORK [NETWORK...]",
    "Show all that is known of networks",
    "rung network inspect bridge",
    _FORMAT + "  -v, --verbose        accepted\n",
)
def network(asked: Asked) -> int:
    """As JSON."""
    return show(asked, lambda engine, name: _of("network", engine, name))


@command(
    "inspect [OPTIONS] VOLUME [VOLUME...]",
    "Show all that is known of volumes",
    "rung volume inspect data",
    _FORMAT,
)
def volume(asked: Asked) -> int:
    """As JSON."""
    return show(asked, lambda engine, name: _of("volume", engine, name))


def _of(kind: str, engine: Engine, name: str, size: bool = False) -> Any:
    return engine.get(KINDS[kind].format(quoted(name)), size=size)


def show(asked: Asked, find: Callable[[Engine, str], Any]) -> int:
    """Show what the engine knows of each name."""
    engine = Engine(asked.settings)
    return show_found(asked["format"], asked.words, lambda name: find(engine, name))


def show_found(form: str, names: Sequence[str], find: Callable[[str], Any]) -> int:
    """What is there is shown before what is missing is complained about."""
    template = None
    if form not in ("", "json"):
        from rung.cli.template import Template

        try:
            template = Template(form.replace("\\t", "\t").replace("\\n", "\n"))
        except RungError as error:
            error.exit_status = BAD_TEMPLATE  # type: ignore[attr-defined]
            raise
    found, errors = [], []
    for name in names:
        try:
            found.append(find(name))
        except RungError as error:
            errors.append(error)
    if template is not None:
        try:
            print("\n".join(template.execute(one) for one in found))
        except RungError as error:
            errors.append(error)
    else:
        _print(found, compact=form == "json")
    sys.stdout.flush()
    for one in errors:
        print(one, file=sys.stderr)
    return 1 if errors else 0


def _print(found: list[Any], *, compact: bool) -> None:
    import json

    if compact:
        print(json.dumps(found, separators=(",", ":"), ensure_ascii=False))
    else:
        print(json.dumps(found, indent=4, ensure_ascii=False))
