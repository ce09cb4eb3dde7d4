"""``list``: the containers below ``--root``."""

from __future__ import annotations

from rung import posix
from rung.errors import RungError
from rung.runtime.cli.json_text import compact
from rung.runtime.cli.log import write_all
from rung.runtime.cli.options import Command, Flag
from rung.runtime.errors import ContainerNotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from rung.runtime.cli.main import Call

COMMAND = Command(
    "list",
    "",
    "list the containers",
    "# rung-runtime --root /run/rung/runtime list",
    (
        Flag(("format", "f"), "text", "table or json", "table"),
        Flag(("quiet", "q"), "bool", "the ids only", False),
    ),
)
HEADINGS = ("ID", "PID", "STATUS", "BUNDLE", "CREATED", "OWNER")
MEMBERS = ("id", "pid", "status", "bundle", "created", "owner")


def run(call: Call) -> int:
    form = call.options["format"]
    if form not in ("table", "json"):
        raise RungError("use --format", form, "not a format", "table or json")
    root = call.program["root"]
    if root is not None and not posix.isdir(root):
        raise RungError("list", f'"{root}"', "is not there", "it is the directory that --root names")
    states = found_states(call)
    if call.options["quiet"]:
        write_all(1, "".join(f"{state['id']}\n" for state in states))
    elif form == "json":
        write_all(1, compact(states or None) + "\n")  # runc prints null where there is none
    else:
        write_all(1, table([HEADINGS, *([str(state[name]) for name in MEMBERS] for state in states)]))
    return 0


def found_states(call: Call) -> list[dict[str, Any]]:
    """What each container is now. One that cannot be read is told of and left out."""
    runtime = call.runtime()
    states = []
    for container_id in runtime.ids():
        try:
            owner = owner_name(posix.stat(posix.join(runtime.root, container_id)).st_uid)
            states.append({**runtime.get(container_id).state(), "owner": owner})
        except (FileNotFoundError, ContainerNotFound):
            continue  # deleted meanwhile
        except RungError as error:
            call.warn(f"{container_id} is left out: {error}")
    return states


def owner_name(uid: int) -> str:
    """The user's name, or ``#`` and the number."""
    from pwd import getpwuid

    try:
        return getpwuid(uid).pw_name
    except KeyError:
        return f"#{uid}"


def table(rows: Sequence[Sequence[str]]) -> str:
    """Columns at least 12 wide with 3 blanks between them: Go's tabwriter as runc sets it."""
    widths = [max(12, *(len(row[column]) + 3 for row in rows)) for column in range(len(rows[0]) - 1)]
    lines = ["".join([cell.ljust(width) for cell, width in zip(row, widths)]) + row[-1] for row in rows]
    return "\n".join(lines) + "\n"
