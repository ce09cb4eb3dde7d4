"""``/metrics``."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from rung.engine.counts import Counts
from rung.engine.docker.metrics import family, text
from rung.engine.events import Events


def engine(*states: str) -> Any:
    containers = [SimpleNamespace(state=SimpleNamespace(status=one)) for one in states]
    return SimpleNamespace(containers=containers, counts=Counts(), events=Events())


def test_times_of_actions_are_cumulative() -> None:
    found = engine()
    for time_s in (0.004, 0.005, 0.03, 60.0):
        found.counts.containers["start"].take(time_s)
    name = "engine_daemon_container_actions_seconds"
    lines = [line.removeprefix(name) for line in text(found).splitlines() if 'action="start"' in line]
    assert lines[0] == '_bucket{action="start",le="0.005"} 2'
    assert lines[2:4] == ['_bucket{action="start",le="0.025"} 2', '_bucket{action="start",le="0.05"} 3']
    assert lines[-4:-2] == ['_bucket{action="start",le="10"} 3', '_bucket{action="start",le="+Inf"} 4']
    assert lines[-2:] == ['_sum{action="start"} 60.039', '_count{action="start"} 4']


def test_what_fails_takes_no_time() -> None:
    counts = Counts()
    with pytest.raises(KeyError), counts.timed("create"):
        raise KeyError("x")
    with counts.timed("create"):
        pass
    assert sum(counts.containers["create"].buckets) == 1


def test_events_are_counted_beyond_those_that_are_kept() -> None:
    found = engine()
    for _ in range(300):
        found.events.tell("container", "start", "x", {})
    assert "engine_daemon_events_total 300\n" in text(found)


def test_containers_by_state() -> None:
    lines = text(engine("running", "restarting", "paused", "exited", "created", "dead")).splitlines()
    name = "engine_daemon_container_states_containers"
    assert [line for line in lines if line.startswith(name)] == [
        f'{name}{{state="paused"}} 1',
        f'{name}{{state="running"}} 2',
        f'{name}{{state="stopped"}} 3',
    ]


def test_every_line_is_a_comment_or_a_name_and_a_number() -> None:
    found = text(engine())
    assert found.endswith("\n")
    for line in found.splitlines():
        if not line.startswith(("# HELP ", "# TYPE ")):
            assert float(line.rpartition(" ")[2]) >= 0, line


def test_labels_are_escaped() -> None:
    assert family("a", "b", [("", {"c": 'x"\\\n'}, 2)]) == '# HELP a b\n# TYPE a gauge\na{c="x\\"\\\\\\n"} 2\n'
