"""The systemd driver with systemd as process 1, on pure cgroup v2."""

from __future__ import annotations

import pytest

from guests import TIMEOUT_S, all_passed


@pytest.mark.timeout(2 * TIMEOUT_S + 90)
def test_the_driver_works_with_systemd_itself() -> None:
    closing = all_passed("tests/kernel/systemd", at_least=21, systemd=True)
    assert "skipped" not in closing, closing
