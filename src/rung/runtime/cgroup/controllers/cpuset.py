"""``linux.resources.cpu.cpus`` and ``mems``; and v1's cpusets, which begin empty.

A new v1 cpuset has neither CPUs nor memory nodes, and nobody can enter it (ENOSPC)
before it has both: ``fill`` takes them from above. v2 inherits by itself.
"""

from __future__ import annotations

from rung.runtime.cgroup.files import Write, execute, read_line, write
from rung.runtime.cgroup.limits import place

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection

    from rung.spec.runtime.config import CPU


def cpuset_writes(cpu: CPU, controllers: Collection[str]) -> list[Write]:
    """The same two files in both forms."""
    found = []
    for name, value in (("cpus", cpu.get("cpus")), ("mems", cpu.get("mems"))):
        if value:
            where = place("cpuset", f"cpu.{name}", controllers)
            found.append(Write(where, f"cpuset.{name}", value, f"linux.resources.cpu.{name}"))
    return found


def fill(directory: str, cpus: str = "", mems: str = "") -> None:
    """Give an empty v1 cpuset the CPUs and nodes named, or else its parent's.

    Those named come at once: all of the parent's might overlap an exclusive sibling."""
    for name, wanted in (("cpuset.cpus", cpus), ("cpuset.mems", mems)):
        if read_line(f"{directory}/{name}"):
            continue
        above = _of_parent(directory, name)
        if wanted:
            execute([Write("cpuset", name, wanted, f"linux.resources.cpu.{name[7:]}")], {"cpuset": directory})
        else:
            write(f"{directory}/{name}", above)


def _of_parent(directory: str, name: str) -> str:
    """What the parent has; an empty parent is filled first. The top is never empty."""
    parent = directory.rpartition("/")[0]
    value = read_line(f"{parent}/{name}")
    if not value:
        value = _of_parent(parent, name)
        write(f"{parent}/{name}", value)
    return value
