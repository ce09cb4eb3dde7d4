"""Counters and out-of-memory events of the real kernel."""

import os
import select
import threading

import pytest

from rung.runtime import watch_oom
from rung.runtime.cgroup import OomWatch

MIB = 1 << 20
ANSWER_S = 60


def test_counters_of_a_process_that_works(group, worker):
    group.create()
    group.apply({"memory": {"limit": 200 * MIB}, "pids": {"limit": 9}})
    one = worker(group)
    assert one.do(f"grow {20 * MIB}") == "ok"
    found = group.stats()
    assert found["cpu"]["usage"]["total"] > 0
    assert found["memory"]["usage"]["usage"] > 20 * MIB
    assert found["memory"]["usage"]["limit"] == 200 * MIB
    assert found["pids"] == {"current": 1, "limit": 9}
    assert found["memory"]["raw"]
    assert found["cpuset"]["cpus"]


def test_out_of_memory_is_told(group, worker, mode):
    group.create()
    group.apply({"memory": {"limit": 30 * MIB, "swap": 30 * MIB}})
    one = worker(group)
    with group.watch_oom() as watch:
        assert group.oom_kills() == 0
        one.tell(f"grow {100 * MIB}")
        assert select.select([watch], [], [], ANSWER_S)[0]
        assert next(watch) >= 1
        assert one.process.wait(timeout=ANSWER_S) == -9
    assert group.oom_kills() == 1


def test_a_look_at_the_watch_waits_for_nothing(group, worker):
    """And knows of whatever killed a process that has been waited for."""
    group.create()
    group.apply({"memory": {"limit": 30 * MIB, "swap": 30 * MIB}})
    one = worker(group)
    with watch_oom(one.process.pid) as watch:
        assert watch.look() == 0
        one.tell(f"grow {100 * MIB}")
        assert one.process.wait(timeout=ANSWER_S) == -9
        assert watch.look() >= 1
        assert watch.look() == 0 or watch.look() is None


def test_the_watch_ends_with_the_cgroup(group, worker):
    group.create()
    one = worker(group)
    before = len(os.listdir("/proc/self/fd"))
    heard = []
    watch = group.watch_oom()
    listener = threading.Thread(target=lambda: heard.extend(watch))
    listener.start()
    one.end()
    group.remove()
    listener.join(timeout=ANSWER_S)
    assert not listener.is_alive()
    assert heard == []
    assert len(os.listdir("/proc/self/fd")) <= before


def test_a_watch_on_nothing(group):
    before = os.listdir("/proc/self/fd")
    with pytest.raises(Exception, match="watch for out of memory in"):
        OomWatch(group.paths)
    assert os.listdir("/proc/self/fd") == before
