"""Checkpoints on pure cgroup v2, and what the kernel here may be without: tracking of pages, sockets CRIU can read."""

from __future__ import annotations

import pytest

from guests import TIMEOUT_S, all_passed

TESTS = (
    "test_counter.py::test_twice_saved_and_restored_it_counts_on",
    "test_counter.py::test_inside_everything_is_as_it_was",
    "test_ends.py::test_a_connection_is_kept",
    "test_ends.py::test_a_dump_on_top_of_two_before_it",
)


@pytest.mark.timeout(2 * TIMEOUT_S + 90)
def test_containers_are_saved_and_restored_on_pure_cgroup_v2() -> None:
    closing = all_passed(*(f"tests/kernel/checkpoint/{name}" for name in TESTS), at_least=len(TESTS))
    assert "skipped" not in closing, closing
