"""A container that leaves the network through which its ports are published: they lead to it through another one."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

import engineparts
from engineparts import IMAGE, Engine, until
from rung.kernel.netlink import inside

SERVES = ["sh", "-c", "exec busybox nc -ll -p 80 -e echo served"]


@pytest.fixture(scope="module")
def engine(busybox: Path) -> Iterator[Engine]:
    with engineparts.engine(engineparts.image_archive(busybox)) as made:
        yield made


def answer(engine: Engine, address: str, port: int) -> bytes:
    """What the host gets at one of its addresses."""
    assert engine.daemon is not None

    def ask() -> bytes:
        with socket.create_connection((address, port), 10) as connection:
            return connection.recv(100)

    try:
        found: bytes = inside(f"/proc/{engine.daemon.pid}/ns/net", ask)
    except OSError:
        return b""
    return found


def is_free(engine: Engine, port: int) -> bool:
    """Whether nobody holds a port of the host."""
    assert engine.daemon is not None

    def bind() -> bool:
        with socket.socket() as tried:
            tried.bind(("0.0.0.0", port))
        return True

    try:
        return bool(inside(f"/proc/{engine.daemon.pid}/ns/net", bind))
    except OSError:
        return False


def test_published_ports_move_to_the_next_network_and_are_free_afterwards(engine: Engine) -> None:
    with engine.client() as client:
        first, second = client.networks.create("first"), client.networks.create("second")
        made = client.containers.run(IMAGE, SERVES, detach=True, network="first", ports={"80/tcp": None})
        port = int((made.ports["80/tcp"] or [{}])[0]["HostPort"])
        second.reload()
        gateway = second.attrs["IPAM"]["Config"][0]["Gateway"]
        second.connect(made)
        until(lambda: answer(engine, gateway, port) == b"served\n", "it serves")
        first.disconnect(made)
        assert answer(engine, gateway, port) == b"served\n"
        second.disconnect(made)
        first.connect(made)
        first.reload()
        gateway = first.attrs["IPAM"]["Config"][0]["Gateway"]
        assert answer(engine, gateway, port) == b"served\n"
        assert not is_free(engine, port)
        made.remove(force=True)
        assert is_free(engine, port)
        first.remove()
        second.remove()
