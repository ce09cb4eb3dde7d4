"""``run``'s flags as the body of a request."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pytest

from rung.cli.commands.run import run
from rung.cli.creation import creation
from rung.cli.flags import read
from rung.errors import RungError


def body(*words: str, detached: bool = False) -> dict[str, Any]:
    asked = read("rung run", run, words)
    return creation(asked, asked.words[0], asked.words[1:], detached=detached)


def host(*words: str) -> Any:
    return body(*words, "i")["HostConfig"]


def test_nothing_asked_for() -> None:
    assert body("i") == {"Image": "i", "AttachStdout": True, "AttachStderr": True, "HostConfig": {}}
    assert body("i", "a", "-b")["Cmd"] == ["a", "-b"]


def test_streams() -> None:
    interactive = body("-it", "i")
    assert all(interactive[name] for name in ("AttachStdin", "OpenStdin", "StdinOnce", "Tty", "AttachStdout"))
    detached = body("-i", "i", detached=True)
    assert (detached["OpenStdin"], detached["StdinOnce"], "AttachStdout" in detached) == (True, False, False)
    only = body("-a", "STDERR", "i")
    assert ("AttachStdout" in only, only["AttachStderr"]) == (False, True)


def test_variables(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import posix

    monkeypatch.setitem(posix.environ, b"OWN", b"mine")
    (tmp_path / "file").write_text("\ufeff# remark\nA=file\n  B=2 \n\nOWN\n")
    found = body("--env-file", str(tmp_path / "file"), "-e", "A=1", "-e", "OWN", "-e", "NOT_THERE", "-e", "EMPTY=", "i")["Env"]
    assert found == ["A=file", "B=2 ", "OWN=mine", "A=1", "OWN=mine", "NOT_THERE", "EMPTY="]
    with pytest.raises(RungError, match="invalid environment variable: =x"):
        body("-e", "=x", "i")
    with pytest.raises(RungError, match="no such file or directory"):
        body("--env-file", "/no/such", "i")


@pytest.mark.parametrize(
    ("words", "field", "value"),
    [
        ("-m 32m", "Memory", 32 << 20),
        ("--cpus 1.5", "NanoCpus", 1_500_000_000),
        ("--rm", "AutoRemove", True),
        ("--pids-limit -1", "PidsLimit", -1),
        ("--cap-add A --cap-add B", "CapAdd", ["A", "B"]),
        ("--network none", "NetworkMode", "none"),
        ("--restart on-failure:3", "RestartPolicy", {"Name": "on-failure", "MaximumRetryCount": 3}),
        ("--ulimit nofile=1:2", "Ulimits", [{"Name": "nofile", "Soft": 1, "Hard": 2}]),
        ("--sysctl a.b=1", "Sysctls", {"a.b": "1"}),
        ("--tmpfs /t:size=1m --tmpfs /u", "Tmpfs", {"/t": "size=1m", "/u": ""}),
        ("--device /dev/a:/dev/b:r", "Devices", [{"PathOnHost": "/dev/a", "PathInContainer": "/dev/b", "CgroupPermissions": "r"}]),
        ("--device /dev/a:rw", "Devices", [{"PathOnHost": "/dev/a", "PathInContainer": "/dev/a", "CgroupPermissions": "rw"}]),
        ("--device-read-bps /dev/a:1m", "BlkioDeviceReadBps", [{"Path": "/dev/a", "Rate": 1 << 20}]),
        ("--gpus all", "DeviceRequests", [{"Count": -1, "Capabilities": [["gpu"]]}]),
        ("-v /a:/b:ro", "Binds", ["/a:/b:ro"]),
        ("--log-driver none", "LogConfig", {"Type": "none", "Config": {}}),
        ("--security-opt no-new-privileges", "SecurityOpt", ["no-new-privileges"]),
        ("--mount type=bind,src=/a,dst=/b,ro", "Mounts", [{"Type": "bind", "Source": "/a", "Target": "/b", "ReadOnly": True}]),
        ("--mount type=tmpfs,dst=/t,tmpfs-size=1m,tmpfs-mode=1700", "Mounts", [{"Type": "tmpfs", "Target": "/t", "TmpfsOptions": {"SizeBytes": 1 << 20, "Mode": 0o1700}}]),
        ("--mount src=v,dst=/t,volume-opt=a=b,volume-nocopy", "Mounts", [{"Type": "volume", "Source": "v", "Target": "/t", "VolumeOptions": {"DriverConfig": {"Options": {"a": "b"}}, "NoCopy": True}}]),
    ],
)
def test_host_config(words: str, field: str, value: Any) -> None:
    assert host(*words.split())[field] == value


def test_volumes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    found = body("-v", "/data", "-v", "./x:/y", "-v", "name:/z", "i")
    assert found["Volumes"] == {"/data": {}}
    assert found["HostConfig"]["Binds"] == [f"{os.getcwd()}/x:/y", "name:/z"]


def test_a_filter_is_read(tmp_path: Path) -> None:
    (tmp_path / "f").write_text("{}")
    found = host("--security-opt", f"seccomp={tmp_path}/f", "--security-opt", "systempaths=unconfined")
    assert (found["SecurityOpt"], found["MaskedPaths"]) == (["seccomp={}"], [])


@pytest.mark.parametrize(
    ("words", "bindings"),
    [
        ("80", {"80/tcp": [("", "")]}),
        ("8080:80", {"80/tcp": [("", "8080")]}),
        ("127.0.0.1:8080:80/udp", {"80/udp": [("127.0.0.1", "8080")]}),
        ("[::1]:8080:80", {"80/tcp": [("::1", "8080")]}),
        ("127.0.0.1::80", {"80/tcp": [("127.0.0.1", "")]}),
        ("80-81:90-91", {"90/tcp": [("", "80")], "91/tcp": [("", "81")]}),
        ("8000-8010:80", {"80/tcp": [("", "8000-8010")]}),
        ("published=8080,target=80,protocol=udp", {"80/udp": [("", "8080")]}),
    ],
)
def test_ports(words: str, bindings: Any) -> None:
    found = body("-p", words, "i")
    got = {port: [(one["HostIp"], one["HostPort"]) for one in each] for port, each in found["HostConfig"]["PortBindings"].items()}
    assert got == bindings
    assert set(found["ExposedPorts"]) == set(bindings)


def test_exposed_only() -> None:
    assert body("--expose", "80-81/udp", "--expose", "9", "i")["ExposedPorts"] == {"80/udp": {}, "81/udp": {}, "9/tcp": {}}


def test_networks() -> None:
    found = body("--network", "name=a,alias=x,ip=10.0.0.2", "--network", "b", "--network-alias", "y", "i")
    assert found["HostConfig"]["NetworkMode"] == "a"
    assert found["NetworkingConfig"]["EndpointsConfig"] == {"a": {"Aliases": ["y"], "IPAMConfig": {"IPv4Address": "10.0.0.2"}}, "b": {}}
    one = body("--network", "a", "--ip", "10.0.0.3", "i")
    assert one["NetworkingConfig"]["EndpointsConfig"] == {"a": {"IPAMConfig": {"IPv4Address": "10.0.0.3"}}}


def test_health() -> None:
    found = body("--health-cmd", "test -e /x", "--health-interval", "2s", "--health-retries", "2", "i")["Healthcheck"]
    assert found == {"Test": ["CMD-SHELL", "test -e /x"], "Interval": 2 * 10**9, "Retries": 2}
    acts = body("-l", "a=1", "--health-on-failure", "kill", "i")
    assert acts["Labels"] == {"a": "1", "rung.health.on-failure": "kill"}
    assert body("--no-healthcheck", "i")["Healthcheck"] == {"Test": ["NONE"]}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("--rm --restart always", "conflicting options: --restart and --rm"),
        ("--no-healthcheck --health-cmd x", "--no-healthcheck conflicts"),
        ("--restart on-failure:x", "maximum retry count must be an integer"),
        ("-p a", "invalid containerPort: a"),
        ("-p 1-2:1-3", "invalid ranges specified"),
        ("-p 80/xyz", "invalid proto: xyz"),
        ("--mount type=bind,dst", "must be a key=value pair"),
        ("--mount type=bind,x=y", "unexpected key 'x'"),
        ("--mount type=bind", "target is required"),
        ("-a nothing", "stdin, stdout or stderr"),
        ("--memory-swappiness 101", "range is 0-100"),
        ("--ulimit x", "NAME=SOFT"),
        ("--gpus x", "all, a number"),
        ("--health-on-failure x", "none, restart, stop or kill"),
    ],
)
def test_what_is_refused(words: str, said: str) -> None:
    with pytest.raises(RungError, match=said):
        body(*words.split(), "i")
