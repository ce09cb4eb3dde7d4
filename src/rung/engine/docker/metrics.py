"""``/metrics``: what an engine counts, in Prometheus' text format (version 0.0.4), by dockerd's names.

dockerd has it at an address of its own (``metrics-addr``), where whoever comes is told; here it is at the
API's sockets, for those who may use them.
"""

from __future__ import annotations

import os

from rung import __version__
from rung.engine import states
from rung.engine.docker.answers import Answer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rung.engine.docker.call import Call
    from rung.engine.docker.routes import Table
    from rung.engine.engine import Engine

KIND = "text/plain; version=0.0.4; charset=utf-8"
_RUNNING = (states.RUNNING, states.RESTARTING)


def table(engine: Engine) -> Table:
    """The endpoints of this file."""

    async def metrics(call: Call) -> Answer:
        return Answer(body=text(engine).encode(), kind=KIND)

    return {"GET /metrics": metrics}


def text(engine: Engine) -> str:
    """Every metric."""
    held = [one.state.status for one in engine.containers]
    counts = {"paused": held.count(states.PAUSED), "running": sum(one in _RUNNING for one in held)}
    counts["stopped"] = len(held) - sum(counts.values())
    ticks, pages, started = _of_process()
    machine = os.uname()
    told = {"architecture": machine.machine, "kernel": machine.release, "os_type": "linux", "version": __version__}
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    found = [
        family(
            "engine_daemon_container_states_containers",
            "The count of containers in various states",
            [({"state": state}, count) for state, count in counts.items()],
        ),
        family("engine_daemon_engine_cpus_cpus", "The processors of the host", [({}, os.cpu_count() or 1)]),
        family("engine_daemon_engine_info", "The engine and its machine", [(told, 1)]),
        family("engine_daemon_engine_memory_bytes", "The memory of the host", [({}, memory)]),
        family("process_cpu_seconds_total", "Processor time of the engine", [({}, ticks)], "counter"),
        family("process_open_fds", "Its open descriptors", [({}, len(os.listdir("/proc/self/fd")))]),
        family("process_resident_memory_bytes", "Its memory", [({}, pages)]),
        family("process_start_time_seconds", "When it began, since 1970", [({}, started)]),
    ]
    return "".join(found)


def family(
    name: str, said: str, samples: Iterable[tuple[Mapping[str, str], float]], kind: str = "gauge"
) -> str:
    """One metric with its samples."""
    lines = [f"# HELP {name} {said}", f"# TYPE {name} {kind}"]
    lines += [f"{name}{_labels(labels)} {value}" for labels, value in samples]
    return "\n".join(lines) + "\n"


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    return "{" + ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items()) + "}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _of_process() -> tuple[float, int, float]:
    """Of this one: seconds of processor time, bytes of memory, the moment of its start (proc(5))."""
    times = os.times()
    with open("/proc/self/stat") as file:
        after = file.read().rpartition(")")[2].split()
    with open("/proc/stat") as file:
        boot = next(int(line.split()[1]) for line in file if line.startswith("btime "))
    pages = int(after[21]) * os.sysconf("SC_PAGE_SIZE")
    return times.user + times.system, pages, boot + int(after[19]) / os.sysconf("SC_CLK_TCK")
