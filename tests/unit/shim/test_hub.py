"""Streams under the engine: the log, clients that come and go, input, back-pressure."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from rung.shim.errors import BadRequest
from rung.shim.loop import Loop
from rung.shim.stdio.client import HIGH_WATER_BYTES
from rung.shim.stdio.hub import Hub, Place, parse
from shim.parts import run_until


class Bed:
    """A hub with pipes for a process."""

    def __init__(self, folder: Path, *, terminal: bool = False, stdin: str = "once", log: bool = True) -> None:
        self.loop, self.ended = Loop(), list[bool]()
        self.place = Place(str(folder / "a.sock"), str(folder / "log") if log else "", stdin=stdin)
        self.hub = Hub(self.loop, self.place, terminal=terminal)
        out, err, self.input = os.pipe(), os.pipe(), os.pipe()
        self.out, self.err = out[1], err[1]
        self._reading = out[0], err[0]
        self.clients: list[socket.socket] = []

    def close(self) -> None:
        self.hub.close()
        for attached in list(self.hub._clients):
            attached.close()  # one that has not read all yet would be waited for
        for client in self.clients:
            client.close()
        for fd in (self.out, self.err, self.input[0]):
            if fd >= 0:
                os.close(fd)

    def begin(self) -> None:
        outputs = {self._reading[0]: "stdout", self._reading[1]: "stderr"}
        self.hub.begin(outputs, self.input[1], lambda: self.ended.append(True))

    def client(self, **wants: object) -> socket.socket:
        made = socket.socket(socket.AF_UNIX)
        self.clients.append(made)
        made.connect(self.place.socket)
        made.send(json.dumps(wants).encode())
        made.setblocking(False)
        before = len(self.hub._clients)
        run_until(self.loop, lambda: len(self.hub._clients) > before)
        assert made.recv(3) == b"ok\n"
        return made

    def until(self, client: socket.socket, wanted: bytes) -> None:
        found = bytearray()

        def look() -> bool:
            try:
                found.extend(client.recv(1 << 16))
            except BlockingIOError:
                pass
            return bytes(found) == wanted

        run_until(self.loop, look)

    def end(self) -> None:
        for fd in (self.out, self.err):
            os.close(fd)
        self.out = self.err = -1
        run_until(self.loop, lambda: bool(self.ended))

    def log(self) -> list[tuple[str, str]]:
        found = map(json.loads, Path(self.place.log).read_text().splitlines())
        return [(one["stream"], one["log"]) for one in found]


@pytest.fixture
def bed(tmp_path: Path) -> Iterator[Bed]:
    made = Bed(tmp_path)
    made.begin()
    yield made
    made.close()
    assert not os.path.exists(made.place.socket)


def frame(stream: int, data: bytes) -> bytes:
    return bytes((stream, 0, 0, 0)) + len(data).to_bytes(4, "big") + data


def test_outputs_go_to_the_log_and_to_clients(bed: Bed) -> None:
    both, errors = bed.client(), bed.client(stdout=False)
    os.write(bed.out, b"one\n")
    bed.until(both, frame(1, b"one\n"))
    os.write(bed.err, b"two\n")
    bed.until(both, frame(2, b"two\n"))
    bed.until(errors, frame(2, b"two\n"))
    assert bed.log() == [("stdout", "one\n"), ("stderr", "two\n")]


def test_a_client_is_let_go_when_the_end_was_told(bed: Bed) -> None:
    client = bed.client()
    os.write(bed.out, b"last")
    bed.end()
    bed.until(client, frame(1, b"last"))
    with pytest.raises(BlockingIOError):
        client.recv(1)
    bed.hub.process_over()
    run_until(bed.loop, lambda: not bed.hub._clients)
    assert client.recv(1) == b""
    assert bed.log() == [("stdout", "last")]


def test_what_a_client_types_is_the_input_and_its_end_the_inputs(bed: Bed) -> None:
    client = bed.client(stdin=True)
    client.send(b"typed\n")
    client.shutdown(socket.SHUT_WR)
    run_until(bed.loop, lambda: bed.hub._input < 0)
    assert os.read(bed.input[0], 100) == b"typed\n"
    os.set_blocking(bed.input[0], True)
    assert os.read(bed.input[0], 1) == b""
    os.write(bed.out, b"still heard")
    bed.until(client, frame(1, b"still heard"))


def test_more_input_than_a_slow_process_takes_at_once_still_comes(bed: Bed) -> None:
    client = bed.client(stdin=True)
    os.set_blocking(bed.input[0], False)
    given, taken = 400_000, 0
    left = memoryview(b"x" * given)

    def go_on() -> bool:
        nonlocal left, taken
        try:
            left = left[client.send(left) :] if left else left
        except BlockingIOError:
            pass
        try:
            taken += len(os.read(bed.input[0], 20_000))
        except BlockingIOError:
            pass
        return taken == given

    run_until(bed.loop, go_on)


def test_what_a_process_does_not_read_any_more_is_swallowed(bed: Bed) -> None:
    client = bed.client(stdin=True)
    os.close(bed.input[0])
    bed.input = (-1, -1)
    left = memoryview(b"x" * 400_000)

    def go_on() -> bool:
        nonlocal left
        try:
            left = left[client.send(left) :]
        except BlockingIOError:
            pass
        return not left

    run_until(bed.loop, go_on)


def test_a_client_without_input_types_nothing(bed: Bed) -> None:
    client = bed.client(stdin=False)
    client.send(b"not for you")
    os.write(bed.out, b"x")
    bed.until(client, frame(1, b"x"))
    os.set_blocking(bed.input[0], False)
    with pytest.raises(BlockingIOError):
        os.read(bed.input[0], 1)


def test_early_input_and_detach_keys(bed: Bed) -> None:
    client = bed.client(stdin=True, detach="1011", early=b"before ".hex())
    client.send(b"a\x10")
    client.send(b"b\x10\x11never")
    run_until(bed.loop, lambda: not bed.hub._clients)
    assert os.read(bed.input[0], 100) == b"before a\x10b"
    assert client.recv(1) == b""
    assert bed.hub._input >= 0, "the input stays open for the next client"


def test_a_descriptor_that_is_handed_over_becomes_a_client(bed: Bed) -> None:
    ours, theirs = socket.socketpair()
    bed.clients.append(ours)
    with socket.socket(socket.AF_UNIX) as giver:
        giver.connect(bed.place.socket)
        socket.send_fds(giver, [b"{}"], [theirs.fileno()])
        theirs.close()
        run_until(bed.loop, lambda: len(bed.hub._clients) == 1)
        assert giver.recv(3) == b"ok\n"
    ours.setblocking(False)
    os.write(bed.out, b"straight")
    bed.until(ours, frame(1, b"straight"))


def test_a_client_that_does_not_read_holds_the_output_up(bed: Bed) -> None:
    client = bed.client()
    os.set_blocking(bed.out, False)
    written = 0

    def write() -> bool:
        nonlocal written
        try:
            written += os.write(bed.out, b"x" * 65536)
        except BlockingIOError:
            return bed.hub._held_up
        return False

    run_until(bed.loop, write)
    assert written < HIGH_WATER_BYTES * 4
    taken = bytearray()

    def read() -> bool:
        try:
            taken.extend(client.recv(1 << 20))
        except BlockingIOError:
            pass
        return not bed.hub._held_up

    run_until(bed.loop, read)


def test_nonsense_for_a_first_message_is_hung_up_on(bed: Bed) -> None:
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(bed.place.socket)
        client.send(b"GET / HTTP/1.1\r\n\r\n")
        client.setblocking(False)

        def gone() -> bool:
            try:
                return client.recv(10) == b""
            except BlockingIOError:
                return False

        run_until(bed.loop, gone)


def test_a_terminal_is_not_framed(tmp_path: Path) -> None:
    bed = Bed(tmp_path, terminal=True)
    bed.begin()
    client = bed.client()
    os.write(bed.out, b"plain")
    bed.until(client, b"plain")
    bed.close()


def test_addresses() -> None:
    place = parse("rung:/run/x.attach?log=/l&max-size=10&max-file=3&stdin=open")
    assert place == Place("/run/x.attach", "/l", 10, 3, "open")
    assert parse("rung:/run/x") == Place("/run/x")
    with pytest.raises(BadRequest, match="max-size"):
        parse("rung:/run/x?max-size=ten")
