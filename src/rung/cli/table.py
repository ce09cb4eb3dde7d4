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
#: How an engine beyond TCP is spoken to (``link/remote.py``).
TLS = ("tls", "tlsverify", "tlscacert", "tlscert", "tlskey")
GLOBAL.update(zip(TLS, TLS))
#: Those that take no word, but ``=true`` or ``=false``.
SWITCHES = frozenset(("debug", "tls", "tlsverify"))

#: Both ``rung X`` and ``rung container X``.
_OF_CONTAINERS = {
    "attach": "inside.attach",
    "commit": "files.commit",
    "cp": "copying.cp",
    "create": "run.create",
    "diff": "output.diff",
    "exec": "inside.exec_",
    "export": "files.export",
    "kill": "lifecycle.kill",
    "logs": "output.logs",
    "pause": "lifecycle.pause",
    "port": "output.port",
    "ps": "listing.ps",
    "rename": "lifecycle.rename",
    "restart": "lifecycle.restart",
    "rm": "lifecycle.rm",
    "run": "run.run",
    "start": "inside.start",
    "stats": "stats.stats",
    "stop": "lifecycle.stop",
    "top": "output.top",
    "unpause": "lifecycle.unpause",
    "update": "lifecycle.update",
    "wait": "lifecycle.wait",
}
COMMANDS = {
    **_OF_CONTAINERS,
    "__complete": "completing.complete",
    "completion": "completing.completion",
    "events": "system.events",
    "info": "system.info",
    "inspect": "inspecting.anything",
    "version": "system.version",
}
GROUPS = {
    "container": {
        **_OF_CONTAINERS,
        "inspect": "inspecting.container",
        "list": "listing.ps",
        "ls": "listing.ps",
        "prune": "pruning.containers",
        "remove": "lifecycle.rm",
    },
    "lease": {
        "create": "leases.create",
        "list": "leases.ls",
        "ls": "leases.ls",
        "remove": "leases.rm",
        "renew": "leases.renew",
        "rm": "leases.rm",
    },
    "network": {
        "connect": "networks.connect",
        "create": "networks.create",
        "disconnect": "networks.disconnect",
        "inspect": "inspecting.network",
        "list": "networks.ls",
        "ls": "networks.ls",
        "prune": "pruning.networks",
        "remove": "networks.rm",
        "rm": "networks.rm",
    },
    "system": {
        "df": "usage.df",
        "events": "system.events",
        "info": "system.info",
        "prune": "pruning.everything",
        "stop": "system.stop",
    },
    "volume": {
        "create": "volumes.create",
        "inspect": "inspecting.volume",
        "list": "volumes.ls",
        "ls": "volumes.ls",
        "prune": "pruning.volumes",
        "remove": "volumes.rm",
        "rm": "volumes.rm",
    },
}
#: What each group is for.
ABOUT = {
    "container": "Work with containers",
    "lease": "Work with leases",
    "network": "Work with networks",
    "system": "Work with the engine",
    "volume": "Work with volumes",
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
    if words[0] in GROUPS:
        if len(words) > 1 and words[1] in GROUPS[words[0]]:
            return f"rung {words[0]} {words[1]}", load(GROUPS[words[0]][words[1]]), list(words[2:])
        return f"rung {words[0]}", load("group.group"), list(words)
    if words[0] in COMMANDS:
        return f"rung {words[0]}", load(COMMANDS[words[0]]), list(words[1:])
    return None
