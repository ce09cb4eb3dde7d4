"""Docker's json-file log: bytes to records and back."""

from __future__ import annotations

import json
import random

from rung.spec.jsonfile import LONGEST, Entry, Lines, Run, parse, runs, timestamp


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


def test_runs_are_records_that_follow_each_other_and_have_a_time_in_common() -> None:
    out, err = Lines("stdout"), Lines("stderr")
    written = [out.feed(b"a\nb\n", 1), err.feed(b"c\n", 1), out.feed(b'"d"\\n\n', 2), b"torn\n", out.feed(b"\xc3\xa9\n", 2)]
    assert list(runs(b"".join(written))) == [
        Run(b"a\nb\n", "stdout", timestamp(1)),
        Run(b"c\n", "stderr", timestamp(1)),
        Run(b'"d"\\n\n', "stdout", timestamp(2)),
        Run("\u00e9\n".encode(), "stdout", timestamp(2)),
    ]


def test_runs_say_what_was_said_whatever_it_was() -> None:
    parts = [b"a", b'"', b"\\", b"n", b"\n", b"\n", b"\xff", b"\1", b"\xc3\xa9", b'{"log":"', b'","stream":"stdout","time":"']
    chance = random.Random(7)
    for _ in range(500):
        lines = {name: Lines(name) for name in ("stdout", "stderr")}
        log = b""
        for _ in range(chance.randrange(8)):
            name = chance.choice(("stdout", "stderr"))
            log += lines[name].feed(b"".join(chance.choices(parts, k=chance.randrange(30))), chance.randrange(3))
        entries = [entry for line in log.splitlines() if (entry := parse(line)) is not None]
        assert len(entries) == log.count(b"\n")
        for name in lines:
            said = "".join(entry.text for entry in entries if entry.stream == name)
            assert b"".join(run.text for run in runs(log) if run.stream == name).decode() == said
