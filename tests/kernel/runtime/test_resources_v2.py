"""A container's limits where there is nothing but cgroup v2: seen from inside and from the host, changed, counted."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

from kernel.runtime.bed import Bed, Outcome, ended_within, one_sentence, until
from rung.runtime import Container
from rung.runtime.cgroup import hierarchies
from rung.spec.runtime.default import default_config

V2 = hierarchies().mode == "v2"
pytestmark = pytest.mark.skipif(not V2, reason="this host's controllers are on cgroup v1: tests/guest runs this")

MIB = 1 << 20
_DEFAULT: dict[str, Any] = default_config()  # type: ignore[assignment]
_OTHER_MOUNTS = [mount for mount in _DEFAULT["mounts"] if mount["type"] not in ("cgroup", "cgroup2")]
_NAMESPACES = [*({"type": kind} for kind in ("pid", "network", "ipc", "uts", "mount", "cgroup"))]


def cgroup_mounted(*options: str) -> dict[str, Any]:
    """The container's cgroup on /sys/fs/cgroup, in a cgroup namespace of its own."""
    mount = {"destination": "/sys/fs/cgroup", "type": "cgroup", "source": "cgroup", "options": ["nosuid", *options]}
    return {"mounts": [*_OTHER_MOUNTS, mount], "linux.namespaces": _NAMESPACES}


CGROUP = "/sys/fs/cgroup/cgroup.procs"
WRITABLE = cgroup_mounted()
ALL = {
    "memory": {"limit": 64 * MIB, "reservation": 32 * MIB, "swap": 96 * MIB},
    "cpu": {"shares": 512, "quota": 50000, "period": 100000, "burst": 10000, "cpus": "0", "mems": "0"},
    "pids": {"limit": 33},
    "blockIO": {"weight": 750},
    "hugepageLimits": [{"pageSize": "2MB", "limit": 2 * MIB}],
    "unified": {"memory.high": str(60 * MIB), "pids.max": "34"},
}
FILES = {
    "memory.max": str(64 * MIB),
    "memory.low": str(32 * MIB),
    "memory.swap.max": str(32 * MIB),
    "memory.high": str(60 * MIB),
    "cpu.weight": "59",
    "cpu.max": "50000 100000",
    "cpuset.cpus": "0",
    "cpuset.mems": "0",
    "pids.max": "34",
    "hugetlb.2MB.max": str(2 * MIB),
    "hugetlb.2MB.rsvd.max": str(2 * MIB),
}


def directory(container: Container) -> Path:
    return Path(container.facts.cgroup_paths[""])


def on_host(container: Container, *names: str) -> dict[str, str]:
    return {name: (directory(container) / name).read_text().strip() for name in names}


def inside(bed: Bed, container: Container, *names: str) -> dict[str, str]:
    done = bed.exec(container, f"cd /sys/fs/cgroup && for name in {' '.join(names)}; do echo $name $(cat $name); done")
    assert done.status == 0, done
    return dict(line.split(" ", 1) for line in done.lines)


def io_weight(container: Container) -> str:
    """BFQ's file where the kernel has that scheduler, with its own scale; else the other one."""
    bfq = directory(container) / "io.bfq.weight"
    return (bfq if bfq.exists() else bfq.with_name("io.weight")).read_text().strip()


def edits(resources: dict[str, Any]) -> dict[str, Any]:
    return {f"linux.resources.{name}": value for name, value in resources.items()}


def test_every_limit_is_seen_on_both_sides(bed: Bed) -> None:
    with bed.running({**WRITABLE, **edits(ALL)}) as container:
        assert on_host(container, *FILES) == FILES
        assert inside(bed, container, *FILES) == FILES
        burst = (directory(container) / "cpu.max.burst").read_text().strip()
        assert burst in ("10000", "10")  # some kernels say it in milliseconds
        assert io_weight(container) in ("default 750", "default 7475")


def test_every_limit_can_be_changed(bed: Bed) -> None:
    with bed.running(edits(ALL)) as container:
        container.update(
            {
                "memory": {"limit": 128 * MIB, "swap": 130 * MIB, "reservation": 16 * MIB},
                "cpu": {"shares": 1024, "quota": -1, "cpus": "0-1"},
                "pids": {"limit": -1},
                "blockIO": {"weight": 100},
                "hugepageLimits": [{"pageSize": "2MB", "limit": 0}],
                "unified": {"memory.high": "max"},
            }
        )
        wanted = {
            "memory.max": str(128 * MIB),
            "memory.swap.max": str(2 * MIB),
            "memory.low": str(16 * MIB),
            "memory.high": "max",
            "cpu.weight": "100",
            "cpu.max": "max 100000",
            "cpuset.cpus": "0-1",
            "pids.max": "max",
            "hugetlb.2MB.max": "0",
        }
        assert on_host(container, *wanted) == wanted
        assert io_weight(container) in ("default 100", "default 910")


def test_options_of_the_cgroup_mount_go_to_the_kernel(bed: Bed) -> None:
    def run(*options: str) -> Outcome:
        return bed.call("run", "--bundle", bed.bundle(["test", "-e", CGROUP], cgroup_mounted(*options)), bed.new_id())

    assert run("nsdelegate", "memory_recursiveprot").status == 0
    one_sentence(run("no_such_option"), "no_such_option")


def test_resources_from_a_file_and_from_stdin(bed: Bed) -> None:
    with bed.running() as container:
        given = bed.folder / "limits.json"
        given.write_text(json.dumps({"pids": {"limit": 44}}))
        assert bed.call("update", "--resources", given, container.id).status == 0
        assert on_host(container, "pids.max") == {"pids.max": "44"}
        update = bed.command("update", "--resources", "-", container.id)
        subprocess.run(update, input=b'{"pids": {"limit": 45}}', check=True)
        assert on_host(container, "pids.max") == {"pids.max": "45"}


def test_the_counters_have_runcs_names(bed: Bed) -> None:
    with bed.running(edits(ALL)) as container:
        event = json.loads(bed.call("events", "--stats", container.id).output)
        data = event["data"]
        assert (event["type"], event["id"]) == ("stats", container.id)
        assert data["pids"] == {"current": 1, "limit": 34}
        assert data["memory"]["usage"]["limit"] == 64 * MIB
        assert data["memory"]["usage"]["usage"] > 0
        assert data["memory"]["raw"]["anon"] > 0
        assert data["cpu"]["usage"]["total"] > 0
        assert data["cpuset"]["cpus"] == [0]
        assert data["hugetlb"]["2MB"]["failcnt"] == 0


def test_running_out_of_memory_is_an_event(bed: Bed) -> None:
    limit = {"limit": 16 * MIB, "swap": 16 * MIB}
    with bed.running({"linux.resources.memory": limit}) as container:
        listener = subprocess.Popen(bed.command("events", container.id), stdout=subprocess.PIPE, text=True)
        try:
            assert listener.stdout is not None
            greedy = bed.exec(container, "x=$(cat /dev/zero | head -c 67108864 | tr '\\0' x); echo ${#x}")
            assert greedy.status != 0
            line = until(lambda: _oom(listener.stdout.readline()), "an oom event")  # type: ignore[union-attr]
            assert json.loads(line) == {"type": "oom", "id": container.id}
        finally:
            listener.kill()
            listener.wait()
            assert listener.stdout is not None
            listener.stdout.close()


def _oom(line: str) -> str:
    return line if '"oom"' in line else ""


def test_the_cgroup_is_given_to_the_process_s_user(bed: Bed) -> None:
    with bed.running({**WRITABLE, "process.user": {"uid": 1000, "gid": 1000}}) as container:
        assert directory(container).stat().st_uid == 1000
        procs = directory(container) / "cgroup.procs"
        assert procs.stat().st_uid == 1000
        assert (directory(container) / "memory.max").stat().st_uid == 0, "its limits are not its own to change"
        done = bed.exec(container, "mkdir /sys/fs/cgroup/mine && echo $$ > /sys/fs/cgroup/mine/cgroup.procs && cat /proc/self/cgroup")
        assert done.lines == ["0::/mine"]


def test_a_cgroup_that_is_mounted_read_only_stays_root_s(bed: Bed) -> None:
    with bed.running({**cgroup_mounted("ro"), "process.user": {"uid": 1000, "gid": 1000}}) as container:
        assert directory(container).stat().st_uid == 0


def test_exec_goes_below_and_beside_the_init(bed: Bed) -> None:
    with bed.running(WRITABLE) as container:
        assert bed.exec(container, "mkdir /sys/fs/cgroup/low; echo 1 > /sys/fs/cgroup/low/cgroup.procs").status == 0
        assert bed.exec(container, "cat /proc/self/cgroup").lines == ["0::/"]
        enable = "echo $$ > /sys/fs/cgroup/low/cgroup.procs; echo +memory > /sys/fs/cgroup/cgroup.subtree_control"
        assert bed.exec(container, enable).status == 0
        assert bed.exec(container, "cat /proc/self/cgroup").lines == ["0::/low"], "the top holds no process any more"
        refused = bed.call("exec", "--cgroup", "/", container.id, "true")
        assert refused.status == 255
        assert "Device or resource busy" in refused.error
        assert bed.call("exec", "--cgroup", "low", container.id, "cat", "/proc/self/cgroup").lines == ["0::/low"]
        assert "No such file" in bed.call("exec", "--cgroup", "none", container.id, "true").error
        assert "bad sub cgroup path" in bed.call("exec", "--cgroup", "../x", container.id, "true").error


def test_a_container_that_was_frozen_by_somebody_else(bed: Bed) -> None:
    with bed.running() as container:
        (directory(container) / "cgroup.freeze").write_text("1")
        assert container.status == "paused"
        assert "paused" in bed.call("exec", container.id, "true").error
        container.resume()
        assert container.status == "running"
        (directory(container) / "cgroup.freeze").write_text("1")
        container.kill(9)
        ended_within(container.pid)


def test_a_container_whose_cgroup_is_gone(bed: Bed) -> None:
    with bed.running() as container:
        elsewhere = directory(container).with_name(f"{container.id}-elsewhere")
        elsewhere.mkdir()
        try:
            (elsewhere / "cgroup.procs").write_text(str(container.pid))
            until(lambda: "populated 0" in (directory(container) / "cgroup.events").read_text(), "the cgroup is empty")
            os.rmdir(directory(container))
            assert container.status == "running"
            assert bed.exec(container, "cat /proc/self/cgroup").status == 0
            assert bed.call("delete", "--force", container.id).status == 0
            ended_within(container.pid)
        finally:
            until(lambda: "populated 0" in (elsewhere / "cgroup.events").read_text(), "nobody is left")
            elsewhere.rmdir()


def test_exec_in_a_user_namespace_with_its_own_cgroup_namespace(bed: Bed) -> None:
    ids = [{"containerID": 0, "hostID": 0, "size": 65536}]
    namespaces = [*_NAMESPACES, {"type": "user"}]
    mapped = {**WRITABLE, "linux.namespaces": namespaces, "linux.uidMappings": ids, "linux.gidMappings": ids}
    with bed.running(mapped) as container:
        assert bed.exec(container, "cat /proc/self/cgroup").lines == ["0::/"]
