"""The outer half of a plan: cgroups joined, namespaces joined and made.

Order matters. Files of namespaces to join are opened while the caller's view still
holds; then the process enters its cgroups, then the joined namespaces, the user
namespace last, since entering it gives up power over those the host owns; a user has none, and
enters it first, to have some over those that it owns. What is new
comes all from one ``clone3``, so that the kernel makes the user namespace first and it
owns the rest; only the cgroup namespace is made after birth, rooted where the process is.

config-linux.md: Namespaces, User namespace mappings, Offset for Time Namespace.
"""

from __future__ import annotations

from rung import posix
from rung.runtime.plan import steps
from rung.runtime.plan.request import get
from rung.spec.runtime.names import NAMESPACES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from rung.runtime.plan.request import Request
    from rung.runtime.plan.steps import Step
    from rung.spec.runtime.config import Config, IdMapping

CLONE_NEWTIME = 0x00000080
CLONE_NEWCGROUP = 0x02000000
_JOIN_ORDER = ("cgroup", "ipc", "uts", "network", "pid", "time", "mount", "user")
_USERS_JOIN_ORDER = ("user", *_JOIN_ORDER[:-1])


def new_and_joined(config: Config) -> tuple[set[str], dict[str, str]]:
    """The types of namespace to be made, and the path of each to be joined."""
    new: set[str] = set()
    joined: dict[str, str] = {}
    for namespace in get(config, "linux", "namespaces") or ():
        if namespace.get("path"):
            joined[namespace["type"]] = namespace["path"]
        else:
            new.add(namespace["type"])
    return new, joined


def has_mounts(config: Config) -> bool:
    """Whether the root file system is set up by mounting, in a mount namespace new or joined."""
    return any(namespace["type"] == "mount" for namespace in get(config, "linux", "namespaces") or ())


def flags_of(types: set[str]) -> int:
    """The CLONE_NEW* bits of some types."""
    flags = 0
    for kind in types:
        flags |= NAMESPACES[kind][0]
    return flags


def join_slots(joined: dict[str, str], order: Sequence[str] = _JOIN_ORDER) -> dict[str, int]:
    """Type of namespace -> the slot its file is opened into."""
    types = [kind for kind in order if kind in joined]
    return {kind: steps.SLOT_FIRST_FREE + n for n, kind in enumerate(types)}


def outer_steps(request: Request) -> Iterator[Step]:
    """From the caller's namespaces to the birth of the inner process, and into its cgroup
    namespace."""
    config = request.config
    new, joined = new_and_joined(config)
    score = get(config, "process", "oomScoreAdj")
    if score is not None:
        yield steps.SetOomScoreAdj(score)
    slots = join_slots(joined, _USERS_JOIN_ORDER if request.caller.uid else _JOIN_ORDER)
    for kind, slot in slots.items():
        # non-blocking: should it be a FIFO, setns says that it is no namespace
        yield steps.OpenFile(slot, joined[kind], posix.O_RDONLY | posix.O_NONBLOCK | posix.O_CLOEXEC)
    if maps_ids(config) and has_mounts(config):
        from rung.runtime.plan.idmap import idmap_steps

        yield from idmap_steps(request)
    if get(config, "linux", "devices") and has_mounts(config):
        from rung.runtime.plan.devices import made_outside

        for _, step in made_outside(request):
            yield step
    if needs_broker(request):
        yield steps.StartBroker()
    if request.in_unit:
        yield steps.Sync(steps.SYNC_UNIT)
    yield from cgroup_steps(request.cgroup_paths)
    yield from resctrl_steps(request.resctrl_tasks)
    mapped = "user" in new or "user" in joined
    late = slots.pop("cgroup", None) if not mapped else None
    for kind, slot in slots.items():
        yield steps.SetNamespace(slot, NAMESPACES[kind][0])
    if "time" in new:
        yield steps.Unshare(CLONE_NEWTIME)
        yield from _time_offsets(config)
    if request.caller.uid_tool or request.caller.gid_tool:
        yield steps.MapIdsBy(request.caller.uid_tool, request.caller.gid_tool)
    yield steps.Clone(
        flags_of(new - {"time", "cgroup"}),
        # one that is joined has its maps already: containerd, CRI-O and Podman repeat them
        id_map(get(config, "linux", "uidMappings")).encode() if "user" in new else b"",
        id_map(get(config, "linux", "gidMappings")).encode() if "user" in new else b"",
        int(denies_groups(request)),
        cgroup_slot(request.cgroup_paths),
    )
    if "user" in joined:
        yield steps.BecomeRoot()
    if late is not None:
        yield steps.SetNamespace(late, CLONE_NEWCGROUP)
    if "cgroup" in new:
        yield steps.Unshare(CLONE_NEWCGROUP)


def is_own(mappings: Sequence[IdMapping] | None, own: int) -> bool:
    """Whether just the caller's own id is mapped, which needs no privilege (user_namespaces(7))."""
    return mappings is not None and [(m["hostID"], m["size"]) for m in mappings] == [(own, 1)]


def denies_groups(request: Request) -> bool:
    """Whether setting groups is denied in the new user namespace: else a user may not map
    even the own group, who could leave a group that takes access away (CVE-2014-8989)."""
    caller = request.caller
    return caller.uid != 0 and is_own(get(request.config, "linux", "gidMappings"), caller.gid)


def cgroup_steps(paths: dict[str, str], *, before_namespace: bool = False) -> Iterator[Step]:
    """Enter the v1 cgroups; open the v2 one, which the inner process is born into.

    Its cgroup namespace comes after its birth, since it is rooted where the process is,
    and since under ``nsdelegate`` nobody inside one may be moved in from outside. Where it cannot come
    later (``before_namespace``) the v2 cgroup is entered here, at the cost of the kernel's lock."""
    for directory in sorted({path for controller, path in paths.items() if controller}):
        yield steps.JoinCgroup(f"{directory}/tasks")
    if paths.get("") and before_namespace:
        yield steps.JoinCgroup(f"{paths['']}/cgroup.procs")
    elif paths.get(""):
        yield steps.OpenFile(steps.SLOT_CGROUP, paths[""], posix.O_PATH | posix.O_DIRECTORY | posix.O_CLOEXEC)


def resctrl_steps(tasks: Iterable[str]) -> Iterator[Step]:
    """Enter the groups of Intel RDT; 0 is whoever writes it."""
    for file in tasks:
        yield steps.WriteFile(file, b"0")


def cgroup_slot(paths: dict[str, str]) -> int:
    """Where Clone finds the v2 cgroup."""
    return steps.SLOT_CGROUP if paths.get("") else steps.SLOT_NONE


def _time_offsets(config: Config) -> Iterator[Step]:
    offsets = get(config, "linux", "timeOffsets") or {}
    lines = [
        f"{clock} {offset.get('secs', 0)} {offset.get('nanosecs', 0)}\n" for clock, offset in offsets.items()
    ]
    if lines:
        yield steps.WriteFile("/proc/self/timens_offsets", "".join(lines).encode())


def id_map(mappings: Sequence[IdMapping] | None) -> str:
    """Mappings as the kernel's files ``uid_map`` and ``gid_map`` take them."""
    return "".join([f"{m['containerID']} {m['hostID']} {m['size']}\n" for m in mappings or ()])


def is_bind(options: Sequence[str] | None) -> bool:
    """Whether a mount's options ask for a bind, whatever its type says."""
    return any(option in ("bind", "rbind") for option in options or ())


def needs_broker(request: Request) -> bool:
    """Whether binds are made in a user namespace, whose root may not reach every source.

    A user has no power over the host's mounts before that, and sees no less after it."""
    config = request.config
    new, joined = new_and_joined(config)
    if request.caller.uid:
        return False
    binds = any(is_bind(mount.get("options")) for mount in config.get("mounts") or ())
    return binds and ("user" in new or "user" in joined) and has_mounts(config)


def maps_ids(config: Config) -> bool:
    """Whether any mount shows other owners than its file system has."""
    return any(
        mount.get("uidMappings") or any(word.lstrip("r")[:5] == "idmap" for word in mount.get("options") or ())
        for mount in config.get("mounts") or ()
    )
