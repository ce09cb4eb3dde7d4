"""Plans as the compiler makes them, in pieces that tests put together."""

from __future__ import annotations

from pathlib import Path

from rung.runtime.cgroup import hierarchies
from rung.runtime.plan import steps as s

CLONE_NEWTIME, CLONE_NEWNS, CLONE_NEWCGROUP, CLONE_NEWUTS = 0x80, 0x20000, 0x2000000, 0x4000000
CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID, CLONE_NEWNET = 0x8000000, 0x10000000, 0x20000000, 0x40000000
MS_REC, MS_PRIVATE, MS_SLAVE, MS_SHARED = 0x4000, 1 << 18, 1 << 19, 1 << 20
RDONLY, NOSUID, NODEV, NOEXEC = 1, 2, 4, 8
ALL = CLONE_NEWNS | CLONE_NEWCGROUP | CLONE_NEWUTS | CLONE_NEWIPC | CLONE_NEWPID | CLONE_NEWNET
PATH = "/usr/bin:/bin"
CAPS = 1 << 5 | 1 << 10 | 1 << 29  # kill, net_bind_service, audit_write: runc spec's

MASKED = (
    "/proc/acpi /proc/asound /proc/kcore /proc/keys /proc/latency_stats /proc/timer_list "
    "/proc/timer_stats /proc/sched_debug /sys/firmware /proc/scsi"
).split()
READONLY = "/proc/bus /proc/fs /proc/irq /proc/sys /proc/sysrq-trigger".split()


def clone(flags: int = ALL, uid_map: bytes = b"", gid_map: bytes = b"", deny: int = 0) -> s.Clone:
    return s.Clone(flags, uid_map, gid_map, deny, s.SLOT_NONE)


def root(path: Path, attrs: int = 0) -> list[s.Step]:
    return [s.NewSession(), s.SetPropagation(MS_SLAVE | MS_REC), s.BindRoot(str(path), attrs, MS_PRIVATE)]


def fs(
    dest: str, fstype: str, *options: str, attrs: int = NOSUID | NOEXEC | NODEV, source: str = ""
) -> s.MountFs:
    return s.MountFs(dest, fstype, source or fstype, options, attrs, 0, 0)


def bind(dest: str, source: str | Path, flags: int = 1, **more: int) -> s.MountBind:
    fields = {
        "slot": s.SLOT_NONE,
        "set": 0,
        "clear": 0,
        "set_all": 0,
        "clear_all": 0,
        "propagation": 0,
        "idmap": s.SLOT_NONE,
        **more,
    }
    return s.MountBind(dest=dest, source=str(source), flags=flags, **fields)


def default_mounts() -> list[s.Step]:
    return [
        fs("/proc", "proc"),
        fs("/dev", "tmpfs", "mode=755", "size=65536k", attrs=NOSUID),
        fs("/dev/pts", "devpts", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5", attrs=NOSUID | NOEXEC),
        fs("/dev/shm", "tmpfs", "mode=1777", "size=65536k", source="shm"),
        fs("/dev/mqueue", "mqueue"),
        fs("/sys", "sysfs", attrs=NOSUID | NOEXEC | NODEV | RDONLY),
        *cgroup_mounts(),
    ]


def cgroup_mounts() -> list[s.Step]:
    """The host's form of it."""
    attrs = NOSUID | NOEXEC | NODEV | RDONLY
    if hierarchies().mode == "v2":
        return [fs("/sys/fs/cgroup", "cgroup2", attrs=attrs)]
    return [
        fs("/sys/fs/cgroup", "tmpfs", "mode=755"),
        fs("/sys/fs/cgroup/unified", "cgroup2", attrs=attrs),
        fs("/sys/fs/cgroup/freezer", "cgroup", "freezer", attrs=attrs),
    ]


def default_devices() -> list[s.Step]:
    nodes = {
        "null": (1, 3),
        "zero": (1, 5),
        "full": (1, 7),
        "random": (1, 8),
        "urandom": (1, 9),
        "tty": (5, 0),
    }
    links = {"fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "ptmx": "pts/ptmx"}
    return [
        *(
            s.MakeNode(f"/dev/{name}", 0o20666, *number, 0, 0, f"/dev/{name}")
            for name, number in nodes.items()
        ),
        *(s.MakeSymlink(f"/dev/{name}", target) for name, target in links.items()),
    ]


def user(uid: int = 0, gid: int = 0, groups: tuple[int, ...] = (), caps: int = CAPS) -> list[s.Step]:
    return [s.KeepBounding(caps), s.SetUser(uid, gid, 1, groups), s.SetCapabilities(caps, caps, 0, 0)]


def execute(*argv: str, env: tuple[str, ...] = (f"PATH={PATH}",)) -> list[s.Step]:
    return [s.FindExecutable(argv[0], PATH), s.KeepFds(3), s.Ready(), s.Exec(argv, env)]


def default(rootfs: Path, *argv: str, gate: bool = False) -> list[s.Step]:
    """What ``runc spec`` describes."""
    return [
        clone(),
        *root(rootfs),
        *default_mounts(),
        *default_devices(),
        s.Sync("created"),
        s.PivotRoot(0, 0),
        s.SetHostname("runc"),
        s.LinkUp("lo"),
        s.OpenProc(),
        s.SetMountAttr("/", RDONLY, 0, 0, 0),
        *(s.ReadonlyPath(path) for path in READONLY),
        *(s.MaskPath(path) for path in MASKED),
        s.SetRlimit(7, 1024, 1024, "RLIMIT_NOFILE"),
        s.NewKeyring("_ses.test"),
        s.SetNoNewPrivs(),
        s.Chdir("/", 0),
        *user(),
        s.SetHome(0),
        s.FindExecutable(argv[0], PATH),
        s.KeepFds(3),
        s.WaitStart() if gate else s.Ready(),
        s.Exec(argv, (f"PATH={PATH}", "TERM=xterm")),
    ]
