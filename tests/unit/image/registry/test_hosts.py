"""certs.d: containerd's hosts.toml and docker's files."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from rung.image import RegistryError
from rung.image.registry.hosts import Endpoint, endpoints, parse_hosts
from rung.image.registry.tls import Tls


def test_nothing_is_configured() -> None:
    assert endpoints("example.com:5000", environment={"RUNG_CERTS_D": ""}) == [Endpoint("example.com:5000")]
    assert endpoints("docker.io", environment={"RUNG_CERTS_D": ""})[0].host == "registry-1.docker.io"
    local = endpoints("localhost:5000", environment={"RUNG_CERTS_D": ""})[0]
    assert local.may_be_plain and not local.tls.verify
    insecure = endpoints("example.com", insecure=True, environment={"RUNG_CERTS_D": ""})[0]
    assert insecure.may_be_plain and not insecure.tls.verify


TOML = """
server = "https://upstream.example"
ca = "own.pem"
[host."https://mirror.example"]
  capabilities = ["pull"]
  ca = ["a.pem", "/b.pem"]
  client = [["c.pem", "c.key"], "both.pem"]
  [host."https://mirror.example".header]
    x-one = "1"
    x-two = ["2", "3"]
[host."http://plain.example:5000/prefix"]
[host."other.example/v2/path"]
  override_path = true
  skip_verify = true
"""


def test_mirrors_and_the_registry_itself() -> None:
    one, two, three, last = parse_hosts(tomllib.loads(TOML), "registry.example", "/d/hosts.toml")
    assert one == Endpoint(
        "mirror.example", "https", "/v2", frozenset({"pull"}),
        Tls(True, ("/d/a.pem", "/b.pem"), (("/d/c.pem", "/d/c.key"), ("/d/both.pem", ""))),
        (("x-one", "1"), ("x-two", "2, 3")), is_mirror=True,
    )  # fmt: skip
    assert (two.host, two.scheme, two.prefix, two.may_be_plain) == ("plain.example:5000", "http", "/prefix/v2", True)
    assert (three.prefix, three.tls, three.scheme) == ("/v2/path", Tls(verify=False), "https")
    assert (last.host, last.tls.authorities, last.is_mirror) == ("upstream.example", ("/d/own.pem",), False)


def test_no_server_means_the_registry_itself() -> None:
    assert [one.host for one in parse_hosts({}, "docker.io")] == ["registry-1.docker.io"]
    assert [one.scheme for one in parse_hosts({}, "127.0.0.1:5000")] == [""]
    assert parse_hosts({"skip_verify": True}, "example.com")[0].tls == Tls(verify=False)


@pytest.mark.parametrize(
    ("document", "reason"),
    [
        ({"server": 5}, "server must be a str"),
        ({"server": "ftp://x"}, "no registry's address"),
        ({"host": []}, "host must be a dict"),
        ({"host": {"https://x": 5}}, 'host."https://x" must be a table'),
        ({"host": {"https://x": {"capabilities": ["fly"]}}}, "there are pull, resolve and push"),
        ({"host": {"https://x": {"ca": 5}}}, "ca must be a string"),
        ({"host": {"https://x": {"client": [["a", "b", "c"]]}}}, "client must be"),
        ({"host": {"https://x": {"skip_verify": "yes"}}}, "skip_verify must be a bool"),
    ],
)
def test_what_is_broken_is_named(document: dict[str, Any], reason: str) -> None:
    with pytest.raises(RegistryError) as caught:
        parse_hosts(document, "example.com", "/d/hosts.toml")
    assert reason in str(caught.value) and "/d/hosts.toml" in str(caught.value)


def test_where_files_are_looked_for(tmp_path: Path) -> None:
    first, second = tmp_path / "first", tmp_path / "second"
    for path in (first / "other.example", second / "example.com_5000_", second / "_default"):
        path.mkdir(parents=True)
    environment = {"RUNG_CERTS_D": f"{first}:{second}"}
    (second / "example.com_5000_/hosts.toml").write_text('server = "https://a.example"')
    (second / "_default/hosts.toml").write_text('[host."https://everybodys.mirror"]')
    assert endpoints("example.com:5000", environment=environment)[0].host == "a.example"
    assert [one.host for one in endpoints("third.example", environment=environment)] == ["everybodys.mirror", "third.example"]
    (first / "other.example/ca.crt").touch()
    (first / "other.example/me.cert").touch()
    with pytest.raises(RegistryError, match=r"me.cert: has no me.key beside it"):
        endpoints("other.example", environment=environment)
    (first / "other.example/me.key").touch()
    folder = str(first / "other.example")
    assert endpoints("other.example", environment=environment)[0].tls == Tls(
        True, (f"{folder}/ca.crt",), ((f"{folder}/me.cert", f"{folder}/me.key"),)
    )
