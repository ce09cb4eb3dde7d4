"""Records behave as frozen dataclasses do."""

from __future__ import annotations

import pytest

from rung.record import Record


class Point(Record):
    x: int
    y: int = 2


class Named(Point):
    name: str = "origin"


def test_fields_come_in_order_base_first_with_defaults() -> None:
    assert Named.fields == ("x", "y", "name")
    assert Named(1, name="p").values() == (1, 2, "p")


def test_equality_and_hash_go_by_value_and_type() -> None:
    assert Point(1) == Point(x=1, y=2)
    assert hash(Point(1)) == hash(Point(1, 2))
    assert Point(1) != Named(1)


def test_a_record_cannot_be_changed_only_replaced() -> None:
    point = Point(1)
    with pytest.raises(AttributeError, match="frozen"):
        point.x = 5  # type: ignore[misc]
    assert point.replace(x=5) == Point(5)


@pytest.mark.parametrize("arguments", [{}, {"x": 1, "z": 3}, {"y": 1}])
def test_missing_and_unknown_fields_are_refused(arguments: dict[str, int]) -> None:
    with pytest.raises(TypeError, match=r"missing|unknown"):
        Point(**arguments)


def test_too_many_fields_are_refused() -> None:
    with pytest.raises(TypeError, match="takes 2 fields, got 3"):
        Point(1, 2, 3)  # type: ignore[call-arg]


def test_repr_can_be_read() -> None:
    assert repr(Point(1)) == "Point(x=1, y=2)"
