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
    cpu = _given(new.get("cpu"))
    unified = _given(new.get("unified"))
    weighs = (cpu.get("shares") and "idle" not in cpu) or ("cpu.weight" in unified and "cpu.idle" not in unified)
    if weighs and (result.get("cpu") or {}).get("idle"):
        result["cpu"] = {**result["cpu"], "idle": 0}  # an idle one has no share: the kernel would refuse it
    memory = _given(new.get("memory"))
    if memory.get("limit") == -1 and "swap" not in memory:
        result["memory"].pop("swap", None)  # unlimited memory lifts the limit of both
    if given := _given(new.get("blockIO")):
        result["blockIO"] = _block_io(result.get("blockIO") or {}, given)
    if pages := new.get("hugepageLimits"):
        result["hugepageLimits"] = _upsert(result.get("hugepageLimits") or [], pages, ("pageSize",))
    if new.get("rdma"):
        result["rdma"] = {**(result.get("rdma") or {}), **_given(new["rdma"])}
    # Written last, unified settings win over fields of the same meaning: earlier ones must not do so again.
    if unified or "unified" in result:
        result["unified"] = unified
    changed: Resources = result
    return changed


def contradictions(resources: Resources) -> list[str]:
    """Sentences about settings of which only one can be."""
    cpu, unified = resources.get("cpu") or {}, resources.get("unified") or {}
    idle = cpu.get("idle") == 1 or str(unified.get("cpu.idle", "")).strip() == "1"
    if idle and (cpu.get("shares") or "cpu.weight" in unified):
        return ["unable to apply both: an idle container has no share of CPU time; cpu.shares is ignored"]
    return []


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
