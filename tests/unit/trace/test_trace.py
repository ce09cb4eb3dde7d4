"""Spans nest, and are taken once."""

from __future__ import annotations

import pytest

from rung.trace import Trace


def test_spans_carry_depth_object_clause_and_times() -> None:
    trace = Trace()
    with trace.span("outer", "box", "runtime.md#create"), trace.span("inner"):
        pass
    inner, outer = trace.take()
    assert inner[:4] == (1, "inner", "", "")
    assert outer[:4] == (0, "outer", "box", "runtime.md#create")
    assert outer[4] <= inner[4] <= inner[5] <= outer[5]
    assert trace.take() == []


def test_a_failing_span_is_recorded_too() -> None:
    trace = Trace()
    with pytest.raises(ValueError, match="x"), trace.span("broken"):
        raise ValueError("x")
    assert [span[1] for span in trace.take()] == ["broken"]
