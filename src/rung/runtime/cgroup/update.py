"""What a container's resources are after ``update``. Pure.

Only what is given changes, devices never do. Values that bound each other must be known
together (memory and swap, quota and period), so the whole result is applied and kept.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rung.spec.runtime.config import Resources

_PLAIN = ("memory", "cpu", "pids", "network")


def updated(old: Resources, new: Resources) -> Resources:
    """``old`` resources changed by ``new``: to be given to ``Cgroup.apply(..., update=True)``."""
    result: Any = dict(old)
    for section in _PLAIN:
        if given := _given(new.get(section)):
            result[section] = {**(result.get(section) or {}), **given}
    memory = _given(new.get("memory"))
    if memory.get("limit") == -1 and "swap" not in memory:
        result["memory"].pop("swap", None)  # unlimited memory lifts the limit of both
    if given := _given(new.get("blockIO")):
        result["blockIO"] = _block_io(result.get("blockIO") or {}, given)
    if pages := new.get("hugepageLimits"):
        result["hugepageLimits"] = _upsert(result.get("hugepageLimits") or [], pages, ("pageSize",))
    for section in ("rdma", "unified"):
        if new.get(section):
            result[section] = {**(result.get(section) or {}), **_given(new.get(section))}
    changed: Resources = result
    return changed


def _given(section: Any) -> dict[str, Any]:
    """The fields that say something: null and an empty cpuset do not."""
    return {name: value for name, value in (section or {}).items() if value is not None and value != ""}


def _block_io(old: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """Weights are replaced, lists of devices are changed device by device."""
    result = dict(old)
    for name, value in given.items():
        if isinstance(value, list):
            value = _upsert(old.get(name) or [], value, ("major", "minor"))
        result[name] = value
    return result


def _upsert(old: list[Any], new: list[Any], key: tuple[str, ...]) -> list[Any]:
    """Entries of the same key are changed where they stand, others come last."""
    found = {tuple(entry[name] for name in key): entry for entry in old}
    for entry in new:
        at = tuple(entry[name] for name in key)
        found[at] = {**found.get(at, {}), **_given(entry)}
    return list(found.values())
