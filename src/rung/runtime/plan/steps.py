"""The steps a container is made of: the whole vocabulary between Python and rung-init.

A plan is a flat, ordered list of these. Deciding which steps (``compile.py``) needs
no privilege and no kernel; executing them (``init/``, in C) needs no policy. Every
step is one verb with plain arguments, and says which clause it serves.

``wire`` gives the arguments' encoding, one letter a field, in order (``wire.py``):
``u`` unsigned 64-bit integer, ``i`` signed, ``s`` a string (no NUL inside),
``b`` bytes, ``S`` a list of strings, ``U`` a list of unsigned integers.
``code`` is the step's number in ``init/steps.h``; a test holds the two together.

Two processes execute a plan. The *outer* one, started by the runtime in the caller's
namespaces, runs the steps up to and including ``Clone``; the *inner* one, born by it,
runs the rest and becomes the workload. Paths called ``path`` below are resolved

* in outer steps and where marked *host*: as the caller sees them;
* else *inside the root*: ``openat2(root, path, RESOLVE_IN_ROOT)``, whatever links the
  root file system holds (CVE-2021-30465, CVE-2019-19921 and their kin).

``slot`` numbers name descriptors that live through the plan: see ``SLOTS``.

Steps that few containers have are in ``rare.py``, since making a class takes 5 µs; they have their names here, too.
"""

from __future__ import annotations

from rung.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import ClassVar

    from rung.runtime.plan.rare import *  # noqa: F403
else:

    def __getattr__(name: str) -> object:
        found = None
        if not name.startswith("_"):  # each import from here asks for __path__
            from rung.runtime.plan import rare

            found = vars(rare).get(name)
        if found is None:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        globals()[name] = found
        return found

#: Descriptor slots. Those up to ``SLOT_PRESET`` are opened by the runtime and inherited.
SLOT_NONE = 0xFFFF
SLOT_START_FIFO = 0  # the create/start gate, opened read-write non-blocking by the runtime
SLOT_CONSOLE_SOCKET = 1  # where the terminal's controlling end is sent
SLOT_CONTAINER = 2  # pidfd of the container to enter (exec)
SLOT_CGROUP = 3  # v2 cgroup directory for CLONE_INTO_CGROUP (opened by the plan)
SLOT_PRESET = 8
SLOT_ROOT = 8  # the container's root directory (set by BindRoot, PivotRoot)
SLOT_PROC = 9  # a procfs nobody else can see (set by OpenProc)
SLOT_FIRST_FREE = 10
SLOT_COUNT = 256
DEVICES_MAX = 100  # of these slots MakeDevice has the last ones


class Step(Record):
    """One thing rung-init does."""

    code: ClassVar[int] = 0
    wire: ClassVar[str] = ""
    clause: ClassVar[str] = ""


# --- outer: in the caller's namespaces -------------------------------------------


class SetOomScoreAdj(Step):
    """Write ``/proc/self/oom_score_adj``; to lower it takes CAP_SYS_RESOURCE, also of runc's callers."""

    code, wire, clause = 1, "i", "config.md#linux-process: oomScoreAdj"
    value: int


class JoinCgroup(Step):
    """Enter a cgroup: write ``0`` to ``file`` (host path).

    On v1 that is ``tasks``: a thread that moves itself alone is spared the global lock
    that ``cgroup.procs`` takes, which waits 10 to 15 ms for an RCU grace period. On v2
    Clone does it with CLONE_INTO_CGROUP, which spares it too."""

    code, wire, clause = 2, "s", "config-linux.md#control-groups"
    file: str


class OpenFile(Step):
    """Open a host path into ``slot`` with the given ``open(2)`` flags."""

    code, wire, clause = 3, "usu", ""
    slot: int
    path: str
    flags: int


class SetNamespace(Step):
    """``setns(slot, flags)``; ``flags`` may name several kinds where the slot is a pidfd."""

    code, wire, clause = 4, "uu", "config-linux.md#namespaces"
    slot: int
    flags: int


class Unshare(Step):
    """``unshare(flags)``."""

    code, wire, clause = 5, "u", "config-linux.md#namespaces"
    flags: int


class Clone(Step):
    """Give birth to the inner process: ``clone3`` with ``flags | CLONE_PARENT``.

    ``uid_map`` and ``gid_map`` are texts for ``/proc/PID/{uid,gid}_map`` (empty: none);
    ``deny_setgroups`` writes ``deny`` first; ``cgroup_slot`` != SLOT_NONE adds
    CLONE_INTO_CGROUP. The outer process ends here; the inner one goes on once mapped,
    with user and group id 0 where it has maps."""

    code, wire, clause = 8, "ubbuu", "config-linux.md#namespaces"
    flags: int
    uid_map: bytes
    gid_map: bytes
    deny_setgroups: int
    cgroup_slot: int


# --- inner: in the new namespaces -------------------------------------------------


class NewSession(Step):
    """``setsid()``."""

    code, wire, clause = 20, "", ""


class SetPropagation(Step):
    """``mount(NULL, "/", NULL, flags)``: MS_SLAVE|MS_REC and kin, before anything else."""

    code, wire, clause = 21, "u", "config-linux.md#rootfs-mount-propagation"
    flags: int


class BindRoot(Step):
    """Clone the host tree at ``path``, attach it on itself, keep its directory in SLOT_ROOT.

    ``attrs`` are MOUNT_ATTR_* to set on it; ``propagation`` (MS_*, 0: leave) is recursive with MS_REC."""

    code, wire, clause = 22, "suu", "config.md#root"
    path: str
    attrs: int
    propagation: int


class MountFs(Step):
    """A new file system: ``fsopen``, ``fsconfig`` each option, ``fsmount``, ``move_mount``.

    ``options`` are ``key=value`` or a bare ``flag``; the mount point is made where missing
    (mode 0755), and must be a directory, no link, for ``proc`` and ``sysfs``.
    ``propagation`` is an MS_* set (0: leave). ``copy_up``: tmpcopyup. A value above the 255
    bytes that ``fsconfig`` takes sends the whole list through ``mount(2)``. A mount on ``/``
    becomes SLOT_ROOT."""

    code, wire, clause = 23, "sssSuuu", "config.md#mounts"
    dest: str
    fstype: str
    source: str
    options: tuple[str, ...]
    attrs: int
    propagation: int
    copy_up: int


class MountBind(Step):
    """Bind host ``source`` (or the mount in ``slot``, MakeFs's) at ``dest``.

    Attributes: first ``clear`` then ``set`` (MOUNT_ATTR_*) on the mount itself, the
    ``*_all`` pair on it and all below. ``propagation`` as in MountFs. The mount point
    is made where missing: a file for a source that is none a directory. ``flags`` are BIND_*
    below; ``idmap`` is the slot of the user namespace that maps ids, or SLOT_NONE."""

    code, wire, clause = 24, "ssuuuuuuuu", "config.md#mounts"
    dest: str
    source: str
    slot: int
    flags: int
    set: int
    clear: int
    set_all: int
    clear_all: int
    propagation: int
    idmap: int


#: MountBind's flags. ``EXACT``: what is not set is cleared, but for what a user namespace has
#: locked; ``MAP_ALL``: the id mapping is for all mounts below too; ``ONTO_LINK``: a link at
#: ``dest`` is the mount point; ``COPY_LINK``: a source that is a link is made again, not bound.
BIND_RECURSIVE, BIND_NO_FOLLOW, BIND_INSIDE, BIND_IN_PROC = 1, 2, 4, 8
BIND_EXACT, BIND_MAP_ALL, BIND_ONTO_LINK, BIND_COPY_LINK = 16, 32, 64, 128


class SetMountAttr(Step):
    """``mount_setattr`` on the mount at ``path`` (inside the root); recursive with 1."""

    code, wire, clause = 25, "suuuu", "config.md#root"
    path: str
    set: int
    clear: int
    propagation: int
    recursive: int


class MakeDir(Step):
    """A directory inside the root, its parents too; one that is there is left as it is."""

    code, wire, clause = 26, "suuu", ""
    path: str
    mode: int
    uid: int
    gid: int


class MakeSymlink(Step):
    """A symbolic link inside the root; one that is there is left as it is."""

    code, wire, clause = 27, "ss", "config-linux.md#default-devices"
    path: str
    target: str


class MakeNode(Step):
    """A device node or FIFO; an equal one is kept, a different one is an error.

    ``mode`` includes the S_IF* type; with ``source`` set (host path), ``mknod`` refused
    by a user namespace falls back to a bind mount of it."""

    code, wire, clause = 28, "suuuuus", "config-linux.md#devices"
    path: str
    mode: int
    major: int
    minor: int
    uid: int
    gid: int
    source: str


#: Sync's tag before the cgroup exists, which systemd makes around the waiting process.
SYNC_UNIT = "unit"
SYNC_ATTACH = "attach"  # before it is entered, which systemd alone may do
SYNC_DEVICES = "netDevices"  # OfferNetlink's


class Sync(Step):
    """Tell the runtime that ``tag`` is reached and wait for its go-ahead (or its end)."""

    code, wire, clause = 29, "s", "runtime.md#lifecycle"
    tag: str


class PivotRoot(Step):
    """Make SLOT_ROOT the root. ``how``: 0 pivot_root, 1 MS_MOVE and chroot, 2 chroot only,
    3 nothing: the process is where it belongs (exec), open ``/`` as SLOT_ROOT.

    MS_MOVE hides the caller's procfs and sysfs mounts first: they would let the container
    make new ones without its masks. After it, paths are inside the root by nature; SLOT_ROOT is the new ``/``.
    ``propagation`` (MS_*, 0: none) is set on the new root last."""

    code, wire, clause = 31, "uu", "config.md#root"
    how: int
    propagation: int


class OpenConsole(Step):
    """A new terminal from the container's own devpts: sent to SLOT_CONSOLE_SOCKET,
    made descriptors 0, 1, 2 and the controlling terminal; bound at /dev/console with ``bind``.

    A ``uid`` or ``gid`` of 0xFFFFFFFF leaves what devpts gave (its ``gid=`` option)."""

    code, wire, clause = 32, "uuuuu", "config.md#process: terminal, consoleSize"
    columns: int
    rows: int
    bind: int
    uid: int
    gid: int


class OwnStdio(Step):
    """``fchown`` descriptors 0 to 2 to the user, but no character device: /dev/null, a terminal."""

    code, wire, clause = 33, "u", ""
    uid: int


class ReopenNull(Step):
    """Those of descriptors 0 to 2 that are the null device become the container's own ``/dev/null``.

    The caller's lies in a mount that the container does not have: nothing of it is to stay
    reachable, and a checkpoint could not name it."""

    code, wire, clause = 66, "", "config-linux.md#default-devices"


class SetHostname(Step):
    code, wire, clause = 34, "s", "config.md#hostname"
    name: str


class OpenProc(Step):
    """A fresh procfs for this pid namespace, attached nowhere, in SLOT_PROC; where the
    kernel refuses (user namespace), the root's /proc after its type is verified."""

    code, wire, clause = 36, "", ""


class SetSysctl(Step):
    """Write ``value`` to ``sys/key`` under SLOT_PROC; ``key`` has slashes."""

    code, wire, clause = 37, "ss", "config-linux.md#sysctl"
    key: str
    value: str


class MaskPath(Step):
    """Hide a path: a file under /dev/null, a directory under an empty read-only tmpfs.

    A path that is not there is passed over. The null device is opened once and its
    number verified (CVE-2025-31133)."""

    code, wire, clause = 38, "s", "config-linux.md#masked-paths"
    path: str


class ReadonlyPath(Step):
    """Bind a path on itself read-only, recursively; one that is not there is passed over."""

    code, wire, clause = 39, "s", "config-linux.md#readonly-paths"
    path: str


class LinkUp(Step):
    """Set a network interface up."""

    code, wire, clause = 40, "s", ""
    name: str


class SetRlimit(Step):
    code, wire, clause = 41, "uuus", "config.md#posix-process: rlimits"
    resource: int
    soft: int
    hard: int
    name: str


class NewKeyring(Step):
    """Join a new session keyring of that name; kernels without keyrings are passed over."""

    code, wire, clause = 42, "s", ""
    name: str


class SetNoNewPrivs(Step):
    code, wire, clause = 43, "", "config.md#linux-process: noNewPrivileges"


NEW_LISTENER = 1 << 3  #: SECCOMP_FILTER_FLAG_NEW_LISTENER


class LoadSeccomp(Step):
    """``seccomp(SECCOMP_SET_MODE_FILTER, flags, program)``; ``program``: struct sock_filter[].

    With SECCOMP_FILTER_FLAG_NEW_LISTENER the listener is sent to the runtime before anything
    else happens: the runtime must still be listening (before Ready, WaitStart)."""

    code, wire, clause = 44, "bu", "config-linux.md#seccomp"
    program: bytes
    flags: int


class KeepBounding(Step):
    """Drop every capability that is not in ``keep`` (bit n: capability n) from the bounding set."""

    code, wire, clause = 45, "u", "config.md#linux-process: capabilities"
    keep: int


class SetUser(Step):
    """``setgroups``, ``setresgid``, ``setresuid``, keeping permitted capabilities.

    ``set_groups`` 0: leave the groups (user namespace that denies setgroups)."""

    code, wire, clause = 46, "uuuU", "config.md#posix-platform-user"
    uid: int
    gid: int
    set_groups: int
    groups: tuple[int, ...]


class SetCapabilities(Step):
    """The four sets of the process as bit masks; what the kernel or the caller lacks is left
    out, with a note."""

    code, wire, clause = 47, "uuuu", "config.md#linux-process: capabilities"
    effective: int
    permitted: int
    inheritable: int
    ambient: int


class SetUmask(Step):
    code, wire, clause = 48, "u", "config.md#posix-platform-user: umask"
    mask: int


#: How ``Chdir`` goes about it. ``CHDIR_TRY`` leaves a directory that refuses root to ``CHDIR_LEFT``, which comes
#: later, as the container's user, and does nothing where the first has succeeded.
CHDIR, CHDIR_MAKE, CHDIR_TRY, CHDIR_LEFT = range(4)


class Chdir(Step):
    """Enter the working directory, which must lie inside the root (CVE-2024-21626)."""

    code, wire, clause = 49, "su", "config.md#process: cwd"
    path: str
    how: int


class SetHome(Step):
    """Add HOME from the root's /etc/passwd (``/`` if unlisted) to the workload's environment."""

    code, wire, clause = 50, "u", ""
    uid: int


class FindExecutable(Step):
    """Resolve ``name`` along ``path_env`` now, so that its absence fails ``create``.

    The ledger's error is the whole sentence, in the words Docker maps to 126 and 127."""

    code, wire, clause = 51, "ss", "config.md#process: args"
    name: str
    path_env: str


class WaitStart(Step):
    """Report ``ready`` to the runtime, then wait until a byte arrives in SLOT_START_FIFO."""

    code, wire, clause = 52, "", "runtime.md#start"


class Ready(Step):
    """Report ``ready`` without waiting (exec: everything that can fail has passed)."""

    code, wire, clause = 54, "", ""


class KeepFds(Step):
    """Descriptors from ``first`` on are closed, init's own ones at exec; those below (stdio,
    preserved) stay."""

    code, wire, clause = 55, "u", "CVE-2024-21626"
    first: int


class SetAffinity(Step):
    """``sched_setaffinity``. An empty ``mask``: whatever the cgroup allows, so that a caller's own
    is not inherited; that this fails is noted only."""

    code, wire, clause = 82, "bs", "config.md#linux-process: execCPUAffinity"
    mask: bytes
    cpus: str


class Exec(Step):
    """Become the workload: ``execve`` of what FindExecutable found. 127 when it is not
    there, 126 when it cannot be executed."""

    code, wire, clause = 60, "SS", "config.md#process"
    argv: tuple[str, ...]
    env: tuple[str, ...]


def kinds() -> list[type[Step]]:
    """All of them, the rare ones too."""
    from rung.runtime.plan import rare  # noqa: F401 - they are its

    return Step.__subclasses__()
