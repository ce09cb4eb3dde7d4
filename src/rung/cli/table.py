"""Which word is which command: where it is declared, ``module.name`` below ``rung.cli.commands``."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from rung.cli.flags import Command

#: Flags before the command, as they are written -> their setting.
GLOBAL = {
    "H": "host", "host": "host", "data-root": "data-root", "run-root": "run-root", "state-root": "state-root",
    "snapshotter": "snapshotter", "cgroup-parent": "cgroup-parent", "debug": "debug", "D": "debug",
}  # fmt: skip

#: Both ``rung X`` and ``rung container X``.
_OF_CONTAINERS = {
    "create": "run.create",
    "run": "run.run",
    "rm": "lifecycle.rm",
}
COMMANDS = {
    **_OF_CONTAINERS,
    "ps": "listing.ps",
}
GROUPS = {
    "container": {
        **_OF_CONTAINERS,
        "ls": "listing.ps",
        "list": "listing.ps",
        "ps": "listing.ps",
    },
}


def load(place: str) -> Command:
    """A command by its place in the tables."""
    module, _, name = place.partition(".")
    found: Command = getattr(__import__(f"rung.cli.commands.{module}", fromlist=[name]), name)
    return found


def find(words: Sequence[str]) -> tuple[str, Command, list[str]] | None:
    """What the command was called by, the command, and the words behind it; None where it is none of these."""
    if not words:
        return None
    if words[0] in GROUPS and len(words) > 1 and words[1] in GROUPS[words[0]]:
        return f"rung {words[0]} {words[1]}", load(GROUPS[words[0]][words[1]]), list(words[2:])
    if words[0] in COMMANDS:
        return f"rung {words[0]}", load(COMMANDS[words[0]]), list(words[1:])
    return None
