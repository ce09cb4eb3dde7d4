"""``rung system df``: what images, containers and volumes take of the disk."""

from __future__ import annotations

from rung.cli.commands.listing import row as container_row
from rung.cli.commands.volumes import row as volume_row
from rung.cli.flags import command
from rung.cli.link.engine import Engine
from rung.cli.output import duration, human_size, print_list, print_rows

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rung.cli.flags import Asked

COLUMNS = {
    "TYPE": "Type",
    "TOTAL": "TotalCount",
    "ACTIVE": "Active",
    "SIZE": "Size",
    "RECLAIMABLE": "Reclaimable",
}
_IMAGES = ("Repository", "Tag", "ID", "CreatedSince", "Size", "SharedSize", "UniqueSize", "Containers")
_HEADINGS = {
    "ID": "IMAGE ID",
    "CreatedSince": "CREATED",
    "SharedSize": "SHARED SIZE",
    "UniqueSize": "UNIQUE SIZE",
}


@command(
    "df [OPTIONS]",
    "Show what is on the disk",
    "rung system df --verbose",
    """
      --format string  table, json or a Go template
      --json           one JSON object of what the engine says
  -v, --verbose        each image, container and volume
""",
)
def df(asked: Asked) -> int:
    """A line a kind, or a table a kind."""
    found = Engine(asked.settings).get("/system/df")
    if asked["verbose"] and not asked["format"] and not asked["json"]:
        _verbose(found)
        return 0
    print_list(asked, found, summary(found), COLUMNS)
    return 0


def summary(found: dict[str, Any]) -> list[dict[str, str]]:
    """The four lines. Pure."""
    images, containers = found.get("Images") or [], found.get("Containers") or []
    volumes, caches = found.get("Volumes") or [], found.get("BuildCache") or []
    used = [one for one in images if one.get("Containers", 0) > 0]
    layers = found.get("LayersSize") or 0
    taken = sum(one["Size"] - max(0, one.get("SharedSize") or 0) for one in used)
    running = [one for one in containers if one["State"] in ("running", "paused", "restarting")]
    written = sum(one.get("SizeRw") or 0 for one in containers)
    kept = sum(one.get("SizeRw") or 0 for one in running)
    bound = [one for one in volumes if one["UsageData"]["RefCount"] > 0]
    size = sum(one["UsageData"]["Size"] for one in volumes)
    return [
        _line("Images", len(images), len(used), layers, layers - taken, share=bool(images)),
        _line("Containers", len(containers), len(running), written, written - kept, share=bool(containers)),
        _line(
            "Local Volumes", len(volumes), len(bound), size, size - sum(one["UsageData"]["Size"] for one in bound),
            share=bool(volumes),
        ),
        _line("Build Cache", len(caches), 0, 0, 0, share=False),
    ]  # fmt: skip


def _line(kind: str, total: int, active: int, size: int, free: int, *, share: bool) -> dict[str, str]:
    free = max(0, free)
    percent = f" ({free * 100 // size}%)" if share and size else ""
    numbers = {"TotalCount": str(total), "Active": str(active), "Size": human_size(size, 4)}
    return {"Type": kind, **numbers, "Reclaimable": f"{human_size(free, 4)}{percent}"}


def _verbose(found: dict[str, Any]) -> None:
    print("Images space usage:\n")
    rows = [
        _image(one, name)
        for one in found.get("Images") or ()
        for name in one.get("RepoTags") or ["<none>:<none>"]
    ]
    print_rows(rows, {_HEADINGS.get(field, field.upper()): field for field in _IMAGES})
    print("\nContainers space usage:\n")
    rows = [_container(one) for one in found.get("Containers") or ()]
    fields = ("ID", "Image", "Command", "LocalVolumes", "Size", "RunningFor", "Status", "Names")
    headings = {"ID": "CONTAINER ID", "LocalVolumes": "LOCAL VOLUMES", "RunningFor": "CREATED"}
    print_rows(rows, {headings.get(field, field.upper()): field for field in fields})
    print("\nLocal Volumes space usage:\n")
    rows = [volume_row(one) for one in found.get("Volumes") or ()]
    print_rows(rows, {"VOLUME NAME": "Name", "LINKS": "Links", "SIZE": "Size"})
    print("\nBuild cache usage: 0B\n")
    titles = ("CACHE ID", "CACHE TYPE", "SIZE", "CREATED", "LAST USED", "USAGE", "SHARED")
    print_rows([], {word: word for word in titles})


def _container(one: dict[str, Any]) -> dict[str, Any]:
    return container_row(one)


def _image(one: dict[str, Any], name: str) -> dict[str, Any]:
    import time

    repository, _, tag = name.rpartition(":")
    shared = max(0, one.get("SharedSize") or 0)
    return {
        "Repository": repository,
        "Tag": tag,
        "ID": one["Id"].partition(":")[2][:12],
        "CreatedSince": f"{duration(max(0.0, time.time() - one['Created']))} ago",
        "Size": human_size(one["Size"], 4),
        "SharedSize": human_size(shared, 4),
        "UniqueSize": human_size(one["Size"] - shared, 4),
        "Containers": str(one.get("Containers", 0)),
    }
