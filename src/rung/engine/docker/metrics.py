"""``/metrics``: what an engine counts, in Prometheus' text format (version 0.0.4), by dockerd's names.

As with dockerd it is at an address of its own (``metrics-addr``), where whoever comes is told; here it is at the API's
sockets as well, for those who may use them.
"""

from __future__ import annotations

import os
from itertools import accumulate

from rung import __version__
from rung.engine import states
from rung.engine.counts import BUCKETS_S
from rung.engine.docker.answers import Answer

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from rung.engine.counts import Histogram
    from rung.engine.docker.call import Call
    from rung.engine.docker.routes import Table
    from rung.engine.engine import Engine

    #: Of a metric: what is added to its name, labels, the value.
    Sample = tuple[str, Mapping[str, str], float]

KIND = "text/plain; version=0.0.4; charset=utf-8"
_RUNNING = (states.RUNNING, states.RESTARTING)


def table(engine: Engine) -> Table:
    """The endpoints of this file."""

    async def metrics(call: Call) -> Answer:
        return Answer(body=text(engine).encode(), kind=KIND)

    return {"GET /metrics": metrics}


def text(engine: Engine) -> str:
    """Every metric."""
    held = [container.state.status for container in engine.containers]
    by_state = {"paused": held.count(states.PAUSED), "running": sum(state in _RUNNING for state in held)}
    by_state["stopped"] = len(held) - sum(by_state.values())
    counts = engine.counts
    ticks, pages, started = _of_process()
    machine = os.uname()
    told = {"architecture": machine.machine, "kernel": machine.release, "os_type": "linux", "version": __version__}
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    found = [
        family(
            "engine_daemon_container_states_containers",
            "The count of containers in various states",
            [("", {"state": state}, count) for state, count in by_state.items()],
        ),
        family(
            "engine_daemon_container_actions_seconds",
            "The time that actions on containers took",
            _times(counts.containers),
            "histogram",
        ),
        one("engine_daemon_events_total", "Events that were told", engine.events.told, "counter"),
        one("engine_daemon_events_subscribers_total", "Those who listen to events", engine.events.listeners),
        one("engine_daemon_health_checks_total", "Health checks that were run", counts.health_checks, "counter"),
        one("engine_daemon_health_checks_failed_total", "And failed", counts.health_checks_failed, "counter"),
        one("engine_daemon_engine_cpus_cpus", "The processors of the host", os.cpu_count() or 1),
        family("engine_daemon_engine_info", "The engine and its machine", [("", told, 1)]),
        one("engine_daemon_engine_memory_bytes", "The memory of the host", memory),
        one("process_cpu_seconds_total", "Processor time of the engine", ticks, "counter"),
        one("process_open_fds", "Its open descriptors", len(os.listdir("/proc/self/fd"))),
        one("process_resident_memory_bytes", "Its memory", pages),
        one("process_start_time_seconds", "When it began, since 1970", started),
    ]
    return "".join(found)


def family(name: str, said: str, samples: Iterable[Sample], kind: str = "gauge") -> str:
    """One metric with its samples."""
    lines = [f"# HELP {name} {said}", f"# TYPE {name} {kind}"]
    lines += [f"{name}{suffix}{_labels(labels)} {value}" for suffix, labels, value in samples]
    return "\n".join(lines) + "\n"


def one(name: str, said: str, value: float, kind: str = "gauge") -> str:
    """A metric that is one number."""
    return family(name, said, [("", {}, value)], kind)


def _times(found: Mapping[str, Histogram]) -> Iterator[Sample]:
    """A histogram of each action: buckets count what is not longer than their bound."""
    for action, times in found.items():
        below = accumulate(times.buckets)
        for bound, count in zip([*(f"{bound:g}" for bound in BUCKETS_S), "+Inf"], below, strict=True):
            yield "_bucket", {"action": action, "le": bound}, count
        yield "_sum", {"action": action}, times.sum_s
        yield "_count", {"action": action}, sum(times.buckets)


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
