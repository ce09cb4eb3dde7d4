"""Undo runs in reverse when a block fails, and not at all when it is kept."""

from __future__ import annotations

import os

import pytest

from rung.undo import Closing, Undo


def test_a_failing_block_is_undone_in_reverse() -> None:
    done: list[str] = []
    with pytest.raises(ValueError, match="broken"), Undo() as undo:
        undo.push(done.append, "first")
        undo.push(done.append, "second")
        raise ValueError("broken")
    assert done == ["second", "first"]


def test_what_is_kept_stays() -> None:
    done: list[str] = []
    with pytest.raises(ValueError, match="later"), Undo() as undo:
        undo.push(done.append, "first")
        undo.keep()
        raise ValueError("later")
    assert done == []


def test_an_undo_that_fails_does_not_stop_the_others_nor_hide_the_cause() -> None:
    done: list[str] = []
    with pytest.raises(ValueError, match="broken") as caught, Undo() as undo:
        undo.push(done.append, "first")
        undo.push(int, "not a number")
        raise ValueError("broken")
    assert done == ["first"]
    assert "while undoing" in caught.value.__notes__[0]


def test_descriptors_are_closed_at_the_end_or_before() -> None:
    with Closing() as closing:
        reader, writer = os.pipe()
        closing.add(reader)
        closing.add(writer)
        closing.close(writer)
        assert os.read(reader, 1) == b""
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(reader)
