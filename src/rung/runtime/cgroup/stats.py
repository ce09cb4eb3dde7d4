"""Usage counters in the form of ``runc events --stats``, for v1 and v2 alike.

Field names and which zeros are left out follow runc's types/events.go. Counters of
controllers that are not there are absent or 0. Hybrid hosts count on v1.
"""

from __future__ import annotations

from rung.runtime.cgroup.errors import failed
from rung.runtime.cgroup.files import is_gone, read

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

#: What "no limit" reads as on v2, v1's page counters having their own large number.
UNLIMITED = (1 << 64) - 1


def stats(paths: Mapping[str, str]) -> dict[str, Any]:
    """The ``data`` object. Raises ``CgroupError`` where a counter cannot be read."""
    try:
        if set(paths) == {""}:
            from rung.runtime.cgroup.stats_v2 import stats_v2

            found = stats_v2(paths[""])
        else:
            from rung.runtime.cgroup.stats_v1 import stats_v1

            found = stats_v1(paths)
    except OSError as error:
        raise failed("read", error) from None
    return {**found, "intel_rdt": {}, "network_interfaces": None}


def text(directory: str | None, file: str) -> str:
    """A file's content; empty where there is no such file or cgroup."""
    if directory is None:
        return ""
    try:
        return read(f"{directory}/{file}")
    except OSError as error:
        if is_gone(error):
            return ""
        raise


def number(directory: str | None, file: str) -> int:
    """A file of one number; 0 where it is not there, ``UNLIMITED`` for ``max``."""
    value = text(directory, file).strip()
    if value == "max":
        return UNLIMITED
    return int(value or 0)


def nonzero(**counters: Any) -> dict[str, Any]:
    """The counters that runc would print: those that are not 0 or empty."""
    return {name: value for name, value in counters.items() if value}


def numbers_of(ranges: str) -> list[int]:
    """``0-2,5`` as ``[0, 1, 2, 5]``."""
    found: list[int] = []
    for part in ranges.strip().split(","):
        if part:
            first, _, last = part.partition("-")
            found += range(int(first), int(last or first) + 1)
    return found
