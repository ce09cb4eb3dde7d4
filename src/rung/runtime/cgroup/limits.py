"""From a configuration's ``linux.resources`` to what will be written where. Pure.

One module a controller (``controllers/``) knows both forms of it: v1's files and v2's.
Which form serves is decided here once: a controller with a directory of its own is v1,
else the v2 directory has it, else the limit cannot be set and that is an error. Zero and
absence mean "leave as it is" wherever runc's configuration means that.
"""

from __future__ import annotations

from rung.runtime.cgroup.errors import CgroupError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

    from rung.runtime.cgroup.files import Write
    from rung.spec.runtime.config import Resources

#: The smallest pids limit that can be set before the container's init is born: whoever
#: gives birth to it is in the cgroup too.
PIDS_FOR_BIRTH = 2


def settings(resources: Resources, controllers: Collection[str], *, update: bool = False) -> list[Write]:
    """The writes for all of ``resources`` but devices, in order.

    ``controllers`` are the keys of the cgroup's paths. A pids limit that rung-init could
    not be born under is left out unless ``update``: ``late_settings`` has it."""
    writes: list[Write] = []
    if (memory := resources.get("memory")) is not None:
        from rung.runtime.cgroup.controllers.memory import memory_writes

        writes += memory_writes(memory, controllers, update)
    if (cpu := resources.get("cpu")) is not None:
        from rung.runtime.cgroup.controllers.cpu import cpu_writes

        writes += cpu_writes(cpu, controllers)
        if cpu.get("cpus") or cpu.get("mems"):
            from rung.runtime.cgroup.controllers.cpuset import cpuset_writes

            writes += cpuset_writes(cpu, controllers)
    limit = pids_limit(resources)
    if limit is not None and (update or not 0 <= limit < PIDS_FOR_BIRTH):
        from rung.runtime.cgroup.controllers.pids import pids_writes

        writes += pids_writes(limit, controllers)
    if (block_io := resources.get("blockIO")) is not None:
        from rung.runtime.cgroup.controllers.blkio import blkio_writes

        writes += blkio_writes(block_io, controllers)
    if pages := resources.get("hugepageLimits"):
        from rung.runtime.cgroup.controllers.hugetlb import hugetlb_writes

        writes += hugetlb_writes(pages, controllers)
    if (network := resources.get("network")) is not None:
        from rung.runtime.cgroup.controllers.network import network_writes

        writes += network_writes(network, controllers)
    if rdma := resources.get("rdma"):
        from rung.runtime.cgroup.controllers.rdma import rdma_writes

        writes += rdma_writes(rdma, controllers)
    if unified := resources.get("unified"):
        from rung.runtime.cgroup.controllers.unified import unified_writes

        writes += unified_writes(unified, controllers)
    return writes


def late_settings(resources: Resources, controllers: Collection[str]) -> list[Write]:
    """What can be set only when rung-init has been born: a pids limit of 0 or 1."""
    limit = pids_limit(resources)
    if limit is None or not 0 <= limit < PIDS_FOR_BIRTH:
        return []
    from rung.runtime.cgroup.controllers.pids import pids_writes

    return pids_writes(limit, controllers)


def pids_limit(resources: Resources) -> int | None:
    """The limit, where there is one to be set."""
    pids = resources.get("pids")
    return pids.get("limit") if pids is not None else None


def place(controller: str, field: str, controllers: Collection[str]) -> str:
    """The key of the directory where ``controller`` is: its own name (v1) or "" (v2)."""
    if controller in controllers:
        return controller
    if "" in controllers:
        return ""
    from rung.runtime.cgroup.hints import missing

    raise missing(controller, f"linux.resources.{field}")


def no_equivalent(field: str) -> CgroupError:
    """config-linux.md#unified: where a v1 setting cannot be converted there must be an error."""
    hint = "remove it from the configuration"
    return CgroupError(f"set linux.resources.{field}", "", "cgroup v2 has nothing like it", hint)
