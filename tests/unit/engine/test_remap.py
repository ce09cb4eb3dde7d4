"""Whose IDs containers have."""

from __future__ import annotations

import pytest

from rung.engine import remap
from rung.engine.errors import BadParameter, EngineError
from rung.engine.remap import Ids
from rung.kernel.subids import of_lines

TWO = Ids(((0, 100000, 1000), (1000, 300000, 10)), ((0, 200000, 65536),))


def test_there_and_back() -> None:
    assert TWO.root == (100000, 200000)
    assert TWO.outside(1005, 7) == (300005, 200007)
    assert TWO.inside(300005, 200007) == (1005, 7)
    assert TWO.inside(0, 0) == (65534, 65534), "the host's root is nobody there"
    with pytest.raises(BadParameter, match="ID 1010 is not among"):
        TWO.outside(1010, 0)
    assert TWO.mappings()["uidMappings"][1] == {"containerID": 1000, "hostID": 300000, "size": 10}


def test_ranges_of_a_file() -> None:
    text = "a:1:2\n# b:1:1\nb:5:6\n7:8:9\nb:x:1\n\nb\n"
    assert of_lines(text, "b", 7) == [(5, 6), (8, 9)]


def test_a_user_with_ranges(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(remap, "ranges", lambda path, name, number: [(300000, 10), (100000, 65536)] if name == "root" else [])
    found = remap.remapped("root:0")
    assert found.uids == ((0, 100000, 65536), (65536, 300000, 10))
    with pytest.raises(EngineError, match="usermod --add-subuids"):
        remap.remapped("daemon")
    with pytest.raises(EngineError, match="there is no user no-such"):
        remap.remapped("no-such")
    with pytest.raises(EngineError, match="there is no group no-such"):
        remap.remapped("root:no-such")


@pytest.mark.parametrize(
    ("host", "said"),
    [
        ({"Privileged": True}, "privileged mode is incompatible with user namespaces"),
        ({"NetworkMode": "host"}, "cannot share the host's network namespace"),
        ({"PidMode": "host"}, "cannot share the host PID namespace"),
        ({"UsernsMode": "x"}, "invalid user namespace mode"),
    ],
)
def test_what_needs_the_hosts_namespace(host: dict[str, object], said: str) -> None:
    with pytest.raises(BadParameter, match=said):
        remap.check(host)
    if "UsernsMode" not in host:
        remap.check({**host, "UsernsMode": "host"})
