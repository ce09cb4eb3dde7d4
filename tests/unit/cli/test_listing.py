"""How ``rung ps`` shows containers, as data."""

from __future__ import annotations

from time import time
from typing import Any

import pytest

from rung.cli.commands.listing import ports, row


def port(inside: int, outside: int = 0, address: str = "0.0.0.0", protocol: str = "tcp") -> dict[str, Any]:
    found: dict[str, Any] = {"PrivatePort": inside, "Type": protocol}
    return {**found, "PublicPort": outside, "IP": address} if outside else found


@pytest.mark.parametrize(
    ("given", "shown"),
    [
        ([], ""),
        ([port(80)], "80/tcp"),
        ([port(80, 8080)], "0.0.0.0:8080->80/tcp"),
        ([port(81, 8081), port(80, 8080)], "0.0.0.0:8080-8081->80-81/tcp"),
        ([port(80, 8080), port(80, 8080, "::")], "0.0.0.0:8080->80/tcp, [::]:8080->80/tcp"),
        ([port(80), port(81), port(90, protocol="udp")], "80-81/tcp, 90/udp"),
    ],
)
def test_ports(given: list[dict[str, Any]], shown: str) -> None:
    assert ports(given) == shown


def test_a_row() -> None:
    one = {
        "Id": "a" * 64, "Names": ["/web", "/other/alias"], "Image": "bb:1", "Command": "sh -c 'a long long command'",
        "Created": int(time()) - 7200, "Status": "Up", "State": "running", "Labels": {"x": "1"},
        "Mounts": [{"Name": "b" * 64, "Driver": "local"}], "NetworkSettings": {"Networks": {"bridge": {}}},
    }  # fmt: skip
    found = row(one)
    assert (found["ID"], found["Names"], found["Networks"]) == ("a" * 12, "web", "bridge")
    assert found["Command"] == '"sh -c \'a long long …"'
    assert found["RunningFor"] == "2 hours ago"
    assert (found["LocalVolumes"], found["Mounts"]) == ("1", "b" * 14 + "…")
    assert found["Label"]("x") == "1"
    assert row(one, whole=True)["ID"] == "a" * 64
