"""Docker's json-file log: bytes to records and back."""

from __future__ import annotations

import json

from rung.spec.jsonfile import LONGEST, Entry, Lines, parse, timestamp


def records(data: bytes) -> list[dict[str, str]]:
    return [json.loads(line) for line in data.splitlines()]


def test_a_line_is_a_record() -> None:
    found = Lines("stdout").feed(b"one\ntwo\n", 1_500_000_001)
    assert records(found) == [
        {"log": "one\n", "stream": "stdout", "time": "1970-01-01T00:00:01.500000001Z"},
        {"log": "two\n", "stream": "stdout", "time": "1970-01-01T00:00:01.500000001Z"},
    ]


def test_a_line_in_pieces_is_one_record() -> None:
    lines = Lines("stderr")
    assert lines.feed(b"ha", 0) == b""
    assert [one["log"] for one in records(lines.feed(b"lf\nrest", 0))] == ["half\n"]
    assert [one["log"] for one in records(lines.end(0))] == ["rest"]
    assert lines.end(0) == b""


def test_a_long_line_is_several_of_which_the_last_ends() -> None:
    lines = Lines("stdout")
    data = b"x" * (LONGEST * 2 + 5) + b"\nshort\n"
    found = [one["log"] for one in records(lines.feed(data, 0))]
    assert "".join(found) == data.decode()
    assert [len(one) for one in found] == [LONGEST, LONGEST, 6, 6]
    pieces = Lines("stdout")
    slowly = b"".join(pieces.feed(data[at : at + 1000], 0) for at in range(0, len(data), 1000))
    assert "".join(one["log"] for one in records(slowly)) == data.decode()
    assert max(len(one["log"]) for one in records(slowly)) <= LONGEST


def test_what_is_no_text_is_kept_as_far_as_json_can() -> None:
    assert records(Lines("stdout").feed(b'\xff"\\\t\x01\n', 0))[0]["log"] == '\ufffd"\\\t\x01\n'


def test_parsing() -> None:
    line = Lines("stderr").feed(b"said\n", 7)
    assert parse(line) == Entry("said\n", "stderr", timestamp(7))
    assert parse(line[:-5]) is None
    assert parse(b"[]") is None
