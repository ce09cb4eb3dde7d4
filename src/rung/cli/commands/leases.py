"""``rung lease``: owners of what is created, whose end removes it (``engine/leases.py``)."""

from __future__ import annotations

from rung.cli.commands.several import each
from rung.cli.creation import pairs
from rung.cli.flags import command
from rung.cli.link.engine import Engine, quoted
from rung.cli.numbers import duration_ns
from rung.cli.output import print_list
from rung.errors import RungError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rung.cli.flags import Asked

COLUMNS = {
    "LEASE ID": "ID", "BOUND TO": "Bound", "CONTAINERS": "Containers", "NETWORKS": "Networks", "VOLUMES": "Volumes",
}  # fmt: skip


@command(
    "ls [OPTIONS]",
    "List leases",
    "rung lease ls",
    """
      --format string  table, table TEMPLATE, json or a Go template
      --json           one JSON array of what the engine says
      --no-trunc       whole IDs
  -q, --quiet          IDs only
""",
)
def ls(asked: Asked) -> int:
    """One line a lease."""
    found = Engine(asked.settings).get("/rung/leases")
    print_list(asked, found, [_row(one, asked["no-trunc"]) for one in found], COLUMNS)
    return 0


def _row(one: dict[str, Any], whole: bool) -> dict[str, Any]:
    labels = one["Labels"]
    bound = "connection" if one["Connection"] else one["Expires"][:19].replace("T", " ") or "record"
    return {
        "Bound": bound,
        "Containers": str(len(one["Containers"])),
        "CreatedAt": one["Created"].replace("T", " ").replace("Z", " +0000 UTC"),
        "ID": one["Id"] if whole else one["Id"][:12],
        "Labels": ",".join(f"{name}={value}" for name, value in labels.items()),
        "Networks": str(len(one["Networks"])),
        "Volumes": str(len(one["Volumes"])),
        "Label": lambda name: labels.get(name, ""),
    }


@command(
    "create [OPTIONS]",
    "Create a lease; requests with the header Rung-Lease: ID belong to it",
    "rung lease create --expires 10m",
    """
      --expires duration  end it after this time (default: when it is removed)
      --label list        label (name=value)
""",
)
def create(asked: Asked) -> int:
    """Its ID."""
    body = {"Labels": pairs(asked["label"]), "ExpiresIn": _seconds(asked["expires"])}
    print(Engine(asked.settings).post("/rung/leases/create", body)["Id"])
    return 0


@command(
    "renew [OPTIONS] LEASE [LEASE...]",
    "Let leases end later",
    "rung lease renew --expires 10m 3f2a",
    """
      --expires duration  end it so long from now (default: when it is removed)
""",
)
def renew(asked: Asked) -> int:
    """Their IDs."""
    engine, body = Engine(asked.settings), {"ExpiresIn": _seconds(asked["expires"])}
    return each(asked.words, lambda name: engine.ask("POST", f"/rung/leases/{quoted(name)}/renew", body))


@command(
    "rm LEASE [LEASE...]",
    "End leases, and remove what they own",
    "rung lease rm 3f2a",
    "",
)
def rm(asked: Asked) -> int:
    """Their IDs."""
    engine = Engine(asked.settings)
    return each(asked.words, lambda name: engine.ask("DELETE", f"/rung/leases/{quoted(name)}"))


def _seconds(text: str) -> int:
    """Raises ``RungError``."""
    if not text:
        return 0
    try:
        return max(1, duration_ns(text) // 10**9)
    except ValueError:
        raise RungError(f'--expires "{text}": it is no duration: 90s, 10m, 2h') from None
