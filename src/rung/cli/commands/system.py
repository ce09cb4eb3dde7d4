"""``version``, ``info``, ``events``, ``system stop``: the engine itself."""

from __future__ import annotations

from rung import __version__, posix
from rung.cli.commands.filters import filters
from rung.cli.flags import command
from rung.cli.link.address import REMOTE
from rung.cli.link.engine import Engine, connected
from rung.cli.moments import moment, written
from rung.cli.output import json_line
from rung.errors import RungError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rung.cli.flags import Asked
    from rung.cli.template import Template

_FORMAT = """
  -f, --format string  json or a Go template
"""


def _template(text: str) -> Template | None:
    if text in ("", "json"):
        return None
    from rung.cli.template import Template

    return Template(text.replace("\\t", "\t").replace("\\n", "\n"))


@command(
    "version [OPTIONS]",
    "Show the versions of this command and of the engine",
    "rung version --format '{{.Server.Version}}'",
    _FORMAT,
)
def version(asked: Asked) -> int:
    """Of the client alone, and 1, where the engine does not answer."""
    system = posix.uname()
    client = {
        "Version": __version__,
        "ApiVersion": "1.47",
        "Os": "linux",
        "Arch": _architecture(system.machine),
    }
    template = _template(asked["format"])
    server, error = None, None
    try:
        server = Engine(asked.settings).get("/version")
    except RungError as refused:
        error = refused
    if template is not None:
        print(template.execute({"Client": client, "Server": server}))
    elif asked["format"] == "json":
        print(json_line({"Client": client, "Server": server}))
    else:
        print("\n".join(_versions("Client: Rung", client)))
        if server is not None:
            print("\n".join(["", *_versions(f"Server: {server['Platform']['Name']}", server)]))
    if error is not None:
        raise error
    return 0


def _architecture(machine: str) -> str:
    return {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)


def _versions(title: str, found: dict[str, Any]) -> list[str]:
    lines = [title, f" Version:      {found['Version']}", f" API version:  {found['ApiVersion']}"]
    if "MinAPIVersion" in found:
        lines[-1] += f" (minimum version {found['MinAPIVersion']})"
    lines += [f" {one['Name']}:".ljust(15) + one["Version"] for one in found.get("Components") or ()]
    return [*lines, f" OS/Arch:      {found['Os']}/{found['Arch']}"]


@command(
    "info [OPTIONS]",
    "Show what the engine says of itself and its machine",
    "rung info --format '{{.ServerVersion}}'",
    _FORMAT,
)
def info(asked: Asked) -> int:
    """A line a fact."""
    template = _template(asked["format"])
    found = Engine(asked.settings).get("/info")
    if template is not None:
        print(template.execute(found))
    elif asked["format"] == "json":
        print(json_line(found))
    else:
        print("\n".join(facts(found)))
    return 0


def facts(found: dict[str, Any]) -> list[str]:
    """docker info's lines. Pure."""
    from rung.cli.output import human_binary

    lines = ["Server:", f" Containers: {found['Containers']}"]
    lines += [f"  {name}: {found[f'Containers{name}']}" for name in ("Running", "Paused", "Stopped")]
    lines += [f" Images: {found['Images']}", f" Server Version: {found['ServerVersion']}"]
    lines += [f" Storage Driver: {found['Driver']}"]
    lines += [f"  {name}: {value}" for name, value in found.get("DriverStatus") or ()]
    for title, field in (("Logging Driver", "LoggingDriver"), ("Cgroup Driver", "CgroupDriver")):
        lines.append(f" {title}: {found.get(field, '')}")
    lines.append(f" Cgroup Version: {found.get('CgroupVersion', '')}")
    plugins = found.get("Plugins") or {}
    lines.append(" Plugins:")
    kinds = [name for name in ("Volume", "Network", "Log") if plugins.get(name)]
    lines += [f"  {name}: {' '.join(plugins[name])}" for name in kinds]
    lines += [f" Runtimes: {' '.join(sorted(found.get('Runtimes') or ()))}"]
    for title, field in (
        ("Default Runtime", "DefaultRuntime"), ("Init Binary", "InitBinary"), ("Kernel Version", "KernelVersion"),
        ("Operating System", "OperatingSystem"), ("OSType", "OSType"), ("Architecture", "Architecture"),
        ("CPUs", "NCPU"),
    ):  # fmt: skip
        lines.append(f" {title}: {found.get(field, '')}")
    lines.append(f" Total Memory: {human_binary(found.get('MemTotal') or 0)}")
    for title, field in (("Name", "Name"), ("ID", "ID"), ("Docker Root Dir", "DockerRootDir")):
        lines.append(f" {title}: {found.get(field, '')}")
    lines += [f"WARNING: {word}" for word in found.get("Warnings") or ()]
    return lines


@command(
    "events [OPTIONS]",
    "Show what happens, as it does",
    "rung events --since 10m --filter type=container",
    """
  -f, --filter filter  only those that fit (name=value)
      --format string  json or a Go template
      --json           one JSON object a line
      --since string   and what was since this moment, as 10m or 2026-01-02T15:04:05
      --until string   up to this moment
""",
)
def events(asked: Asked) -> int:
    """A line an event."""
    template = _template(asked["format"])
    as_json = asked["json"] or asked["format"] == "json"
    query: dict[str, Any] = {name: moment(asked[name]) for name in ("since", "until")}
    query["filters"] = filters(asked["filter"])
    for one in Engine(asked.settings).stream("GET", "/events", **query).documents():
        text = json_line(one) if as_json else template.execute(one) if template is not None else event(one)
        print(text, flush=True)
    return 0


def event(one: dict[str, Any]) -> str:
    """``MOMENT container start ID (name=web, ...)``. Pure but for the time zone."""
    attributes = one["Actor"].get("Attributes") or {}
    inside = ", ".join(f"{name}={attributes[name]}" for name in sorted(attributes))
    words = [written(one["timeNano"]), one["Type"], one["Action"], one["Actor"]["ID"]]
    return " ".join(words) + (f" ({inside})" if inside else "")


@command("stop", "End the engine; containers go on, and the next command starts it again", "rung system stop")
def stop(asked: Asked) -> int:
    """Until it has ended."""
    import select
    import socket
    import struct

    path = Engine(asked.settings).path
    if path.startswith(REMOTE):
        raise RungError("stop", path, "only an engine of this machine is ended from here")
    try:
        connection = connected(path)
    except (FileNotFoundError, ConnectionRefusedError):
        return 0
    # unix(7), SO_PEERCRED: who called listen(2)
    pid = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0]
    ended = posix.pidfd_open(pid)
    try:
        posix.kill(pid, 15)
        connection.close()
        waiting = select.poll()
        waiting.register(ended, select.POLLIN)
        waiting.poll()
    finally:
        posix.close(ended)
    return 0
