"""The tests on the real kernel once more where there is nothing but cgroup v2.

One guest (``tools/guest.py``) runs pytest on the same files with the same interpreter. The guest has another
kernel, the distribution's, so this is a second kernel as well.
"""

from __future__ import annotations

import pytest

from guests import TIMEOUT_S, all_passed

#: What depends on the version of cgroups, and the life of a container on it.
SUITE = (
    "tests/kernel/cgroup",
    "tests/kernel/init/test_life.py",
    *(f"tests/kernel/runtime/test_{name}.py" for name in ("resources_v2", "lifecycle", "inside", "rootless_cgroups_v2")),
)


@pytest.mark.timeout(2 * TIMEOUT_S + 90)
def test_the_kernel_tests_pass_on_pure_cgroup_v2() -> None:
    all_passed(*SUITE, at_least=120)
