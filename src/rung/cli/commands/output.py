"""``logs``, ``top``, ``port``, ``diff``: what can be seen of a container in lines."""

from __future__ import annotations

import sys

from rung.cli.commands.lifecycle import container_path
from rung.cli.flags import command
from rung.cli.link.engine import Engine
from rung.cli.moments import moment
from rung.cli.output import table
from rung.cli.streams import write_all
from rung.errors import RungError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.cli.flags import Asked

#: docker top's columns are at least this wide.
_TOP = 20


@command(
    "logs [OPTIONS] CONTAINER",
    "Show what a container has written",
    "rung logs --follow --tail 10 web",
    """
      --details          with what the log driver adds
  -f, --follow           and what it writes from now on
      --since string     from this moment on, as 10m or 2026-01-02T15:04:05
  -n, --tail string=all  the last so many lines
  -t, --timestamps       when each line was written
      --until string     up to this moment
""",
)
def logs(asked: Asked) -> int:
    """stdout to stdout, stderr to stderr."""
    query = {name: asked[name] for name in ("details", "follow", "timestamps", "tail")}
    query |= {"since": moment(asked["since"]), "until": moment(asked["until"])}
    path = f"{container_path(asked.words[0])}/logs"
    answer = Engine(asked.settings).stream("GET", path, stdout=1, stderr=1, **query)
    if answer.head.get("content-type").endswith("raw-stream"):
        for piece in answer:
            write_all(1, piece)
        return 0
    from rung.client import Frames

    frames = Frames()
    for piece in answer:
        for stream, data in frames.receive(piece):
            write_all(2 if stream == 2 else 1, data)
    return 0


@command("top CONTAINER [PS_OPTION...]", "Show the processes of a container", "rung top web -o pid,args")
def top(asked: Asked) -> int:
    """What ps says of them."""
    name, *options = asked.words
    found = Engine(asked.settings).get(f"{container_path(name)}/top", ps_args=" ".join(options))
    lines = table([found["Titles"], *found["Processes"]], least=_TOP)
    sys.stdout.write("".join(f"{line}\n" for line in lines))
    return 0


@command(
    "port CONTAINER [PRIVATE_PORT[/PROTO]]",
    "Show where the ports of a container are published",
    "rung port web 80",
)
def port(asked: Asked) -> int:
    """A line a port."""
    name, *wanted = asked.words
    ports = Engine(asked.settings).get(f"{container_path(name)}/json")["NetworkSettings"]["Ports"] or {}
    if not wanted:
        lines = [f"{inside} -> {_place(one)}" for inside, places in ports.items() for one in places or ()]
        sys.stdout.write("".join(f"{line}\n" for line in sorted(lines, key=_number)))
        return 0
    number, _, protocol = wanted[0].partition("/")
    places = ports.get(f"{number}/{protocol or 'tcp'}")
    if not places:
        raise RungError("Error", "", f"No public port '{number}/{protocol or 'tcp'}' published for {name}")
    for one in places:
        print(_place(one))
    return 0


def _number(line: str) -> tuple[int, str]:
    return int(line.partition("/")[0]), line


def _place(one: dict[str, str]) -> str:
    address = one["HostIp"]
    return f"[{address}]:{one['HostPort']}" if ":" in address else f"{address}:{one['HostPort']}"


@command(
    "diff CONTAINER",
    "Show which files a container has changed (C), added (A) and deleted (D)",
    "rung diff web",
)
def diff(asked: Asked) -> int:
    """A line a path."""
    found = Engine(asked.settings).get(f"{container_path(asked.words[0])}/changes") or ()
    sys.stdout.write("".join(f"{'CAD'[one['Kind']]} {one['Path']}\n" for one in found))
    return 0
