"""``rung stats``: how much containers use, as numbers or as a table that is drawn again each second."""

from __future__ import annotations

import sys
import time

from rung import jsonc
from rung.cli.commands.lifecycle import container_path
from rung.cli.flags import command
from rung.cli.link.engine import Engine, Refused
from rung.cli.output import human_binary, human_size, json_line, print_rows

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from rung.cli.flags import Asked

COLUMNS = {
    "CONTAINER ID": "ID",
    "NAME": "Name",
    "CPU %": "CPUPerc",
    "MEM USAGE / LIMIT": "MemUsage",
    "MEM %": "MemPerc",
    "NET I/O": "NetIO",
    "BLOCK I/O": "BlockIO",
    "PIDS": "PIDs",
}
_EVERY_S = 1.0
#: Clears the screen, and goes to its corner.
_ANEW = "\033[2J\033[H"


@command(
    "stats [OPTIONS] [CONTAINER...]",
    "Show how much containers use",
    "rung stats --no-stream web",
    """
  -a, --all            those that do not run, too
      --format string  table, table TEMPLATE, json or a Go template
      --json           one JSON object a line
      --no-stream      once, not each second
      --no-trunc       whole IDs
""",
)
def stats(asked: Asked) -> int:
    """Until it is interrupted, or once."""
    engine = Engine(asked.settings)
    for name in asked.words:  # a name that is not there is an error now, and an end later
        engine.get(f"{container_path(name)}/json")
    if asked["no-stream"]:
        _print(asked, _samples(engine, _names(engine, asked), {}))
        return 0
    before: dict[str, Any] = {}
    while True:
        found = _samples(engine, _names(engine, asked), before)
        if before or not found:
            sys.stdout.write(_ANEW)
            _print(asked, found)
            sys.stdout.flush()
        before = {one["id"]: one for one in found}
        time.sleep(_EVERY_S)


def _names(engine: Engine, asked: Asked) -> list[str]:
    if asked.words:
        return asked.words
    return [one["Id"] for one in engine.get("/containers/json", all=asked["all"])]


def _samples(engine: Engine, names: list[str], before: Mapping[str, Any]) -> list[dict[str, Any]]:
    """One of each, all asked for together. Without one before it, the engine waits for a second one itself."""
    once = bool(before)
    query: dict[str, Any] = {"stream": "0", "one-shot": once}
    asked = [engine.ask("GET", f"{container_path(name)}/stats", **query) for name in names]
    found = []
    for answer in asked:
        try:
            answer.begin()
            one = jsonc.loads(answer.whole())
        except Refused:  # it is gone
            continue
        if once and one["id"] in before:
            one["precpu_stats"] = before[one["id"]]["cpu_stats"]
        found.append(one)
    return found


def _print(asked: Asked, found: list[dict[str, Any]]) -> None:
    rows = [row(one, whole=asked["no-trunc"]) for one in found]
    if asked["json"]:
        sys.stdout.write("".join(f"{json_line(one)}\n" for one in rows))
        return
    print_rows(rows, COLUMNS, template=asked["format"])


def row(one: dict[str, Any], *, whole: bool = False) -> dict[str, str]:
    """A sample as docker shows it. Pure."""
    memory, limit = _memory(one.get("memory_stats") or {})
    networks = (one.get("networks") or {}).values()
    blocks = (one.get("blkio_stats") or {}).get("io_service_bytes_recursive") or ()
    read = sum(each["value"] for each in blocks if each["op"].lower() == "read")
    written = sum(each["value"] for each in blocks if each["op"].lower() == "write")
    name = one.get("name", "").removeprefix("/")
    return {
        "BlockIO": f"{human_size(read)} / {human_size(written)}",
        "CPUPerc": f"{_cpu_percent(one):.2f}%",
        "Container": name,
        "ID": one["id"] if whole else one["id"][:12],
        "MemPerc": f"{memory / limit * 100 if limit else 0:.2f}%",
        "MemUsage": f"{human_binary(memory)} / {human_binary(limit)}",
        "Name": name,
        "NetIO": f"{human_size(_sum(networks, 'rx_bytes'))} / {human_size(_sum(networks, 'tx_bytes'))}",
        "PIDs": str((one.get("pids_stats") or {}).get("current") or 0),
    }


def _sum(each: Any, field: str) -> int:
    return sum(one.get(field, 0) for one in each)


def _memory(found: dict[str, Any]) -> tuple[float, float]:
    """Without the page cache that can be given back, as docker counts since cgroup v2."""
    usage, details = found.get("usage") or 0, found.get("stats") or {}
    inactive = details.get("total_inactive_file", details.get("inactive_file", 0))
    return (usage - inactive if inactive < usage else usage), found.get("limit") or 0


def _cpu_percent(one: dict[str, Any]) -> float:
    now, before = one.get("cpu_stats") or {}, one.get("precpu_stats") or {}
    used = _used(now) - _used(before)
    passed = (now.get("system_cpu_usage") or 0) - (before.get("system_cpu_usage") or 0)
    processors = now.get("online_cpus") or 1
    return used / passed * processors * 100 if used > 0 and passed > 0 else 0.0


def _used(found: dict[str, Any]) -> float:
    return float((found.get("cpu_usage") or {}).get("total_usage") or 0)
