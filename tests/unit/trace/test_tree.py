"""Spans of several processes as one tree."""

from __future__ import annotations

from rung.trace.spans import Node
from rung.trace.tree import render, walk, whole

TRACE = "1" * 32


def node(span_id: str, parent_id: str, began: int, ended: int, what: str = "", failed: str = "") -> Node:
    return Node("engine", TRACE, span_id, parent_id, what or span_id, "", "", began, ended, failed)


def test_children_come_behind_their_parents_in_time() -> None:
    told = [node("c", "a", 3, 4), node("b", "a", 1, 2), node("a", "", 0, 9), node("d", "b", 1, 2), node("z", "lost", 5, 6)]
    assert [(depth, one.span_id) for depth, one in walk(told)] == [(0, "a"), (1, "b"), (2, "d"), (1, "c"), (0, "z")]


def test_a_span_that_is_told_twice_is_one_with_the_last_end() -> None:
    assert whole([node("a", "", 1, 5), node("a", "", 2, 9)]) == [node("a", "", 1, 9)]


def test_a_circle_is_no_trap() -> None:
    assert list(walk([node("a", "b", 0, 1), node("b", "a", 0, 1)])) == []


def test_the_text_has_beginning_time_rung_and_failure() -> None:
    told = [node("a", "", 1_000_000, 3_000_000, "start " + "a" * 64), node("b", "a", 2_000_000, 0, "fork", "no room")]
    head, _, first, second = render(told).splitlines()
    assert head == f"trace {TRACE}"
    assert first.split() == ["0.00", "2,000", "engine", "start", "a" * 12]
    assert second.split() == ["1.00", "...", "engine", "fork:", "no", "room"]


def test_no_spans_are_a_text_too() -> None:
    assert len(render([]).splitlines()) == 2
