"""``prune``: what nobody uses is removed, after a question."""

from __future__ import annotations

from rung.cli.commands.filters import filters
from rung.cli.confirm import confirmed
from rung.cli.flags import command
from rung.cli.link.engine import Engine
from rung.cli.output import human_size
from rung.errors import RungError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rung.cli.flags import Asked

_FLAGS = """
      --filter filter  only those that fit (name=value)
  -f, --force          do not ask
"""


def _prune(asked: Asked, warning: str, **more: str) -> tuple[Engine, dict[str, list[str]] | None] | None:
    """The engine and the filters; None where the person has said no."""
    found = filters(asked["filter"])
    if not asked["force"] and not confirmed(warning):
        return None
    for name, value in more.items():
        found = {**(found or {}), name: [value]}
    return Engine(asked.settings), found


def _tell(title: str, names: list[str] | None) -> None:
    if names:
        print("\n".join([title, *names, ""]))


def print_reclaimed(size: int) -> None:
    """The last line."""
    print(f"Total reclaimed space: {human_size(size, 4)}")


@command("prune [OPTIONS]", "Remove all containers that do not run", "rung container prune --force", _FLAGS)
def containers(asked: Asked) -> int:
    """Their IDs."""
    agreed = _prune(asked, "WARNING! This will remove all stopped containers.")
    if agreed:
        found = agreed[0].post("/containers/prune", filters=agreed[1])
        _tell("Deleted Containers:", found["ContainersDeleted"])
        print_reclaimed(found["SpaceReclaimed"])
    return 0


@command(
    "prune [OPTIONS]", "Remove all networks that no container is on", "rung network prune --force", _FLAGS
)
def networks(asked: Asked) -> int:
    """Their names."""
    agreed = _prune(
        asked, "WARNING! This will remove all custom networks not used by at least one container."
    )
    if agreed:
        _tell("Deleted Networks:", agreed[0].post("/networks/prune", filters=agreed[1])["NetworksDeleted"])
    return 0


@command(
    "prune [OPTIONS]",
    "Remove volumes that no container uses: those without a name, or all",
    "rung volume prune --all --force",
    "\n  -a, --all            those with a name, too" + _FLAGS,
)
def volumes(asked: Asked) -> int:
    """Their names."""
    what = "all" if asked["all"] else "anonymous"
    warning = f"WARNING! This will remove {what} local volumes not used by at least one container."
    agreed = _prune(asked, warning, **({"all": "true"} if asked["all"] else {}))
    if agreed:
        found = agreed[0].post("/volumes/prune", filters=agreed[1])
        _tell("Deleted Volumes:", found["VolumesDeleted"])
        print_reclaimed(found["SpaceReclaimed"])
    return 0


@command(
    "prune [OPTIONS]",
    "Remove what nobody uses: containers, networks, images, and volumes where asked for",
    "rung system prune --all --force",
    "\n  -a, --all            all images that no container uses"
    + _FLAGS
    + "      --volumes        volumes without a name\n",
)
def everything(asked: Asked) -> int:
    """All that was removed."""
    if asked["volumes"] and any(word.startswith("until=") for word in asked["filter"]):
        raise RungError('ERROR: The "until" filter is not supported with "--volumes"')
    agreed = _prune(asked, _warning(asked))
    if agreed:
        engine, found = agreed
        size = _containers_and_networks(engine, found)
        if asked["volumes"]:
            gone = engine.post("/volumes/prune", filters=found)
            _tell("Deleted Volumes:", gone["VolumesDeleted"])
            size += gone["SpaceReclaimed"]
        size += prune_images(engine, {**(found or {}), "dangling": ["false" if asked["all"] else "true"]})
        print_reclaimed(size)
    return 0


def _warning(asked: Asked) -> str:
    what = ["all stopped containers", "all networks not used by at least one container"]
    if asked["volumes"]:
        what.append("all anonymous volumes not used by at least one container")
    unused = "all images without at least one container associated to them"
    what.append(unused if asked["all"] else "all dangling images")
    lines = "\n".join(f"  - {one}" for one in what)
    return f"WARNING! This will remove:\n{lines}\n"


def _containers_and_networks(engine: Engine, found: Any) -> int:
    gone = engine.post("/containers/prune", filters=found)
    _tell("Deleted Containers:", gone["ContainersDeleted"])
    _tell("Deleted Networks:", engine.post("/networks/prune", filters=found)["NetworksDeleted"])
    return int(gone["SpaceReclaimed"])


def prune_images(engine: Engine, found: Any) -> int:
    """Print which; how many bytes are free now."""
    gone = engine.post("/images/prune", filters=found)
    lines = [
        f"untagged: {one['Untagged']}" if one.get("Untagged") else f"deleted: {one['Deleted']}"
        for one in gone.get("ImagesDeleted") or ()
    ]
    _tell("Deleted Images:", lines)
    return int(gone["SpaceReclaimed"])
