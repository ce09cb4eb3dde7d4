"""A container's own cgroups, mounted for it to see.

config-linux.md: Default Filesystems. With a cgroup namespace the file systems are mounted anew, and show
the container's cgroup as their top; without one that cgroup's directory is bound, and on v2 the whole tree,
in which /proc/self/cgroup then names the container's, as runc and crun have it. Bound and not mounted anew: that
would take nsdelegate and its like from the host's own mount (cgroup-v2.rst).
"""

from __future__ import annotations

from rung.runtime.plan import mountopts, steps
from rung.runtime.plan.namespaces import new_and_joined

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rung.runtime.plan.mountopts import MountOptions
    from rung.runtime.plan.request import Request
    from rung.runtime.plan.steps import Step

_TOP = mountopts.NOSUID | mountopts.NODEV | mountopts.NOEXEC


def bind_tree(dest: str, source: str, propagation: int, *, slot: int = steps.SLOT_NONE, on: int = 0) -> Step:
    """A bind without more ado, of a path or of what a step before has put into ``slot``."""
    return steps.MountBind(dest, source, slot, 0, on, 0, 0, 0, propagation, steps.SLOT_NONE)


def cgroup_mounts(request: Request, options: MountOptions, dest: str, kind: str) -> Iterator[Step]:
    """The container's own cgroups: one file system on v2, a tmpfs of hierarchies on v1."""
    new, joined = new_and_joined(request.config)
    namespaced = "cgroup" in new or "cgroup" in joined
    if request.cgroup_mode == "v2" or kind == "cgroup2":
        if namespaced:
            # nsdelegate and its like: of the whole hierarchy, so the kernel heeds them in the first namespace alone
            yield steps.MountFs(dest, "cgroup2", "cgroup", options.data, options.set, options.propagation, 0)
        else:
            whole = "user" not in new and "user" not in joined
            path = (request.cgroup_top if whole else "") or _shown(request).get("", "")
            yield bind_tree(dest, path, options.propagation, on=options.set)
        return
    yield steps.MountFs(dest, "tmpfs", "tmpfs", ("mode=755",), _TOP, options.propagation, 0)
    for controllers, path in _hierarchies(request):
        inside = f"{dest}/{','.join(controllers).removeprefix('name=')}"
        if namespaced:
            data = ("none", controllers[0]) if controllers[0].startswith("name=") else tuple(controllers)
            yield steps.MountFs(inside, "cgroup", "cgroup", data, options.set, 0, 0)
        else:
            yield bind_tree(inside, path, options.propagation, on=options.set)
        if len(controllers) > 1:
            for name in controllers:
                yield steps.MakeSymlink(f"{dest}/{name}", ",".join(controllers))
    if options.set & mountopts.RDONLY:
        yield steps.SetMountAttr(dest, mountopts.RDONLY, 0, 0, 0)


def _hierarchies(request: Request) -> list[tuple[list[str], str]]:
    """v1 controllers grouped by the directory they share, v2's part left out."""
    grouped: dict[str, list[str]] = {}
    for controller, path in _shown(request).items():
        if controller:
            grouped.setdefault(path, []).append(controller)
    return [(names, path) for path, names in grouped.items()]


def _shown(request: Request) -> dict[str, str]:
    return {**request.cgroup_shown, **request.cgroup_paths}
