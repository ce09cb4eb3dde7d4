"""Steps that few containers have: see steps.py, through which they are used."""

from __future__ import annotations

from rung.runtime.plan.steps import Step


class WriteFile(Step):
    """Write ``data`` to an existing host file in one ``write``."""

    code, wire, clause = 6, "sb", ""
    path: str
    data: bytes


class MapIdsBy(Step):
    """What the kernel does not let this user map, Clone maps by these programs ("": there is none):
    newuidmap(1) and newgidmap(1), which know what /etc/subuid and /etc/subgid grant."""

    code, wire, clause = 100, "ss", "config-linux.md#user-namespace-mappings"
    uid_tool: str
    gid_tool: str


class DropRoot(Step):
    """Take what BindRoot attached off again, with all that was mounted in it."""

    code, wire, clause = 65, "", ""


class RunHook(Step):
    """Fork and execute a hook with the state on its stdin; not 0 is an error.

    The state is ``state_head``, the pid as the container sees it in decimal, ``state_tail``;
    ``timeout_s`` 0: none. ``home`` 1: HOME as SetHome found it is added. What the hook prints is
    kept for the error, never shown."""

    code, wire, clause = 30, "ssSSubbu", "config.md#posix-platform-hooks"
    stage: str
    path: str
    argv: tuple[str, ...]
    env: tuple[str, ...]
    timeout_s: int
    state_head: bytes
    state_tail: bytes
    home: int


class SetDomainname(Step):
    code, wire, clause = 35, "s", "config.md#domainname"
    name: str


class SetExecLabel(Step):
    """Write ``label`` to ``path`` below SLOT_PROC (self/attr/exec, self/attr/apparmor/exec);
    it begins with ``self/``."""

    code, wire, clause = 53, "ss", "config.md#linux-process: apparmorProfile, selinuxLabel"
    path: str
    label: str


class SetPersonality(Step):
    code, wire, clause = 56, "u", "config-linux.md#personality"
    domain: int


class BecomeRoot(Step):
    """User and group id 0 and no supplementary groups, for a user namespace joined by path."""

    code, wire, clause = 57, "", "config-linux.md#user-namespace-mappings"


class StartBroker(Step):
    """Fork a helper with the caller's rights, which enters the inner process's mount namespace
    and opens there what MountBind may not: sources that only the caller reaches, id mappings.
    It ends at PivotRoot. Before the cgroups are joined and privileges are given up."""

    code, wire, clause = 70, "", "config.md#mounts"


class MakeUserns(Step):
    """A user namespace of no process, for the id mapping of a mount, into ``slot``.

    The maps are texts as in Clone."""

    code, wire, clause = 71, "uss", "config.md#posix-platform-mounts: uidMappings, gidMappings"
    slot: int
    uid_map: str
    gid_map: str


class MakeFs(Step):
    """A detached new file system into ``slot``, its ids mapped by the user namespace in ``idmap``."""

    code, wire, clause = 72, "ussSuu", "config.md#posix-platform-mounts: uidMappings, gidMappings"
    slot: int
    fstype: str
    source: str
    options: tuple[str, ...]
    attrs: int
    idmap: int


class SetScheduler(Step):
    """``sched_setattr``; times in nanoseconds. ``refusal``: what EPERM means here, if that is known."""

    code, wire, clause = 80, "uuiuuuuss", "config.md#linux-process: scheduler"
    policy: int
    flags: int
    nice: int
    priority: int
    runtime_ns: int
    deadline_ns: int
    period_ns: int
    name: str
    refusal: str


class SetIoPriority(Step):
    """``ioprio_set`` for the process's group: class in the upper three of 16 bits."""

    code, wire, clause = 81, "u", "config.md#linux-process: ioPriority"
    priority: int


class OfferNetlink(Step):
    """A Sync by the tag ``netDevices`` that gives the runtime an rtnetlink socket of this network
    namespace: by it the runtime goes on with the devices that it moves here."""

    code, wire, clause = 84, "", "config-linux.md#network-devices"


class SetMemoryPolicy(Step):
    """``set_mempolicy``; ``mode`` with its flags."""

    code, wire, clause = 83, "ubs", "config-linux.md#memory-policy"
    mode: int
    nodes: bytes
    name: str


class MakeDevice(Step):
    """A device node on a file system of the caller's, as a detached mount in ``slot``.

    A user namespace may not make devices, nor open those on a file system of its own. ``uid`` and
    ``gid`` are the host's; where the kernel clones no detached mount the host's ``source`` is taken."""

    code, wire, clause = 73, "usuuuuu", "config-linux.md#devices"
    slot: int
    source: str
    mode: int
    major: int
    minor: int
    uid: int
    gid: int
