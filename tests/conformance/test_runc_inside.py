"""What a process finds inside a container is what it finds inside runc's, fact by fact."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from .bed import Bed, Pair, own_cgroup
from .edits import EDITS, MOUNTS, REFUSED

STRICTER = ("/proc/acpi", "/proc/scsi", "/sys/firmware", "/sys/fs/cgroup", "/mnt/cg")
"""Where runc lays a tmpfs without nosuid, nodev and noexec, or writable."""
PROPAGATION_ID = re.compile(r"(shared|master|propagate_from):\d+")

FACTS = {
    "environment": "env | sort",
    "working directory": "pwd",
    "identity": "id",
    "hostname": "hostname",
    "status": "grep -E '^(Cap|NoNewPrivs|Seccomp:|Sig[BIC]|Groups|Umask|NSpid)' /proc/1/status",
    "limits": "cat /proc/self/limits",
    "device nodes": "ls -ln /dev | awk '{print $1, $3, $4, $5 $6, $9, $10, $11}' | grep -v ^total",
    "device folders": "ls -ldn /dev /dev/pts /dev/shm /dev/mqueue | awk '{print $1, $3, $4, $9}'",
    "process group and session": "awk '{print $1, $2, $4, $5, $6, $7}' /proc/1/stat",
    "command line": "tr '\\0' ' ' < /proc/1/cmdline",
    "out-of-memory score": "cat /proc/1/oom_score_adj",
    "cgroup": "cat /proc/self/cgroup",
    "user map": "cat /proc/self/uid_map /proc/self/gid_map",
    "interfaces": "ls /sys/class/net; ip -o link show lo | cut -d' ' -f3",
    "masked paths": "wc -c /proc/keys /proc/timer_list 2>&1; ls /sys/firmware /proc/acpi /proc/scsi 2>&1",
    "read-only paths": "for p in / /sys /proc/sys /proc/irq /proc/bus; do touch $p/new 2>&1; done",
    "kernel's triggers": "echo h > /proc/sysrq-trigger; echo 1 > /proc/sys/vm/drop_caches",
    "writable paths": "touch /dev/new /dev/shm/new && ls /dev/shm; touch /proc/new; chmod 700 /dev/shm",
    "open files": "ls /proc/1/fd",
    "files in the root": "ls -ln / | awk '{print $1, $3, $4, $9}'",
    "processes": "ps -o pid,comm",
    "scheduling": "nice; grep -E '^(Cpus_allowed|Threads)' /proc/1/status",
    "timer slack, personality": "cat /proc/1/timerslack_ns /proc/1/personality",
    "own files": "ls -ldn /proc/1 /proc/1/mem | awk '{print $1, $3, $4}'; grep ^PPid /proc/1/status",
}


def mount_table(text: str) -> list[str]:
    """The lines of mountinfo without what differs from run to run, and where runtimes may be stricter."""
    lines = []
    for line in own_cgroup(PROPAGATION_ID.sub(r"\1:N", text)).splitlines():
        _, _, _, root, place, options, *more = line.split(" ")
        kind, source, whole = more[more.index("-") + 1 :]
        if kind == "tmpfs" and place in STRICTER:
            options = source = whole = "stricter"
        if kind in ("proc", "sysfs", "cgroup"):
            source, whole = "", whole.removeprefix("rw").removeprefix("ro")
        lines.append(" ".join([root, place, options, *more[: more.index("-")], kind, source, whole]))
    return sorted(lines)


@pytest.mark.parametrize("fact", FACTS)
def test_a_default_container(pair: Pair, fact: str) -> None:
    def scenario(bed: Bed) -> str:
        outcome = bed.run("sh", "-c", FACTS[fact])
        return own_cgroup(outcome.out + outcome.err)

    assert pair.agree(scenario)


def test_mounts_of_a_default_container(pair: Pair) -> None:
    def scenario(bed: Bed) -> list[str]:
        return mount_table(bed.run("cat", "/proc/self/mountinfo").ok().out.replace(str(bed.home), "HOME"))

    assert len(pair.agree(scenario)) > 10


def test_namespaces(pair: Pair) -> None:
    """Which of the process's namespaces are the host's."""

    def scenario(bed: Bed) -> dict[str, bool]:
        process = Path("/proc", str(bed.pid(bed.detached())), "ns")
        return {
            entry.name: entry.readlink() == Path("/proc/self/ns", entry.name).readlink()
            for entry in process.iterdir()
        }

    assert pair.agree(scenario)["mnt"] is False


@pytest.mark.parametrize("name", MOUNTS)
def test_a_mount(pair: Pair, name: str) -> None:
    """Its line in the mount table, what is in it, and whether it can be written."""

    def scenario(bed: Bed) -> tuple[int, list[str], str]:
        source = bed.home / "source"
        source.mkdir()
        (source / "file").write_text("content\n")
        mount = dict(MOUNTS[name])
        mount["source"] = mount["source"].replace("SOURCE", str(source))
        at = mount["destination"]
        listed = f'found=$(ls -n {at}); echo "$found" | cut -c1-10'  # /proc must not list cut, or not
        look = f"{listed}; touch {at}/new; echo >> {at}; cat {at}/file"
        script = f"cat /proc/self/mountinfo; echo ==; {look}"
        bundle = bed.bundle(
            "sh", "-c", script, edits={"mounts": [*bed.config["mounts"], mount], "root.readonly": False}
        )
        (bundle / "rootfs/link").symlink_to("../../../mnt")
        outcome = bed.call("run", "--bundle", bundle, bed.new_id())
        table, _, found = outcome.out.replace(str(bed.home), "HOME").partition("==\n")
        return outcome.code, mount_table(table), found

    pair.agree(scenario)


@pytest.mark.parametrize("name", EDITS)
def test_an_edited_bundle(pair: Pair, name: str) -> None:
    """Exit code and output. Messages of a refusal are the runtime's own."""
    script, edits = EDITS[name]

    def scenario(bed: Bed) -> tuple[int, str]:
        bed.open_to_all()
        outcome = bed.run("/bin/busybox", "sh", "-c", script, edits=edits)
        words = outcome.err if outcome.out or outcome.code == 0 else ""
        said = outcome.out + "".join(line for line in words.splitlines(True) if "warning" not in line)
        return outcome.code, PROPAGATION_ID.sub(r"\1:N", said.replace(str(bed.home), "HOME"))

    code, said = pair.agree(scenario)
    assert (code != 0 and said == "") == (name in REFUSED), f"exit code {code}: {said}"


@pytest.mark.parametrize(
    ("resource", "edits"),
    [
        ("memory/memory.limit_in_bytes", {"memory": {"limit": 33554432}}),
        ("memory/memory.soft_limit_in_bytes", {"memory": {"reservation": 16777216}}),
        ("memory/memory.swappiness", {"memory": {"swappiness": 33}}),
        ("memory/memory.oom_control", {"memory": {"limit": 33554432, "disableOOMKiller": True}}),
        ("cpu/cpu.shares", {"cpu": {"shares": 300}}),
        ("cpu/cpu.cfs_quota_us", {"cpu": {"quota": 50000, "period": 100000}}),
        ("cpu/cpu.cfs_period_us", {"cpu": {"quota": 20000, "period": 40000}}),
        ("cpuset/cpuset.cpus", {"cpu": {"cpus": "0"}}),
        ("cpuset/cpuset.mems", {"cpu": {"mems": "0"}}),
        ("pids/pids.max", {"pids": {"limit": 50}}),
        ("pids/pids.max", {"pids": {"limit": -1}}),
        ("devices/devices.list", {}),
        ("devices/devices.list", {"devices": [{"allow": False, "access": "rwm"}]}),
        ("devices/devices.list", {"devices": [{"allow": True, "access": "rwm"}]}),
        ("blkio/blkio.weight", {"blockIO": {"weight": 500}}),
        ("memory/none", {"memory": {"limit": -2}}),
        ("cpuset/none", {"cpu": {"cpus": "4000"}}),
    ],
    ids=str,
)
def test_a_resource(pair: Pair, resource: str, edits: dict[str, Any]) -> None:
    """The cgroup's file on the host; v1 and v2 alike name what they hold."""

    def scenario(bed: Bed) -> tuple[int, str]:
        bundle, name = bed.bundle("sleep", "1000", edits={"linux.resources": edits}), bed.new_id()
        outcome = bed.call("create", "--bundle", bundle, name)
        held = bed.cgroup_file(name, resource) if outcome.code == 0 else ""
        return outcome.code, "".join(sorted(held.splitlines(True)))

    pair.agree(scenario)
