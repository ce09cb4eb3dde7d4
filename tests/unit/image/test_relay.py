"""Bytes from a thread that fetches to one that unpacks."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from rung.image.layer.relay import NotPassed, Relay


def test_all_bytes_in_order_within_the_bound() -> None:
    relay = Relay(limit_bytes=1000)
    chunks = [bytes([at]) * 300 for at in range(40)]

    def fetch() -> None:
        for chunk in chunks:
            relay.write(memoryview(bytearray(chunk)))
            assert relay._held <= 1300
        relay.finish()

    with ThreadPoolExecutor(1) as pool:
        fetching = pool.submit(fetch)
        parts = []
        while part := relay.read(7):
            parts.append(part)
        fetching.result(timeout=60)
    assert b"".join(parts) == b"".join(chunks) and max(map(len, parts)) == 7


def test_a_buffer_may_be_used_again() -> None:
    relay, buffer = Relay(), bytearray(b"one")
    relay.write(memoryview(buffer))
    buffer[:] = b"two"
    assert relay.read(10) == b"one"


def test_beginning_again_before_anything_came_is_no_matter() -> None:
    relay = Relay()
    relay.restart()
    relay.write(b"x")
    relay.finish()
    assert (relay.read(9), relay.read(9)) == (b"x", b"")


def test_beginning_again_later_is() -> None:
    relay = Relay()
    relay.write(b"x")
    relay.restart()
    relay.write(b"y")
    with pytest.raises(NotPassed):
        relay.read(9)


def test_nothing_came() -> None:
    relay = Relay()
    relay.finish()
    with pytest.raises(NotPassed):
        relay.read(9)


def test_a_fetch_goes_on_when_nobody_reads_any_more() -> None:
    relay = Relay(limit_bytes=10)
    writer = threading.Thread(target=lambda: [relay.write(b"x" * 20) for _ in range(5)])
    writer.start()
    assert relay.read(20) == b"x" * 20
    relay.abandon()
    writer.join(30)
    assert not writer.is_alive()
