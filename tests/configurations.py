"""Configurations at random, from the typed specification (``spec/runtime/schema.py``).

``fields`` are all paths of ``config.json``; ``value_of`` a strategy for what may stand at one: of
the right type, and often a value that means something there. ``POOLS`` has those, and nothing that
could harm the machine that the tests run on: no path of the host's as a source, no device of its
own, no cgroup but the container's, no interface that exists.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from rung.spec.runtime.names import CAPABILITIES, NAMESPACES
from rung.spec.runtime.schema import ENUMS, RANGES, STRUCTS

WORDS = (
    "", "/", ".", "..", "/tmp", "/proc", "/dev", "/no/such/place", "a", "a b", "é", "\x01", "%s", "x" * 300, "0", "0-1",
    "a/../../b", "max", "-1",
)  # fmt: skip
texts = st.one_of(st.sampled_from(WORDS), st.text(max_size=6))
PATHS = ("/", "/tmp", "/proc", "/proc/self/exe", "/dev", "/etc/passwd", "/sys", "/no/such", "/bin/busybox", "/tmp/a/b")
inside = st.one_of(st.sampled_from(PATHS), texts)
DEVICE_NUMBERS = st.one_of(st.sampled_from([1, 3, 5, 0, -1, 1 << 20, 1 << 32]), st.integers(-2, 300))
SOURCES = ("tmpfs", "proc", "sysfs", "/no/such/source", "mqueue", "devpts", "")
OPTIONS = (
    "ro rw nosuid nodev noexec noatime relatime strictatime size=64k mode=755 mode=0 mode=9 uid=1 gid=5 rprivate rslave"
    " private shared unbindable tmpcopyup remount bind rbind rro rnosuid idmap ridmap newinstance nosuchoption = sync acl"
).split()

#: Struct.field -> what may stand there beside what its type allows.
POOLS: dict[str, st.SearchStrategy[Any]] = {
    "Config.ociVersion": st.sampled_from(["1.0.0", "1.2.0", "1.99.0", "2.0.0", "1", ""]),
    "Process.args": st.lists(st.sampled_from(["true", "sh", "-c", "exit 3", "/bin/true", "/", "no-such", ""]), max_size=3),
    "Process.cwd": inside,
    "Process.env": st.lists(st.one_of(st.sampled_from(["A=b", "PATH=/bin", "PATH=", "HOME=", "=x", "A"]), texts), max_size=4),
    "Process.oomScoreAdj": st.sampled_from([0, 1000, -1000, 1001, 5]),
    "Process.terminal": st.just(False),
    "Process.apparmorProfile": st.sampled_from(["", "unconfined", "no-such-profile"]),
    "Process.selinuxLabel": st.sampled_from(["", "no_u:such_r:label_t:s0"]),
    "User.uid": st.sampled_from([0, 1, 1000, 65534, (1 << 32) - 1]),
    "User.gid": st.sampled_from([0, 5, 1000, (1 << 32) - 1]),
    "Root.path": st.just("."),
    "Hook.path": st.sampled_from(["/bin/true", "/bin/false", "/no/such/hook", "/", "true", ""]),
    "Hook.timeout": st.sampled_from([1, 2, 0, -1, 1 << 62]),
    "Mount.destination": inside,
    "Mount.type": st.sampled_from(["tmpfs", "proc", "sysfs", "mqueue", "devpts", "bind", "none", "cgroup", "nosuchfs", ""]),
    "Mount.source": st.sampled_from(SOURCES),
    "Mount.options": st.lists(st.one_of(st.sampled_from(OPTIONS), texts), max_size=4),
    "Namespace.path": st.one_of(
        st.sampled_from([f"/proc/self/ns/{name}" for _, name in NAMESPACES.values()]),
        st.sampled_from(["", "/no/such", "/dev/null", "/proc/self/ns", "relative"]),
    ),
    "Linux.cgroupsPath": st.just(""),
    "Linux.sysctl": st.dictionaries(
        st.sampled_from(["kernel.shmmax", "kernel.msgmax", "net.ipv4.ip_forward", "fs.mqueue.msg_max", "user.x", "kernel.pid_max"]),
        st.sampled_from(["1", "0", "x", "", "65536"]),
        max_size=2,
    ),
    "Linux.maskedPaths": st.lists(inside, max_size=3),
    "Linux.readonlyPaths": st.lists(inside, max_size=3),
    "Linux.netDevices": st.dictionaries(st.sampled_from(["no-such", "", "a/b", "."]), st.fixed_dictionaries({}), max_size=1),
    "Linux.mountLabel": st.just(""),
    "Linux.timeOffsets": st.dictionaries(
        st.sampled_from(["monotonic", "boottime", "x"]),
        st.fixed_dictionaries({}, optional={"secs": st.sampled_from([0, 5, -5, 1 << 62]), "nanosecs": st.sampled_from([0, 1, 10**9])}),
        max_size=2,
    ),
    "Device.path": st.one_of(st.sampled_from(["/dev/x", "/dev/null", "/dev/a/b", "/x", "dev"]), texts),
    "Device.major": DEVICE_NUMBERS,
    "Device.minor": DEVICE_NUMBERS,
    "DeviceCgroup.major": DEVICE_NUMBERS,
    "DeviceCgroup.minor": DEVICE_NUMBERS,
    "DeviceCgroup.access": st.sampled_from(["", "r", "rwm", "x", "rr"]),
    "WeightDevice.major": DEVICE_NUMBERS,
    "ThrottleDevice.major": DEVICE_NUMBERS,
    "CPU.quota": st.sampled_from([-1, 0, 1, 50000, 200000, -2]),
    "CPU.period": st.sampled_from([0, 1, 1000, 100000, 1000000, 1 << 40]),
    "CPU.cpus": st.sampled_from(["0", "0-1", "0,0", "9999", "a", ""]),
    "CPU.mems": st.sampled_from(["0", "0-9", "9999", "a", ""]),
    "HugepageLimit.pageSize": st.sampled_from(["2MB", "1GB", "64KB", "3MB", "2mb", ""]),
    "Resources.unified": st.dictionaries(
        st.sampled_from(["memory.high", "pids.max", "cgroup.procs", "cgroup.freeze", "a/b", "", "no.such"]),
        st.sampled_from(["max", "4194304", ""]),  # no process of the machine has that number
        max_size=2,
    ),
    "Resources.rdma": st.dictionaries(st.sampled_from(["mlx5_0", "", "a b"]), st.just({"hcaHandles": 1}), max_size=1),
    "Network.classID": st.sampled_from([0, 1, 1 << 31]),
    "InterfacePriority.name": st.sampled_from(["lo", "no-such", "", "a b"]),
    "Seccomp.listenerPath": st.sampled_from(["", "/no/such/socket", "relative", "@nobody"]),
    "Syscall.names": st.lists(
        st.sampled_from(["read", "write", "execve", "close", "ppoll", "sendto", "mkdir", "setresuid", "prctl", "exit_group", "no_such"]),
        max_size=4,
    ),
    "Syscall.errnoRet": st.sampled_from([0, 1, 4, 11, 38, 512, 4095, 65535, 65536]),
    "Seccomp.defaultErrnoRet": st.sampled_from([0, 1, 4, 38, 512, 65535, 65536]),
    "SyscallArg.index": st.integers(0, 6),
    "IntelRdt.closID": st.sampled_from(["", "a", "..", "a/b"]),
    "MemoryPolicy.nodes": st.sampled_from(["", "0", "0-1", "1023", "1024", "x"]),
    "ExecCPUAffinity.initial": st.sampled_from(["", "0", "9999", "x"]),
    "ExecCPUAffinity.final": st.sampled_from(["", "0", "8191", "x"]),
    "Capabilities": st.lists(st.sampled_from([*list(CAPABILITIES)[:8], "CAP_SYS_ADMIN", "CAP_NO_SUCH", "x"]), max_size=4),
}
_ANNOTATIONS = ("run.oci.seccomp.receiver", "run.oci.keep_original_groups", "org.opencontainers.image.os", "", "a")


def value_of(kind: str, field: str = "") -> st.SearchStrategy[Any]:
    """A value for a kind of the schema; ``field`` is ``Struct.name``."""
    for name in (field, field.partition(".")[0] if kind == "[text" else ""):
        if name in POOLS:
            return POOLS[name]
    if kind == "text":
        return texts
    if kind == "bool":
        return st.booleans()
    if kind in RANGES:
        low, high = RANGES[kind]
        few = [n for n in (0, 1, -1, 2, 3, 5, 1000, 4096, 1 << 20, low, high) if low <= n <= high]
        return st.one_of(st.sampled_from(few), st.integers(low, high))
    if kind[0] == "[":
        return st.lists(value_of(kind[1:]), max_size=3)
    if kind[0] == "{":
        return st.dictionaries(st.one_of(st.sampled_from(_ANNOTATIONS), texts), value_of(kind[1:]), max_size=2)
    if kind[0] == "@":
        return st.sampled_from(ENUMS[kind[1:]])
    return struct(kind)


def struct(name: str) -> st.SearchStrategy[dict[str, Any]]:
    """An object of a struct: what it requires, some of the rest."""
    required, kinds = STRUCTS[name]
    made = {key: st.deferred(lambda key=key: value_of(kinds[key], f"{name}.{key}")) for key in kinds}
    needed = {key: made[key] for key in required}
    return st.fixed_dictionaries(needed, optional={key: made[key] for key in kinds if key not in required})


def fields(name: str = "Config", at: str = "") -> list[tuple[str, str, str]]:
    """``(path, kind, Struct.field)`` of every field that is reached through objects alone, and not
    through those that are nothing without another field."""
    found = []
    for key, kind in STRUCTS[name][1].items():
        path = f"{at}{key}"
        found.append((path, kind, f"{name}.{key}"))
        if kind in STRUCTS and (kind == "Process" or not STRUCTS[kind][0]):
            found += fields(kind, f"{path}.")
    return found


@st.composite
def namespaces(draw: st.DrawFn, always: tuple[str, ...] = ()) -> list[dict[str, Any]]:
    """New ones, and now and then one to join, or a list that is wrong."""
    if not always and draw(st.integers(0, 9)) == 0:
        return draw(st.lists(value_of("Namespace"), max_size=3))
    kinds = draw(st.lists(st.sampled_from(sorted(set(NAMESPACES) - {*always})), unique=True))
    made = [{"type": kind} for kind in (*always, *kinds)]
    if kinds and draw(st.integers(0, 4)) == 0:
        made[-1]["path"] = draw(POOLS["Namespace.path"])
    return made


@st.composite
def edits(draw: st.DrawFn, most: int = 4) -> dict[str, Any]:
    """Some fields and a value for each."""
    chosen = draw(st.lists(st.sampled_from(FIELDS), min_size=1, max_size=most, unique=True))
    return {path: draw(value_of(kind, field)) for path, kind, field in chosen}


#: Not replaced as a whole: the pieces of them are.
_WHOLES = ("root", "process", "linux", "linux.namespaces", "linux.cgroupsPath", "root.path")
FIELDS = [field for field in fields() if field[0] not in _WHOLES]
