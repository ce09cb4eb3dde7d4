"""Networks with IPv6, driven by docker: addresses, names, ports and what goes out, as dockerd shows and does it."""

from __future__ import annotations

import os
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from rung.kernel.netlink import inside

from . import daemons, outcome
from .bed import new_id, until
from .test_rungd import IMAGE, Engine

SERVE = "mkdir -p /w; echo served > /w/index.html; exec busybox httpd -f -p [::]:8080 -h /w"
SUBNET, SUBNET4, DEFAULT = "fd00:77::/64", "10.77.1.0/24", "fd00:d0c::/64"
LACKING = daemons.needed("docker", "nft") or ("" if os.path.isdir("/proc/sys/net/ipv6") else "no IPv6 in this kernel")

pytestmark = pytest.mark.skipif(bool(LACKING), reason=str(LACKING))


@pytest.fixture(scope="module")
def engine(rootfs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    home = tmp_path_factory.mktemp("engine")
    archive = daemons.import_rootfs(rootfs, home / "rootfs.tar")
    with daemons.folder_of_its_own() as folder:
        made = Engine(folder, home, "--ipv6", "--fixed-cidr-v6", DEFAULT, "--bip", "10.70.0.1/24", "--mtu", "1400")
        try:
            made.call("import", str(archive), IMAGE).ok()
            yield made
        finally:
            made.close()


@pytest.fixture(scope="module")
def network(engine: Engine) -> Iterator[str]:
    name = new_id()
    engine.call("network", "create", "--ipv6", "--subnet", SUBNET, "--subnet", SUBNET4, name).ok()
    yield name
    for one in engine.names:
        engine.call("rm", "--force", one)
    engine.call("network", "rm", name).ok()


@pytest.fixture(scope="module")
def web(engine: Engine, network: str) -> str:
    """A container that serves on a network of its own, its port published everywhere."""
    return engine.started("--network", network, "--network-alias", "web", "-p", "8080", command=("sh", "-c", SERVE))


def test_the_default_network_is_as_it_was_told(engine: Engine) -> None:
    shown = engine.call("network", "inspect", "bridge").ok().json()[0]
    assert shown["EnableIPv6"]
    config = {one["Subnet"]: one.get("Gateway") for one in shown["IPAM"]["Config"]}
    assert config == {"10.70.0.0/24": "10.70.0.1", DEFAULT: None}, "a gateway that was not asked for is not shown, as with dockerd"
    name = engine.started()
    settings = engine.inspect(name)["NetworkSettings"]
    assert (settings["GlobalIPv6Address"], settings["GlobalIPv6PrefixLen"]) == ("fd00:d0c::242:a46:2", 64), "of its hardware address"
    assert settings["IPv6Gateway"] == "fd00:d0c::1"
    seen = engine.call("exec", name, "ip", "address", "show", "eth0").ok().out
    assert "fd00:d0c::242:a46:2/64" in seen and "mtu 1400" in seen
    assert "default via fd00:d0c::1 dev eth0" in engine.call("exec", name, "ip", "-6", "route").ok().out


def test_a_network_of_ones_own(engine: Engine, network: str, web: str) -> None:
    shown = engine.call("network", "inspect", network).ok().json()[0]
    assert shown["EnableIPv6"] and [one["IPv6Address"] for one in shown["Containers"].values()] == ["fd00:77::2/64"]
    end = engine.inspect(web)["NetworkSettings"]["Networks"][network]
    assert (end["GlobalIPv6Address"], end["GlobalIPv6PrefixLen"], end["IPv6Gateway"]) == ("fd00:77::2", 64, "fd00:77::1")
    hosts = engine.call("exec", web, "cat", "/etc/hosts").ok().out
    assert "fd00:77::2\t" in hosts


def test_names_have_addresses_of_both_families(engine: Engine, network: str, web: str) -> None:
    found = engine.run("--network", network, IMAGE, "busybox", "nslookup", "web").ok().out
    assert "fd00:77::2" in found and "10.77.1.2" in found
    got = engine.run("--network", network, IMAGE, "busybox", "wget", "-qO-", "http://[fd00:77::2]:8080/").ok()
    assert got.out == "served\n"
    assert web in engine.run("--network", network, IMAGE, "busybox", "nslookup", "fd00:77::2").ok().out


def test_an_address_that_was_asked_for(engine: Engine, network: str) -> None:
    seen = engine.run("--network", network, "--ip6", "fd00:77::99", IMAGE, "ip", "address", "show", "eth0").ok()
    assert "fd00:77::99/64" in seen.out
    assert "does not belong to any of this network's subnets" in engine.run("--network", network, "--ip6", "fd00:78::9", IMAGE, "true").err
    assert "user defined networks only" in engine.run("--ip6", "fd00:d0c::9", IMAGE, "true").err


def test_ports_of_both_families(engine: Engine, web: str) -> None:
    bound = engine.inspect(web)["NetworkSettings"]["Ports"]["8080/tcp"]
    assert [one["HostIp"] for one in bound] == ["0.0.0.0", "::"]
    assert bound[0]["HostPort"] == bound[1]["HostPort"]
    for host in ("127.0.0.1", "[::1]", "[fd00:77::1]", "[fd00:d0c::1]", "10.77.1.1"):
        address = f"http://{host}:{bound[0]['HostPort']}/"
        until(lambda address=address: engine.inside("busybox", "wget", "-qO-", "-T", "5", address).out == "served\n", f"{address} answers")  # type: ignore[misc]
    name = engine.started("-p", "[::1]:18083:8080", command=("sh", "-c", SERVE))
    until(lambda: engine.inside("busybox", "wget", "-qO-", "-T", "5", "http://[::1]:18083/").out == "served\n", "one address answers")
    assert engine.inside("busybox", "wget", "-qO-", "-T", "2", "http://127.0.0.1:18083/").code != 0
    engine.call("rm", "-f", name).ok()


def test_networks_are_apart_and_one_without_has_none(engine: Engine, web: str) -> None:
    assert engine.run(IMAGE, "busybox", "wget", "-qO-", "-T", "2", "http://[fd00:77::2]:8080/").code != 0
    plain = new_id()
    engine.call("network", "create", plain).ok()
    try:
        assert "inet6" not in engine.run("--network", plain, IMAGE, "ip", "address", "show", "eth0").ok().out
    finally:
        engine.call("network", "rm", plain).ok()


def test_what_goes_out_has_the_hosts_address(engine: Engine, network: str) -> None:
    """Another host, at the end of a cable, sees the address of this one."""
    far = subprocess.Popen(["unshare", "--net", "sh", "-c", "ip link set lo up; exec sleep 3600"])
    try:
        until(lambda: outcome.call(there(far, "ip", "-br", "link"), engine.home / "output").out.startswith("lo "), "it is there")
        engine.inside("ip", "link", "add", "cable", "type", "veth", "peer", "name", "far", "netns", str(far.pid)).ok()
        for at, name, address in ((engine.network, "cable", "fd00:99::1/64"), (far, "far", "fd00:99::2/64")):
            outcome.call(there(at, "ip", "-6", "address", "add", address, "dev", name, "nodad"), engine.home / "output").ok()
            outcome.call(there(at, "ip", "link", "set", name, "up"), engine.home / "output").ok()
        with inside(f"/proc/{far.pid}/ns/net", lambda: socket.create_server(("fd00:99::2", 9), family=socket.AF_INET6)) as listening:
            listening.settimeout(60)
            engine.started("--network", network, command=("sh", "-c", "echo sent | busybox nc fd00:99::2 9"))
            connection, peer = listening.accept()
            with connection:
                assert peer[0] == "fd00:99::1"
    finally:
        far.kill()
        far.wait()


def there(host: subprocess.Popen[bytes], *words: str) -> list[str]:
    return ["nsenter", f"--net=/proc/{host.pid}/ns/net", *words]


def test_a_subnet_of_the_engines_own_where_none_was_named(engine: Engine) -> None:
    name = new_id()
    engine.call("network", "create", "--ipv6", name).ok()
    try:
        subnets = [one["Subnet"] for one in engine.call("network", "inspect", name).ok().json()[0]["IPAM"]["Config"]]
        assert any(one.startswith("fd") and one.endswith("/64") for one in subnets)
        refused = engine.call("network", "create", "--ipv6", "--subnet", SUBNET, new_id())
        assert refused.code and "Pool overlaps with other one on this address space" in refused.err
    finally:
        engine.call("network", "rm", name).ok()


def test_the_engine_comes_again(engine: Engine, network: str, web: str) -> None:
    port = engine.inspect(web)["NetworkSettings"]["Ports"]["8080/tcp"][1]
    engine.kill()
    engine.start()
    assert engine.inspect(web)["NetworkSettings"]["Ports"]["8080/tcp"][1] == port
    until(lambda: engine.inside("busybox", "wget", "-qO-", "-T", "5", f"http://[::1]:{port['HostPort']}/").out == "served\n", "the port leads there")
    seen = engine.run("--network", network, IMAGE, "ip", "address", "show", "eth0").ok().out
    assert "fd00:77::2/64" not in seen, "its address is still its own"
