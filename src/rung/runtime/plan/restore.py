"""The plan by which CRIU is started to restore a container.

CRIU makes the container's processes, namespaces and mounts; around it must be what the
container's own plan would have found: its cgroups entered, its root file system a mount of its
own, and every directory there that something is mounted on. All of this happens in a mount
namespace that ends with CRIU, so that nothing of it can stay on the host, whoever dies.

The mount points are made by mounting what create would mount, for one source may hold the mount
point of the next (and root file systems are restored fresh); then the root goes, all mounts with it, and
comes back bare.
"""

from __future__ import annotations

from rung.runtime.plan import mountopts, steps
from rung.runtime.plan.compile import compile_container
from rung.runtime.plan.namespaces import cgroup_slot, cgroup_steps, has_mounts
from rung.runtime.plan.request import Plan, get

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from rung.runtime.plan.request import Request
    from rung.runtime.plan.steps import Step

_CLONE_NEWNS = 0x00020000


def compile_restore(request: Request, argv: Sequence[str], env: Sequence[str]) -> Plan:
    """The plan that ends in ``argv``, which is CRIU by its path."""
    return Plan(tuple(_steps(request, argv, env)))


def _steps(request: Request, argv: Sequence[str], env: Sequence[str]) -> Iterator[Step]:
    if request.in_unit:
        yield steps.Sync(steps.SYNC_UNIT)
    yield from cgroup_steps(request.cgroup_paths)
    yield steps.Clone(_CLONE_NEWNS, b"", b"", 0, cgroup_slot(request.cgroup_paths))
    yield steps.KeepFds(request.keep_fds)
    yield steps.SetPropagation(mountopts.MS_SLAVE | mountopts.MS_REC)
    if has_mounts(request.config):
        made = compile_container(request).steps
        root = next(step for step in made if isinstance(step, steps.BindRoot))
        points = tuple(_mount_points(made))
        if points:
            yield from (root, *points, steps.DropRoot())
        readonly = bool(get(request.config, "root", "readonly"))  # CRIU leaves the root as it finds it
        yield steps.BindRoot(root.path, mountopts.RDONLY if readonly else 0, root.propagation)
    yield steps.FindExecutable(argv[0], "")
    yield steps.Ready()
    yield steps.Exec(tuple(argv), tuple(env))


def _mount_points(made: Sequence[Step]) -> Iterator[Step]:
    """Those on the root or in something bound; what lies in a file system of the container's own
    is restored with it."""
    own: list[str] = []
    for step in made:
        if not isinstance(step, (steps.MountFs, steps.MountBind)):
            continue
        dest = step.dest.rstrip("/") + "/"
        if any(dest.startswith(above) for above in own):
            continue
        if isinstance(step, steps.MountBind):
            none = steps.SLOT_NONE
            yield steps.MountBind(step.dest, step.source, none, step.flags, 0, 0, 0, 0, 0, none)
        else:
            own.append(dest)
            yield steps.MakeDir(step.dest, 0o755, 0, 0)
