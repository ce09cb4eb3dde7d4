"""Attaching to a container that has ended before the engine has looked twice: nothing of its output is missing."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

import engineparts

TIMES = 8


@pytest.fixture(scope="module")
def engine(busybox: Path) -> Iterator[engineparts.Engine]:
    with engineparts.engine(engineparts.image_archive(busybox)) as made:
        yield made


def attached(engine: engineparts.Engine, container_id: str) -> socket.socket:
    """As docker-py attaches, with the log; the answer's head has been read."""
    connection = socket.socket(socket.AF_UNIX)
    connection.settimeout(engineparts.DEADLINE_S)
    connection.connect(engine.socket)
    target = f"/containers/{container_id}/attach?logs=1&stream=1&stdout=1"
    connection.sendall(f"POST {target} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n".encode())
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += connection.recv(1)
    assert head.startswith(b"HTTP/1.1 101"), head
    return connection


def test_all_that_a_short_container_says(engine: engineparts.Engine) -> None:
    for _ in range(TIMES):
        made = engine.create("echo", "word")
        with attached(engine, made.id) as connection:
            made.start()
            said = b"".join(iter(lambda: connection.recv(100), b""))  # it is read at once
        assert said == b"\x01\0\0\0\0\0\0\x05word\n"
        made.remove(force=True)
