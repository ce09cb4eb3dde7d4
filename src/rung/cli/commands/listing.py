"""``rung ps``: the list of containers."""

from __future__ import annotations

from rung.cli.commands.filters import filters
from rung.cli.flags import command
from rung.cli.link.engine import Engine
from rung.cli.output import duration, human_size, moment, print_list, shortened

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rung.cli.flags import Asked

COLUMNS = {
    "CONTAINER ID": "ID",
    "IMAGE": "Image",
    "COMMAND": "Command",
    "CREATED": "RunningFor",
    "STATUS": "Status",
    "PORTS": "Ports",
    "NAMES": "Names",
}
HEADINGS = {"CreatedAt": "CREATED AT", "LocalVolumes": "LOCAL VOLUMES"}


@command(
    "ps [OPTIONS]",
    "List containers",
    "rung ps --all --filter status=exited",
    """
  -a, --all            those that do not run, too
  -f, --filter filter  only those that fit (name=value)
      --format string  table, table TEMPLATE, json or a Go template
      --json           one JSON array of what the engine says
  -n, --last int=-1    the last so many that were made
  -l, --latest         the last that was made
      --no-trunc       whole IDs and commands
  -q, --quiet          IDs only
  -s, --size           how much each has written
""",
)
def ps(asked: Asked) -> int:
    """One line a container."""
    last = 1 if asked["latest"] else asked["last"]
    sized = asked["size"] or ".Size" in asked["format"]
    query = {"all": asked["all"], "limit": last if last > 0 else None, "size": sized}
    found = Engine(asked.settings).get("/containers/json", filters=filters(asked["filter"]), **query)
    columns = {**COLUMNS, "SIZE": "Size"} if asked["size"] else COLUMNS
    rows = [row(one, whole=asked["no-trunc"]) for one in found]
    print_list(asked, found, rows, columns, headings=HEADINGS)
    return 0


def row(one: dict[str, Any], *, whole: bool = False) -> dict[str, Any]:
    """A container as docker shows it (cli/command/formatter/container.go). Pure but for the clock."""
    labels = one.get("Labels") or {}
    mounts = one.get("Mounts") or ()
    names = [name.removeprefix("/") for name in one.get("Names") or () if name.count("/") == 1 or whole]
    image = one.get("Image") or "<no image>"
    command = one.get("Command") or ""
    return {
        "Command": f'"{command if whole else shortened(command, 20)}"',
        "CreatedAt": moment(one["Created"]),
        "ID": one["Id"] if whole else one["Id"][:12],
        "Image": image if whole else _familiar(image, one.get("ImageID") or ""),
        "Labels": ",".join(f"{name}={value}" for name, value in labels.items()),
        "LocalVolumes": str(sum(1 for mount in mounts if mount.get("Driver") == "local")),
        "Mounts": ",".join(_mount(mount, whole) for mount in mounts),
        "Names": ",".join(names),
        "Networks": ",".join((one.get("NetworkSettings") or {}).get("Networks") or {}),
        "Ports": ports(one.get("Ports") or ()),
        "RunningFor": f"{duration(max(0, _now() - one['Created']))} ago",
        "Size": _size(one),
        "State": one.get("State", ""),
        "Status": one.get("Status", ""),
        "Label": lambda name: labels.get(name, ""),
    }


def _now() -> float:
    import time

    return time.time()


def _familiar(image: str, image_id: str) -> str:
    """A digest in full is shown as an ID is."""
    if image.startswith("sha256:") or image == image_id:
        return image.removeprefix("sha256:")[:12]
    return image.partition("@")[0] if ":" in image.partition("@")[0] else image


def _mount(mount: dict[str, Any], whole: bool) -> str:
    name = mount.get("Name") or mount.get("Source") or ""
    return str(name) if whole else shortened(str(name), 15)


def _size(one: dict[str, Any]) -> str:
    written, root = human_size(one.get("SizeRw") or 0), one.get("SizeRootFs") or 0
    return f"{written} (virtual {human_size(root)})" if root else written


def ports(given: Any) -> str:
    """``0.0.0.0:8080-8081->80-81/tcp, 90/udp``: neighbours in one."""
    plain: dict[str, list[int]] = {}
    ranges: list[list[Any]] = []
    key = lambda one: (one.get("PrivatePort", 0), one.get("PublicPort", 0), one.get("IP", ""), one["Type"])  # noqa: E731
    for one in sorted(given, key=key):
        inside, outside, protocol = one["PrivatePort"], one.get("PublicPort"), one["Type"]
        if not outside:
            plain.setdefault(protocol, []).append(inside)
            continue
        address = one.get("IP", "")
        for each in ranges:
            if each[:2] == [address, protocol] and each[3] + 1 == inside and each[5] + 1 == outside:
                each[3], each[5] = inside, outside
                break
        else:
            ranges.append([address, protocol, inside, inside, outside, outside])
    found = []
    for protocol, numbers in plain.items():
        found += [f"{_span(*each)}/{protocol}" for each in _spans(numbers)]
    for address, protocol, *ends in ranges:
        address = f"[{address}]" if ":" in address and ends[2] == ends[3] else address
        found.append(f"{address}:{_span(*ends[2:])}->{_span(*ends[:2])}/{protocol}")
    return ", ".join(found)


def _spans(numbers: list[int]) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    for number in sorted(set(numbers)):
        if found and found[-1][1] + 1 == number:
            found[-1] = (found[-1][0], number)
        else:
            found.append((number, number))
    return found


def _span(first: int, last: int) -> str:
    return str(first) if first == last else f"{first}-{last}"
