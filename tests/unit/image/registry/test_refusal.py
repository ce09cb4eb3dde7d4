"""When something is tried again, and how patient one is."""

from __future__ import annotations

import socket
import ssl
from email.utils import formatdate
from time import time

import pytest

from rung.image import RegistryError
from rung.image.registry import pace as pace_module
from rung.image.registry.limits import Limits
from rung.image.registry.pace import Pace
from rung.image.registry.refusal import Tries, parse_retry_after
from rung.image.registry.wire import ProtocolError

LIMITS = Limits(attempts=4, backoff_s=1.0)


def tries(waits: list[float], **more: object) -> Tries:
    return Tries(LIMITS, "example.com", waits.append, **more)  # type: ignore[arg-type]


def test_longer_from_one_to_the_next_and_not_forever() -> None:
    waits: list[float] = []
    it = tries(waits)
    for _ in range(3):
        it.again(ConnectionResetError(104, "Connection reset by peer"))
    with pytest.raises(RegistryError, match=r"registry example.com: Connection reset by peer \(try again later"):
        it.again(ConnectionResetError(104, "Connection reset by peer"))
    assert waits == [1, 2, 4]


def test_progress_counts_anew() -> None:
    waits: list[float] = []
    it = tries(waits)
    for _ in range(20):
        it.again(ProtocolError("hangs up"))
        it.progressed()
    assert waits == [1.0] * 20


@pytest.mark.parametrize(
    "error",
    [
        RegistryError("registry", "x", "no", status=400),
        RegistryError("registry", "x", "no", status=401),
        RegistryError("registry", "x", "lies"),
        ssl.SSLCertVerificationError("certificate verify failed"),
        ssl.SSLError(1, "[SSL: WRONG_VERSION_NUMBER] wrong version number"),
        socket.gaierror(socket.EAI_NONAME, "Name or service not known"),
    ],
)
def test_what_no_other_try_mends(error: Exception) -> None:
    waits: list[float] = []
    with pytest.raises(RegistryError):
        tries(waits).again(error)
    assert waits == []


def test_what_is_final_for_the_caller() -> None:
    with pytest.raises(RegistryError, match="Connection refused"):
        tries([], final=(ConnectionRefusedError,)).again(ConnectionRefusedError(111, "Connection refused"))


def test_a_registry_may_ask_for_rest_but_not_for_a_day() -> None:
    waits: list[float] = []
    error = RegistryError("registry", "x", "too many requests", status=429)
    error.retry_after_s = 30.0
    tries(waits).again(error)
    assert waits == [30.0]
    error.retry_after_s = 86400.0
    with pytest.raises(RegistryError, match="it wants 86400 seconds of rest"):
        tries(waits).again(error)


def test_retry_after() -> None:
    assert parse_retry_after("120") == 120.0
    assert 50 < parse_retry_after(formatdate(time() + 60, usegmt=True)) <= 60
    for value in ("", "soon", "-5", "1.5", "٣", formatdate(0, usegmt=True), "Wed, 99 Foo"):
        assert parse_retry_after(value) == 0


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = 1000.0
        monkeypatch.setattr(pace_module, "monotonic", lambda: self.now)


def test_silence(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    it = Pace(Limits(idle_s=30, window_s=1000))
    clock.now += 29.5
    assert it.slice_s() == pytest.approx(0.5)
    it.moved(1)
    clock.now += 29
    assert it.slice_s() == 1.0
    clock.now += 1
    with pytest.raises(TimeoutError, match="silent"):
        it.slice_s()


def test_a_trickle(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    it = Pace(Limits(idle_s=30, window_s=30, slowest_bytes_per_s=1000))
    for _ in range(40):
        it.slice_s()
        clock.now += 1
        it.moved(1000)
    with pytest.raises(TimeoutError, match="slower than 1000 bytes a second"):
        for _ in range(60):
            it.slice_s()
            clock.now += 1
            it.moved(900)


def test_lateness(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    it = Pace(Limits(idle_s=30, window_s=5, slowest_bytes_per_s=1000), total_s=60)
    with pytest.raises(TimeoutError, match="too long"):
        for _ in range(100):
            it.slice_s()
            clock.now += 1
            it.moved(1)
    assert clock.now == 1060


def test_our_own_time_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    it = Pace(Limits(idle_s=30, window_s=30, slowest_bytes_per_s=1000))
    for _ in range(10):
        clock.now += 500
        it.rest()
        assert it.slice_s() == 1.0
        clock.now += 1
        it.moved(1000)
