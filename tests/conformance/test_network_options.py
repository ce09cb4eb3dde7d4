"""``docker network create -o``: what Docker's daemon and this one say and show, and what the options do."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import engineparts
from engineparts import IMAGE, Engine

from .daemons import dockerd, needed

pytestmark = pytest.mark.skipif(bool(needed("dockerd", "docker")), reason=str(needed("dockerd", "docker")))

BRIDGE, DRIVER = "com.docker.network.bridge", "com.docker.network.driver"
OPTIONS = [
    "", f"{BRIDGE}.name=br-mine", f"{BRIDGE}.name=longer-than-an-interface", f"{BRIDGE}.name=a/b", f"{BRIDGE}.name=lo",
    f"{BRIDGE}.enable_icc=false", f"{BRIDGE}.enable_icc=perhaps", f"{BRIDGE}.enable_ip_masquerade=0",
    f"{BRIDGE}.enable_ip_masquerade=maybe", f"{BRIDGE}.host_binding_ipv4=127.0.0.1", f"{BRIDGE}.host_binding_ipv4=zz",
    f"{DRIVER}.mtu=1400", f"{DRIVER}.mtu=x", "of.mine=1",
]  # fmt: skip


@pytest.fixture(scope="module")
def docker() -> Iterator[str]:
    with dockerd({}, network=True) as folder:
        yield f"unix://{folder}/docker.sock"


@pytest.fixture(scope="module")
def engine(busybox: Path) -> Iterator[Engine]:
    with engineparts.engine(engineparts.image_archive(busybox)) as made:
        _ip(made, "link", "set", "lo", "up")
        yield made


def client(host: str, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["docker", "--host", host, *words], capture_output=True, text=True, timeout=60, check=False)


def created(host: str, option: str) -> tuple[str, Any]:
    """What creating a network says, and what is shown of it then."""
    made = client(host, "network", "create", *(["-o", option] if option else []), "net")
    if made.returncode:
        return made.stderr, client(host, "network", "inspect", "net").returncode
    (shown,) = json.loads(client(host, "network", "inspect", "net").stdout)
    again = client(host, "network", "create", "-o", f"{BRIDGE}.name={_bridge(shown)}", "other")
    client(host, "network", "rm", "net")
    for name in ("Id", "Created", "IPAM"):
        del shown[name]
    return re.sub(r"[0-9a-f]{12,64}", "ID", again.stderr), shown


def _bridge(shown: dict[str, Any]) -> str:
    return str(shown["Options"].get(f"{BRIDGE}.name") or f"br-{shown['Id'][:12]}")


@pytest.mark.parametrize("option", OPTIONS)
def test_an_option_is_as_with_docker(docker: str, engine: Engine, option: str) -> None:
    assert created(f"unix://{engine.socket}", option) == created(docker, option)


def links(engine: Engine) -> list[str]:
    return [line.split()[0] for line in _ip(engine, "-br", "link").splitlines()]


def _ip(engine: Engine, *words: str) -> str:
    """ip(8) in the engine's network."""
    assert engine.daemon is not None
    program = ["nsenter", f"--net=/proc/{engine.daemon.pid}/ns/net", "ip", *words]
    return subprocess.run(program, capture_output=True, text=True, check=True).stdout


def test_the_bridge_is_there_as_long_as_its_network(engine: Engine) -> None:
    made = engine.ask("POST", "/networks/create", body={"Name": "net"})
    assert f"br-{made['Id'][:12]}" in links(engine)
    engine.ask("DELETE", "/networks/net")
    named = {"Name": "net", "Options": {f"{BRIDGE}.name": "br-mine"}}
    engine.ask("POST", "/networks/create", body=named)
    assert "br-mine" in links(engine)
    engine.ask("DELETE", "/networks/net")
    assert not [name for name in links(engine) if name.startswith("br-")]


def test_a_bridge_that_was_there_before_its_network_stays(engine: Engine) -> None:
    _ip(engine, "link", "add", "br-user", "type", "bridge")
    engine.ask("POST", "/networks/create", body={"Name": "net", "Options": {f"{BRIDGE}.name": "br-user"}})
    engine.ask("DELETE", "/networks/net")
    assert "br-user" in links(engine)
    _ip(engine, "link", "del", "br-user")


@pytest.mark.parametrize("icc", ["true", "false"])
def test_containers_reach_each_other_unless_they_are_kept_apart(engine: Engine, icc: str) -> None:
    engine.ask("POST", "/networks/create", body={"Name": "net", "Options": {f"{BRIDGE}.enable_icc": icc}})
    one = engine.run_one("sleep", "1000000", network_mode="net")
    one.reload()
    address = one.attrs["NetworkSettings"]["Networks"]["net"]["IPAddress"]
    other = engine.run_one("sleep", "1000000", network_mode="net")
    assert (other.exec_run(["busybox", "ping", "-c1", "-W1", address])[0] == 0) == (icc == "true")
    for made in (one, other):
        made.remove(force=True)
    engine.ask("DELETE", "/networks/net")


def test_ports_are_published_on_the_networks_address(engine: Engine) -> None:
    engine.ask("POST", "/networks/create", body={"Name": "net", "Options": {f"{BRIDGE}.host_binding_ipv4": "127.0.0.1"}})
    made = engine.ask("POST", "/containers/create", body={
        "Image": IMAGE, "Cmd": ["sleep", "1000000"], "ExposedPorts": {"80/tcp": {}, "81/tcp": {}},
        "HostConfig": {"NetworkMode": "net", "PortBindings": {
            "80/tcp": [{"HostPort": "0"}], "81/tcp": [{"HostIp": "0.0.0.0", "HostPort": "0"}]}}})  # fmt: skip
    engine.ask("POST", f"/containers/{made['Id']}/start")
    found = engine.ask("GET", f"/containers/{made['Id']}/json")["NetworkSettings"]["Ports"]
    assert [found[port][0]["HostIp"] for port in ("80/tcp", "81/tcp")] == ["127.0.0.1", "0.0.0.0"]
    engine.ask("DELETE", f"/containers/{made['Id']}", {"force": True})
    engine.ask("DELETE", "/networks/net")
