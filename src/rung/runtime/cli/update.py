"""``update``: change the limits of a container that runs."""

from __future__ import annotations

from rung.errors import RungError
from rung.runtime.cli.options import Command, Flag

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    from rung.runtime.cli.main import Call

COMMAND = Command(
    "update",
    "<container-id>",
    "change the limits of a container",
    "# rung-runtime update --memory 512m --pids-limit 100 web1",
    (
        Flag(
            ("resources", "r"),
            "text",
            "file with the limits as in config.json's linux.resources; - is stdin",
            "",
        ),
        Flag(("blkio-weight",), "int", "share of block I/O, 10 to 1000"),
        Flag(("cpu-period",), "text", "period that cpu-quota counts in, in microseconds", ""),
        Flag(("cpu-quota",), "text", "CPU time in a period, in microseconds", ""),
        Flag(("cpu-burst",), "text", "CPU time saved up beyond the quota, in microseconds", ""),
        Flag(("cpu-share",), "text", "share of CPU time beside other containers", ""),
        Flag(("cpu-rt-period",), "text", "period that cpu-rt-runtime counts in, in microseconds", ""),
        Flag(("cpu-rt-runtime",), "text", "realtime CPU time in a period, in microseconds", ""),
        Flag(("cpu-idle",), "text", "1: run only when nobody else wants the CPU", ""),
        Flag(("cpuset-cpus",), "text", "CPUs it may run on, as 0-2,4", ""),
        Flag(("cpuset-mems",), "text", "memory nodes it may use", ""),
        Flag(("kernel-memory",), "text", "ignored: the kernel has no such limit", "", hidden=True),
        Flag(("kernel-memory-tcp",), "text", "ignored", "", hidden=True),
        Flag(("memory",), "text", "memory limit: bytes, or with k, m, g, t; -1 for none", ""),
        Flag(("memory-reservation",), "text", "memory kept for it under pressure", ""),
        Flag(("memory-swap",), "text", "memory and swap together; -1 for none", ""),
        Flag(("pids-limit",), "int", "how many processes and threads"),
        Flag(("l3-cache-schema",), "text", "Intel RDT: its share of the L3 cache, as L3:0=7f0;1=1f", ""),
        Flag(("mem-bw-schema",), "text", "Intel RDT: its share of memory bandwidth, as MB:0=20;1=70", ""),
    ),
    "What is not named stays. With --resources all other options but Intel RDT's are ignored.",
    least=1,
    most=1,
)
_EXPONENTS = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4, "p": 5}


def run(call: Call) -> int:
    options = call.options
    container = call.runtime().get(call.arguments[0])
    for name in ("kernel-memory", "kernel-memory-tcp"):
        if options[name]:
            call.warn(f"--{name} is ignored: the kernel has no such limit any more")
    limits: Any = read(options["resources"]) if options["resources"] else resources(options)
    container.update(limits, _schemata(options))
    return 0


def _schemata(options: Mapping[str, Any]) -> list[str]:
    """config-linux.md#intelrdt: lines of a ``schemata`` file, each for the resource of its flag."""
    found = []
    for name, resource in (("l3-cache-schema", "L3"), ("mem-bw-schema", "MB")):
        line = options[name]
        if line and (not line.startswith(resource) or ":" not in line or "\n" in line):
            raise RungError("use", f"--{name}", f'"{line}" is not one line that begins with "{resource}:"')
        found += [line] if line else []
    return found


def read(path: str) -> dict[str, Any]:
    """The resources of a JSON file, ``-`` being standard input."""
    from rung import jsonc
    from rung.files import read_file

    try:
        found = jsonc.loads(read_file("/dev/stdin" if path == "-" else path))
    except ValueError as error:
        raise RungError("resources", f'"{path}"', f"is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise RungError("resources", f'"{path}"', "must be a JSON object")
    return found


def resources(options: Mapping[str, Any]) -> dict[str, Any]:
    """config-linux.md#control-groups: only what was given."""
    found: dict[str, Any] = {
        "cpu": _given(
            options,
            shares=("cpu-share", whole),
            quota=("cpu-quota", whole),
            burst=("cpu-burst", whole),
            period=("cpu-period", whole),
            realtimeRuntime=("cpu-rt-runtime", whole),
            realtimePeriod=("cpu-rt-period", whole),
            cpus=("cpuset-cpus", str),
            mems=("cpuset-mems", str),
            idle=("cpu-idle", whole),
        ),
        "memory": _given(
            options,
            limit=("memory", size_bytes),
            reservation=("memory-reservation", size_bytes),
            swap=("memory-swap", size_bytes),
        ),
    }
    if options["blkio-weight"]:
        found["blockIO"] = {"weight": options["blkio-weight"]}
    if options["pids-limit"] is not None:
        found["pids"] = {"limit": options["pids-limit"]}
    return {name: group for name, group in found.items() if group}


def _given(options: Mapping[str, Any], **wanted: tuple[str, Callable[[str], Any]]) -> dict[str, Any]:
    found = {}
    for name, (option, read_value) in wanted.items():
        if options[option]:
            try:
                found[name] = read_value(options[option])
            except ValueError:
                raise RungError("use", f"--{option}", f'"{options[option]}" is no value for it') from None
    return found


def whole(text: str) -> int:
    """A decimal number."""
    if not text.removeprefix("-").isdecimal():
        raise ValueError(text)
    return int(text)


def size_bytes(text: str) -> int:
    """``512m``, ``1.5GiB``, ``4096``: powers of 1024; -1 is no limit."""
    if text == "-1":
        return -1
    letters = text.lower().rstrip()
    number = letters.rstrip("kmgtpib ")
    unit = letters[len(number) :].strip().removesuffix("b").removesuffix("i")
    if unit not in _EXPONENTS or not number or number[0] not in "0123456789":
        raise ValueError(text)
    return (
        int(float(number) * 1024 ** _EXPONENTS[unit])
        if "." in number
        else int(number) * 1024 ** _EXPONENTS[unit]
    )
