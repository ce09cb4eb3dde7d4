"""The inner half of a plan, first part: the root file system and what is mounted in it.

config.md#mounts, config-linux.md: Default Filesystems, Rootfs Mount Propagation.
Mounts are made in the order of the list. What must end read-only but has things made
inside it first (the root, tmpfs, /dev) is sealed by ``seal_steps`` after the pivot.
"""

from __future__ import annotations

from rung import posix
from rung.runtime.plan import mountopts, steps
from rung.runtime.plan.cgroupmounts import bind_tree, cgroup_mounts
from rung.runtime.plan.namespaces import has_mounts, is_bind, maps_ids, new_and_joined
from rung.runtime.plan.request import get

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rung.runtime.plan.idmap import Mapped
    from rung.runtime.plan.mountopts import MountOptions
    from rung.runtime.plan.request import Request
    from rung.runtime.plan.steps import Step
    from rung.spec.runtime.config import Config, Mount

_CHROOT = 2
#: Files below /proc that lxcfs emulates for containers; nothing else there is covered by a mount.
EMULATED = (
    "/proc/cpuinfo",
    "/proc/diskstats",
    "/proc/meminfo",
    "/proc/stat",
    "/proc/swaps",
    "/proc/uptime",
    "/proc/loadavg",
    "/proc/slabinfo",
    "/proc/net/dev",
    "/proc/sys/kernel/ns_last_pid",
    "/proc/sys/crypto/fips_enabled",
)
#: Type of file system -> the namespace that it shows, and where the host has it.
_OF_NAMESPACE = {"sysfs": ("network", "/sys"), "mqueue": ("ipc", "/dev/mqueue"), "proc": ("pid", "/proc")}
_WITHOUT_DEVICE = ("tmpfs", "proc", "sysfs", "devpts", "mqueue", "devtmpfs", "overlay")
#: They take no label: the policy has one for each.
_LABELLED_BY_POLICY = ("proc", "sysfs", "mqueue", "cgroup", "cgroup2")


def root_steps(request: Request) -> Iterator[Step]:
    """Propagation off the host, the root attached, each mount in turn."""
    config = request.config
    if not has_mounts(config):
        flags = posix.O_PATH | posix.O_DIRECTORY | posix.O_CLOEXEC
        yield steps.OpenFile(steps.SLOT_ROOT, rootfs_path(request), flags)
        return
    propagation = mountopts.PROPAGATION.get(get(config, "linux", "rootfsPropagation") or "", 0)
    hears = propagation & mountopts.MS_SLAVE  # of the host's mounts, if asked for
    if not propagation or propagation & mountopts.MS_UNBINDABLE:  # else the root could not be bound
        propagation = mountopts.MS_SLAVE | mountopts.MS_REC
    yield steps.SetPropagation(propagation)
    yield steps.BindRoot(rootfs_path(request), 0, hears or mountopts.MS_PRIVATE)
    mapped = _mapped(config)
    for index, mount in enumerate(config.get("mounts") or ()):
        yield from mount_steps(request, index, mount, mapped.get(index))


def _mapped(config: Config) -> dict[int, Mapped]:
    if not maps_ids(config):
        return {}
    from rung.runtime.plan.idmap import mapped_mounts

    return mapped_mounts(config)


def rootfs_path(request: Request) -> str:
    """The root file system's host path; a relative one starts at the bundle."""
    return posix.join(request.bundle, request.config["root"]["path"])


def mount_steps(request: Request, index: int, mount: Mount, mapped: Mapped | None) -> Iterator[Step]:
    """The steps of one entry of ``mounts``."""
    options = mountopts.parse(mount.get("options") or ())
    kind = mount.get("type") or ""
    dest = inside(request, mount["destination"])
    if binds(mount):
        yield _bind(request, mount, options, dest, mapped)
    elif mapped:
        yield bind_tree(dest, mount.get("source") or kind, options.propagation, slot=mapped.fs)
    elif kind in ("cgroup", "cgroup2"):
        yield from cgroup_mounts(request, options, dest, kind)
    elif _belongs_to_the_host(request.config, kind):
        yield _hosts_own(dest, kind, options)
    else:
        attrs = (options.set | options.set_all) & ~(mountopts.RDONLY if sealed_later(mount) else 0)
        yield steps.MountFs(
            dest,
            kind,
            mount.get("source") or kind,
            _superblock(mount, options) + options.data + _label(request, kind),
            attrs,
            options.propagation,
            int(options.copy_up),
        )


def binds(mount: Mount) -> bool:
    """Whether an entry is a bind, by its options or by its type."""
    return is_bind(mount.get("options")) or mount.get("type") in ("bind", "rbind")


def _superblock(mount: Mount, options: MountOptions) -> tuple[str, ...]:
    """Flags of the superblock. ``ro`` is one where there is a device: an image that is read-only itself
    could not be mounted otherwise. The kernel's own file systems are shared, and stay as they are."""
    on_device = (mount.get("source") or "").startswith("/") and mount.get("type") not in _WITHOUT_DEVICE
    return (("ro",) if on_device and options.set & mountopts.RDONLY else ()) + options.flags


def _label(request: Request, kind: str) -> tuple[str, ...]:
    """linux.mountLabel, where SELinux is there to read it; crun's annotation says what it is for."""
    if not request.mount_label or kind in _LABELLED_BY_POLICY:
        return ()
    annotations = request.config.get("annotations") or {}
    return (f"{annotations.get('run.oci.mount_context_type') or 'context'}={request.mount_label}",)


def _belongs_to_the_host(config: Config, kind: str) -> bool:
    """A file system of a namespace that is the host's: the root of a user namespace may not mount it anew."""
    new, joined = new_and_joined(config)
    namespace = _OF_NAMESPACE.get(kind, ("", ""))[0]
    return bool(namespace) and "user" in new | set(joined) and namespace not in new | set(joined)


def _hosts_own(dest: str, kind: str, options: MountOptions) -> Step:
    """The host's is bound instead, as crun does: what it shows is what the process would see anyway.
    The attributes are for all below too: in /sys lie the host's cgroups."""
    source = _OF_NAMESPACE[kind][1]
    return steps.MountBind(
        dest,
        source,
        steps.SLOT_NONE,
        steps.BIND_RECURSIVE,
        0,
        0,
        options.set | options.set_all,
        0,
        options.propagation or mountopts.MS_SLAVE | mountopts.MS_REC,
        steps.SLOT_NONE,
    )


def inside(request: Request, destination: str) -> str:
    """A destination as the container's path. One that begins with the root file system's path on
    the host is meant to be in it: runc's users write both."""
    root = rootfs_path(request).rstrip("/")
    if root and destination.startswith(f"{root}/"):
        destination = destination[len(root) :]
    return destination if destination.startswith("/") else "/" + destination


def sealed_later(mount: Mount) -> bool:
    """tmpfs and /dev stay writable until everything in them is made."""
    return mount.get("type") == "tmpfs" or mount["destination"].strip("/") == "dev"


def passed_over(config: Config) -> Iterator[str]:
    """Sentences about options that mean nothing: of a bind, mount(2) takes none for the file system, which is mounted
    already. ``z`` and ``Z``, Docker's words for relabelling, Buildah passes on when it has done it."""
    for index, mount in enumerate(config.get("mounts") or ()):
        if binds(mount):
            for word in mountopts.parse(mount.get("options") or ()).data:
                if word not in ("z", "Z"):
                    yield f"mounts[{index}].options: {word!r} ignored, it is for a file system, and this is a bind"


def _bind(request: Request, mount: Mount, options: MountOptions, dest: str, mapped: Mapped | None) -> Step:
    source = mount.get("source") or ""
    if not source.startswith("/"):
        source = posix.join(request.bundle, source)
    on, off = mountopts.on_bind(options)
    flags = options.links
    flags |= steps.BIND_RECURSIVE if options.recursive else 0
    flags |= steps.BIND_IN_PROC if dest in EMULATED else 0
    flags |= 0 if options.plain else steps.BIND_EXACT
    flags |= steps.BIND_MAP_ALL if options.idmap == "ridmap" else 0
    return steps.MountBind(
        dest,
        source,
        steps.SLOT_NONE,
        flags,
        on,
        off,
        options.set_all,
        options.clear_all,
        options.propagation,
        mapped.idmap if mapped else steps.SLOT_NONE,
    )


def pivot_steps(request: Request) -> Iterator[Step]:
    """Change the root, by the way the caller's file system allows."""
    if not has_mounts(request.config):
        yield steps.PivotRoot(_CHROOT, 0)
        return
    wanted = mountopts.PROPAGATION.get(get(request.config, "linux", "rootfsPropagation") or "", 0)
    yield steps.PivotRoot(1 if request.no_pivot else 0, wanted if wanted & mountopts.MS_SHARED else 0)


def last_steps(config: Config) -> Iterator[Step]:
    """Unbindable at the very end: hiding paths and making them read-only are binds."""
    wanted = mountopts.PROPAGATION.get(get(config, "linux", "rootfsPropagation") or "", 0)
    if wanted & mountopts.MS_UNBINDABLE:
        yield steps.SetMountAttr("/", 0, 0, wanted, 0)


def seal_steps(request: Request) -> Iterator[Step]:
    """Read-only last: tmpfs and /dev, the root, then single paths; hidden paths after them."""
    config = request.config
    for mount in config.get("mounts") or ():
        if not sealed_later(mount) or binds(mount):
            continue
        options = mountopts.parse(mount.get("options") or ())
        if (options.set | options.set_all) & mountopts.RDONLY:
            dest = inside(request, mount["destination"])
            yield steps.SetMountAttr(dest, mountopts.RDONLY, 0, 0, 0)
    if get(config, "root", "readonly"):
        yield steps.SetMountAttr("/", mountopts.RDONLY, 0, 0, 0)
