"""``rung volume``."""

from __future__ import annotations

from rung.cli.commands.filters import filters
from rung.cli.commands.several import each
from rung.cli.creation import pairs
from rung.cli.flags import command
from rung.cli.link.engine import Engine, quoted
from rung.cli.output import human_size, print_list

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rung.cli.flags import Asked

COLUMNS = {"DRIVER": "Driver", "VOLUME NAME": "Name"}


@command(
    "ls [OPTIONS]",
    "List volumes",
    "rung volume ls --filter dangling=true",
    """
  -f, --filter filter  only those that fit (name=value)
      --format string  table, table TEMPLATE, json or a Go template
      --json           one JSON array of what the engine says
  -q, --quiet          names only
""",
)
def ls(asked: Asked) -> int:
    """One line a volume."""
    found = Engine(asked.settings).get("/volumes", filters=filters(asked["filter"]))["Volumes"] or []
    found.sort(key=lambda one: one["Name"])
    print_list(asked, found, [row(one) for one in found], COLUMNS, quiet="Name")
    return 0


def row(one: dict[str, Any]) -> dict[str, Any]:
    """A volume as docker shows it."""
    labels, usage = one.get("Labels") or {}, one.get("UsageData") or {}
    return {
        "Availability": "N/A",
        "Driver": one["Driver"],
        "Group": "N/A",
        "Labels": ",".join(f"{name}={value}" for name, value in labels.items()),
        "Links": str(usage["RefCount"]) if usage else "N/A",
        "Mountpoint": one["Mountpoint"],
        "Name": one["Name"],
        "Scope": one["Scope"],
        "Size": human_size(usage["Size"]) if usage else "N/A",
        "Status": "N/A",
        "Label": lambda name: labels.get(name, ""),
    }


@command(
    "create [OPTIONS] [VOLUME]",
    "Create a volume",
    "rung volume create data",
    """
  -d, --driver string=local  driver
      --label list           label (name=value)
      --name string          its name
  -o, --opt map              option of the driver (name=value)
""",
)
def create(asked: Asked) -> int:
    """Its name."""
    name = asked.words[0] if asked.words else asked["name"]
    body = {
        "Name": name,
        "Driver": asked["driver"],
        "DriverOpts": pairs(asked["opt"]),
        "Labels": pairs(asked["label"]),
    }
    print(Engine(asked.settings).post("/volumes/create", body)["Name"])
    return 0


@command(
    "rm [OPTIONS] VOLUME [VOLUME...]",
    "Remove volumes",
    "rung volume rm data",
    """
  -f, --force  one that is not there is no error
""",
)
def rm(asked: Asked) -> int:
    """Their names."""
    engine = Engine(asked.settings)
    return each(
        asked.words, lambda name: engine.ask("DELETE", f"/volumes/{quoted(name)}", force=asked["force"])
    )
