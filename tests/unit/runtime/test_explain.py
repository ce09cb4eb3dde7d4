"""Spans and ledger told as one tree."""

from __future__ import annotations

import struct

from plan_configs import config, plan
from rung import jsonc
from rung.runtime.explain import render, story
from rung.runtime.plan import wire

EPOCH = 1_000_000


def ledger_file(steps_reached: int) -> tuple[bytes, int]:
    """A plan's file as init leaves it: each step 1 µs after the one before, one call in each."""
    made = plan(config())
    file = bytearray(wire.encode(made.steps, {}).whole())
    at = wire._HEADER.unpack_from(file, 0)[5]
    wire._LEDGER.pack_into(file, at, wire.READY, 42, steps_reached, steps_reached, 0, 0, -1, 0, EPOCH, b"", b"")
    times = at + wire._LEDGER.size
    calls = times + 8 * len(made.steps)
    for i in range(steps_reached):
        struct.pack_into("<Q", file, times + 8 * i, 1000 * (i + 1))
        wire._CALL.pack_into(file, calls + i * wire._CALL.size, i, 257, -2 if i else 3, 1000 * (i + 1) + 10, 500, 0)
    return bytes(file), len(made.steps)


def trace(*spans: tuple[object, ...]) -> bytes:
    return jsonc.dumps([list(span) for span in spans]).encode() + b"\n"


def test_steps_hang_below_the_span_they_ran_in() -> None:
    file, _ = ledger_file(3)
    spans = trace((1, "wait until ready", "box", "", EPOCH, EPOCH + 90_000), (0, "create", "box", "c", 0, EPOCH + 95_000))
    lines = story(file, spans)
    assert [line.depth for line in lines] == [0, 1, 2, 2, 2]
    assert lines[0].text == "create box"
    assert lines[2].took_ns == 1000
    assert lines[-1].took_ns == 87_000  # the last one lasts until what waited for it ends


def test_calls_hang_below_their_step_with_their_outcome() -> None:
    file, _ = ledger_file(2)
    texts = [line.text for line in story(file, trace((0, "create", "", "", 0, 9_999_999)), calls=True)]
    assert texts[2] == "openat = 3"
    assert texts[4] == "openat = ENOENT"


def test_a_trace_without_a_plan_is_still_a_story() -> None:
    assert [line.text for line in story(b"", trace((0, "delete", "box", "", 5, 9)))] == ["delete box"]


def test_the_text_shows_microseconds_and_clauses_and_shortens_ids() -> None:
    text = render(story(b"", trace((0, "create", "a" * 64, "runtime.md#create", 0, 1_500_000))))
    assert text.splitlines()[1].split() == ["1,500", "create", "a" * 12, "runtime.md#create"]
