"""From Docker's words to the runtime's configuration."""

from __future__ import annotations

from typing import Any

import pytest

from rung.engine.container import Container
from rung.engine.document import devices, resources, security
from rung.engine.document.filter import default_filter, from_profile
from rung.engine.document.mounts import Mounted
from rung.engine.document.process import Identity, environment
from rung.engine.document.whole import Found, document
from rung.engine.errors import BadParameter, EngineError
from rung.spec.runtime.validate import validate


def made(config: dict[str, Any] | None = None, host: dict[str, Any] | None = None, **found: Any) -> dict[str, Any]:
    container = Container("c" * 64, "name", "sha256:0", "image", {"Cmd": ["true"], **(config or {})}, host or {})
    return document(container, Found("/rootfs", Identity(), cgroup="/rung/c", **found))


def destinations(config: dict[str, Any]) -> list[str]:
    return [one["destination"] for one in config["mounts"]]


@pytest.mark.parametrize(
    "host",
    [
        {},
        {"Privileged": True},
        {"Memory": 64 << 20, "NanoCpus": 5 * 10**8, "PidsLimit": 9, "CpusetCpus": "0"},
        {"CapAdd": ["ALL"], "CapDrop": ["NET_RAW"], "SecurityOpt": ["no-new-privileges"]},
        {"Tmpfs": {"/t": "size=1m"}, "ReadonlyRootfs": True, "ShmSize": 1 << 20},
        {"PidMode": "host", "IpcMode": "host", "NetworkMode": "host", "UTSMode": "host"},
        {"Ulimits": [{"Name": "nofile", "Soft": 10, "Hard": -1}], "Sysctls": {"net.core.somaxconn": "9"}},
        {"DeviceCgroupRules": ["c 13:* rwm"]},
    ],
    ids=lambda host: next(iter(host), "nothing"),
)
def test_the_runtime_takes_it(host: dict[str, Any]) -> None:
    validate(made(host=host))


def test_namespaces() -> None:
    kinds = {one["type"] for one in made(host={"CgroupnsMode": "private"})["linux"]["namespaces"]}
    assert kinds == {"mount", "pid", "ipc", "uts", "cgroup", "network"}
    shared = made(host={"PidMode": "host"}, joined={"network": "/proc/7/ns/net"})["linux"]["namespaces"]
    assert {"type": "network", "path": "/proc/7/ns/net"} in shared
    assert "pid" not in {one["type"] for one in shared}


def test_no_hostname_where_it_is_the_hosts() -> None:
    assert made({"Hostname": "h", "Domainname": "d"})["hostname"] == "h"
    assert "hostname" not in made(host={"UTSMode": "host"})


def test_capabilities() -> None:
    assert "CAP_CHOWN" in security.capabilities({})
    assert security.capabilities({"CapDrop": ["ALL"], "CapAdd": ["chown"]}) == ["CAP_CHOWN"]
    assert "CAP_SYS_ADMIN" in security.capabilities({"CapAdd": ["all"], "CapDrop": ["CAP_CHOWN"]})
    assert "CAP_CHOWN" not in security.capabilities({"CapAdd": ["all"], "CapDrop": ["CAP_CHOWN"]})
    with pytest.raises(BadParameter, match='invalid CapAdd: unknown capability: "CAP_FLY"'):
        security.capabilities({"CapAdd": ["FLY"]})
    assert security.capability_sets({}, 1000)["effective"] == []
    with pytest.raises(EngineError, match='invalid --security-opt 2: "whatever=1"'):
        security.options({"SecurityOpt": ["whatever=1"]})
    assert "inheritable" not in security.capability_sets({}, 0)


def test_the_filter() -> None:
    assert "seccomp" not in security.seccomp({"Privileged": True})
    assert security.seccomp({"SecurityOpt": ["seccomp=unconfined"]}) == {}
    plain, admin = default_filter([]), default_filter(["CAP_SYS_ADMIN"])
    allowed = set(plain["syscalls"][0]["names"])
    assert {"read", "openat2", "execve"} <= allowed
    assert not {"mount", "unshare", "bpf", "kexec_load", "add_key"} & allowed
    assert {"mount", "unshare"} <= set(admin["syscalls"][0]["names"])
    assert [rule["action"] for rule in plain["syscalls"] if rule["names"] == ["clone3"]] == ["SCMP_ACT_ERRNO"]


def test_a_profile_of_ones_own() -> None:
    profile = {
        "defaultAction": "SCMP_ACT_ALLOW",
        "syscalls": [
            {"names": ["mkdir"], "action": "SCMP_ACT_ERRNO", "excludes": {"caps": ["CAP_CHOWN"]}},
            {"name": "rmdir", "action": "SCMP_ACT_ERRNO", "includes": {"caps": ["CAP_CHOWN"]}},
            {"names": ["old"], "action": "SCMP_ACT_ERRNO", "includes": {"minKernel": "99.0"}},
        ],
    }
    assert [rule["names"] for rule in from_profile(profile, [])["syscalls"]] == [["mkdir"]]
    assert [rule["names"] for rule in from_profile(profile, ["CAP_CHOWN"])["syscalls"]] == [["rmdir"]]
    with pytest.raises(BadParameter, match="Decoding seccomp profile failed"):
        security.seccomp({"SecurityOpt": ["seccomp={"]})


def test_mounts_take_the_place_of_defaults() -> None:
    bind = Mounted("bind", "/host", "/dev/shm", ("rbind",))
    found = made(mounted=(bind,), files={"/etc/hosts": "/b/hosts"}, init="/usr/bin/init")
    assert destinations(found).count("/dev/shm") == 1
    assert {"/etc/hosts", "/sbin/docker-init"} <= set(destinations(found))
    assert found["process"]["args"] == ["/sbin/docker-init", "--", "true"]
    assert destinations(found).index("/dev") < destinations(found).index("/dev/shm")


def test_shared_memory() -> None:
    shm = next(one for one in made(host={"ShmSize": 4096})["mounts"] if one["destination"] == "/dev/shm")
    assert "size=4096" in shm["options"]
    shared = next(one for one in made(shm="/b/shm")["mounts"] if one["destination"] == "/dev/shm")
    assert (shared["type"], shared["source"]) == ("bind", "/b/shm")
    assert "/dev/shm" not in destinations(made(host={"IpcMode": "none"}))


def test_variables() -> None:
    found = environment(["A=1", "PATH=/x", "HOSTNAME"], True, "h", "/home/u")
    assert found == ["PATH=/x", "TERM=xterm", "A=1", "HOME=/home/u"]


@pytest.mark.parametrize(
    ("host", "said"),
    [
        ({"Memory": 1 << 20}, "Minimum memory limit allowed is 6MB"),
        ({"Memory": 64 << 20, "MemorySwap": 32 << 20}, "memoryswap limit should be larger"),
        ({"MemorySwap": 64 << 20}, "always set the Memory limit"),
        ({"NanoCpus": 1, "CpuQuota": 5}, "Conflicting options"),
        ({"Memory": 64 << 20, "MemoryReservation": 65 << 20}, "reservation"),
    ],
)
def test_limits_that_contradict_each_other(host: dict[str, Any], said: str) -> None:
    with pytest.raises(BadParameter, match=said):
        resources.check(host)


def test_an_update_changes_what_it_names() -> None:
    before = {"Memory": 64 << 20, "CpuShares": 100, "RestartPolicy": {"Name": "no"}}
    after = resources.update(before, {"CpuShares": 200, "Memory": 0, "RestartPolicy": {"Name": ""}})
    assert (after["Memory"], after["CpuShares"], after["RestartPolicy"]) == (64 << 20, 200, {"Name": "no"})


def test_device_rules() -> None:
    assert devices.rules({"DeviceCgroupRules": ["c 13:* rwm"]}, ())[-1] == {
        "allow": True,
        "type": "c",
        "access": "rwm",
        "major": 13,
    }
    with pytest.raises(BadParameter, match="invalid device cgroup rule"):
        devices.rules({"DeviceCgroupRules": ["x 1:2 q"]}, ())
    with pytest.raises(BadParameter, match="no such file or directory"):
        devices.of_host("/dev/no-such", "/dev/x", "")
    assert devices.of_host("/dev/null", "/dev/x", "r")[0].rule()["access"] == "r"
