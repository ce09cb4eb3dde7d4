"""The processes of a container that has no cgroup: those of its pid namespace.

A user to whom no cgroups are delegated has containers without. What such a container
holds together is its pid namespace; one that shares its caller's is known by its init alone.
"""

from __future__ import annotations

from rung import posix


def in_namespace_of(init: int) -> list[int]:
    """Every process in the pid namespace of ``init``, or just that one where it is our own.

    A process that ends meanwhile, or that is not ours to look into, is none of them."""
    wanted = _namespace(init)
    if wanted in (0, _namespace("self")):
        return [init]
    names = (name for name in posix.listdir("/proc") if name.isdecimal())
    return sorted(int(name) for name in names if _namespace(name) == wanted)


def _namespace(process: int | str) -> int:
    try:
        return posix.stat(f"/proc/{process}/ns/pid").st_ino
    except OSError:
        return 0
