"""nftables' words, and ports that are asked for."""

from __future__ import annotations

import socket

import pytest

from rung.engine.errors import BadParameter, Conflict
from rung.engine.network import ports, rules
from rung.engine.network.ports import Binding
from rung.engine.network.rules import Port


def test_a_networks_elements() -> None:
    found = rules.network("rung", "add", "br-1", "10.0.0.0/24", internal=False, masquerades=True)
    assert found.splitlines() == [
        "add element ip rung bridges { br-1 }",
        "add element ip rung same { br-1 . br-1 }",
        "add element ip rung subnets { 10.0.0.0/24 }",
    ]
    inside = rules.network("rung", "delete", "br-1", "10.0.0.0/24", internal=True, masquerades=True)
    assert "delete element ip rung internal { br-1 }" in inside
    assert "subnets" not in inside


def test_published_ports() -> None:
    published = [Port("", "tcp", 8080, "10.0.0.2", 80), Port("127.0.0.1", "udp", 53, "10.0.0.2", 53)]
    assert rules.ports("rung", "add", published).splitlines() == [
        "add element ip rung any_port { tcp . 8080 : 10.0.0.2 . 80 }",
        "add element ip rung one_port { 127.0.0.1 . udp . 53 : 10.0.0.2 . 53 }",
    ]
    assert "delete element ip rung any_port { tcp . 8080 }" in rules.ports("rung", "delete", published)


def test_both_families_have_a_table_each() -> None:
    assert "table ip rung {" in rules.table("rung") and "ip6" not in rules.table("rung")
    assert "table ip6 rung {" in rules.table("rung", "ip6")
    six = rules.network("rung", "add", "br-1", "fd00::/64", internal=False, masquerades=True)
    assert "add element ip6 rung subnets { fd00::/64 }" in six and "element ip rung" not in six
    published = [Port("::", "tcp", 8080, "fd00::2", 80), Port("::1", "tcp", 81, "fd00::2", 80)]
    assert rules.ports("rung", "add", published).splitlines() == [
        "add element ip6 rung any_port { tcp . 8080 : fd00::2 . 80 }",
        "add element ip6 rung one_port { ::1 . tcp . 81 : fd00::2 . 80 }",
    ]


@pytest.mark.skipif(not socket.has_ipv6, reason="no IPv6 here")
def test_a_port_of_both_families_has_one_number() -> None:
    both = ports.hold(Binding(80, "tcp", "", 0), has_ipv6=True)
    try:
        assert [one.binding.host_ip for one in both] == ["", "::"]
        assert both[0].host_port == both[1].host_port
        with pytest.raises(Conflict, match="port is already allocated"):
            ports.hold(Binding(80, "tcp", "", both[0].host_port), has_ipv6=True)
    finally:
        for one in both:
            one.close()


@pytest.mark.parametrize(
    ("address", "has_ipv6", "families"),
    [("", False, [""]), ("0.0.0.0", True, [""]), ("::", False, [""]), ("::", True, ["::"]), ("127.0.0.1", True, ["127.0.0.1"])],
)
def test_an_address_says_which_family(address: str, has_ipv6: bool, families: list[str]) -> None:
    found = ports.hold(Binding(80, "tcp", address, 0), has_ipv6=has_ipv6)
    try:
        assert [one.binding.host_ip for one in found] == families
    finally:
        for one in found:
            one.close()


def test_what_is_asked_for() -> None:
    host = {
        "PortBindings": {
            "80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}, {"HostIp": "127.0.0.1", "HostPort": "8000-8010"}],
            "53/udp": [],
        },
        "PublishAllPorts": True,
    }
    assert ports.asked({"ExposedPorts": {"80/tcp": {}, "99/tcp": {}}}, host) == [
        Binding(80, "tcp", "0.0.0.0", 8080),
        Binding(80, "tcp", "127.0.0.1", 8000, 8010),
        Binding(53, "udp", "", 0),
        Binding(99, "tcp", "", 0),
    ]
    for bad in ("0/tcp", "80/xyz", "a"):
        with pytest.raises(BadParameter, match="invalid port"):
            ports.parse(bad)
