"""Frames in pieces, answers, and what is no ttrpc."""

from __future__ import annotations

import pytest

from rung.spec.shim import ttrpc


def test_a_frame_is_ten_bytes_and_its_message() -> None:
    assert ttrpc.frame(3, ttrpc.REQUEST, b"abc") == bytes.fromhex("00000003 00000003 01 00") + b"abc"


def test_frames_come_whole_however_the_bytes_come() -> None:
    data = ttrpc.frame(1, ttrpc.REQUEST, b"one") + ttrpc.frame(3, ttrpc.REQUEST, b"") + ttrpc.frame(5, 1, b"two")
    wanted = [(1, 1, b"one"), (3, 1, b""), (5, 1, b"two")]
    for step in (1, 4, 11, len(data)):
        frames = ttrpc.Frames()
        pieces = [data[at : at + step] for at in range(0, len(data), step)]
        assert [one for piece in pieces for one in frames.feed(piece)] == wanted


def test_a_message_that_announces_too_much_is_refused() -> None:
    with pytest.raises(ttrpc.BadFrame, match="4194304 are the most"):
        list(ttrpc.Frames().feed(bytes.fromhex("00400001 00000001 01 00")))


def test_an_answer_brings_its_payload_or_its_error() -> None:
    [(stream, kind, message)] = ttrpc.Frames().feed(ttrpc.answer(7, b"payload"))
    assert (stream, kind, ttrpc.payload_of(message)) == (7, ttrpc.RESPONSE, b"payload")
    [(_, _, failed)] = ttrpc.Frames().feed(ttrpc.answer(7, code=ttrpc.NOT_FOUND, message="no such task"))
    with pytest.raises(ttrpc.RemoteError, match="no such task") as found:
        ttrpc.payload_of(failed)
    assert found.value.code == ttrpc.NOT_FOUND
