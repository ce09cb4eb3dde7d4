"""Pages that are copied ahead: those that an earlier fork has written to, and no others."""

from __future__ import annotations

import os
from collections.abc import Callable
from mmap import MAP_ANONYMOUS, MAP_PRIVATE, PAGESIZE, mmap

import pytest

from rung.shim.touched import MOST, Touched


def forked(work: Callable[[], int]) -> int:
    """What ``work`` returns in a fork."""
    reader, writer = os.pipe()
    pid = os.fork()
    if not pid:
        try:
            os.write(writer, str(work()).encode())
        finally:
            os._exit(0)
    os.close(writer)
    with open(reader, "rb") as answer:
        said = answer.read()
    os.waitpid(pid, 0)
    return int(said)


@pytest.fixture
def memory() -> mmap:
    """Private memory of which every page has been written to."""
    made = mmap(-1, 64 * PAGESIZE, flags=MAP_PRIVATE | MAP_ANONYMOUS)
    for page in range(64):
        made[page * PAGESIZE] = 1
    return made


def noted(touched: Touched) -> int:
    return int.from_bytes(touched._note[:8], "little")


def test_what_a_fork_has_written_to_is_copied_in_the_next(memory: mmap) -> None:
    touched = Touched()

    def live() -> int:
        for page in range(0, 64, 2):
            memory[page * PAGESIZE] = 2
        touched.note()
        return noted(touched)

    def begin() -> int:
        before = len(touched._own())
        touched.copy()
        assert all(memory[page * PAGESIZE] == 1 for page in range(64)), "contents stay"
        return len(touched._own()) - before

    count = forked(live)
    assert 32 <= count <= MOST
    assert noted(touched) == count, "the zygote and all its forks see the note"
    assert forked(begin) >= 32


def test_the_first_note_stands() -> None:
    touched = Touched()
    first = forked(lambda: touched.note() or noted(touched))
    assert first
    assert forked(lambda: touched.note() or noted(touched)) == first


def test_without_a_note_nothing_is_copied() -> None:
    Touched().copy()


def test_a_page_that_is_gone_is_left(memory: mmap) -> None:
    """A fork that has unmapped something is none the worse."""
    touched = Touched()

    def live() -> int:
        memory[0] = 2
        touched.note()
        return 0

    def begin() -> int:
        memory.close()
        touched.copy()
        return 7

    forked(live)
    assert forked(begin) == 7
