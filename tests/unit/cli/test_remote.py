"""An engine beyond TCP: where it is, and with which certificates it is spoken to."""

from __future__ import annotations

import os
import ssl

import pytest

from rung.cli.link.address import socket_path
from rung.cli.link.remote import context, host_and_port
from rung.cli.main import settings_of
from rung.errors import RungError

NAMES = ("DOCKER_TLS", "DOCKER_TLS_VERIFY", "DOCKER_CERT_PATH", "DOCKER_CONFIG")


@pytest.fixture(autouse=True)
def surroundings(monkeypatch: pytest.MonkeyPatch) -> dict[bytes, bytes]:
    """What ``rung.posix.getenv`` sees."""
    import posix

    for name in NAMES:
        monkeypatch.delitem(posix.environ, os.fsencode(name), raising=False)
    return posix.environ  # type: ignore[return-value]


@pytest.mark.parametrize(
    ("address", "wanted"),
    [
        ("tcp://engine:2376", ("engine", 2376)),
        ("tcp://engine", ("engine", 1)),
        ("tcp://10.0.0.1:5/", ("10.0.0.1", 5)),
        ("tcp://[::1]:2376", ("::1", 2376)),
        ("tcp://[::1]", ("::1", 1)),
    ],
)
def test_where_it_is(address: str, wanted: tuple[str, int]) -> None:
    assert socket_path({"host": address}) == address
    assert host_and_port(address, 1) == wanted


@pytest.mark.parametrize("address", ["tcp://", "tcp://:2376", "tcp://engine:x", "tcp://engine:"])
def test_what_is_no_address(address: str) -> None:
    with pytest.raises(RungError, match="is no address of an engine"):
        host_and_port(address, 1)


def test_what_nobody_speaks() -> None:
    with pytest.raises(RungError, match="is neither a unix socket nor TCP"):
        socket_path({"host": "ssh://engine"})


def test_flags_before_the_command() -> None:
    words = ["--tlsverify", "--tlscacert", "ca.pem", "--tls=false", "-H=tcp://a", "--debug=false", "ps", "--tls"]
    found, rest = settings_of(words)
    assert found == {"tlsverify": "true", "tlscacert": "ca.pem", "tls": "", "host": "tcp://a", "debug": ""}
    assert rest == ["ps", "--tls"]


def test_without_tls() -> None:
    assert context({}) is None
    assert context({"tls": "", "tlsverify": ""}) is None


def test_a_flag_outdoes_the_environment(surroundings: dict[bytes, bytes]) -> None:
    surroundings[b"DOCKER_TLS_VERIFY"] = b"1"
    try:
        assert context({"tlsverify": ""}) is None
        with pytest.raises(RungError, match=r"/ca.pem.*no such file"):
            context({"tlscacert": "/nowhere/ca.pem"})
    finally:
        del surroundings[b"DOCKER_TLS_VERIFY"]


def test_tls_with_whoever_it_is(surroundings: dict[bytes, bytes]) -> None:
    surroundings[b"DOCKER_CERT_PATH"] = b"/nowhere"
    try:
        made = context({"tls": "true"})
        assert made is not None and made.verify_mode == ssl.CERT_NONE
        with pytest.raises(RungError, match="/nowhere/key.pem: no such file"):
            context({"tls": "true", "tlscert": "/nowhere/cert.pem"})
    finally:
        del surroundings[b"DOCKER_CERT_PATH"]
