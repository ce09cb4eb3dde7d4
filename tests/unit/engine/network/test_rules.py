"""nftables' words, and ports that are asked for."""

from __future__ import annotations

import pytest

from rung.engine.errors import BadParameter
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


def test_what_is_asked_for() -> None:
    host = {
        "PortBindings": {
            "80/tcp": [{"HostIp": "0.0.0.0", "HostPort": "8080"}, {"HostIp": "127.0.0.1", "HostPort": "8000-8010"}],
            "53/udp": [],
        },
        "PublishAllPorts": True,
    }
    assert ports.asked({"ExposedPorts": {"80/tcp": {}, "99/tcp": {}}}, host) == [
        Binding(80, "tcp", "", 8080),
        Binding(80, "tcp", "127.0.0.1", 8000, 8010),
        Binding(53, "udp", "", 0),
        Binding(99, "tcp", "", 0),
    ]
    for bad in ("0/tcp", "80/xyz", "a"):
        with pytest.raises(BadParameter, match="invalid port"):
            ports.parse(bad)
