"""The types of ``config.json`` and of the state, for type checkers and readers.

Follows the OCI runtime specification 1.2 (config.md, config-linux.md, runtime.md) and
takes in what 1.3 adds for Linux (``netDevices``, ``memoryPolicy``, ``intelRdt.schemata``).
Other modules import this one under ``TYPE_CHECKING`` only: it costs nothing at run time,
and may import ``typing``. What is checked when a document comes in is in ``schema.py``;
a test holds the two together, name by name.

A key that is ``NotRequired`` may be absent; ``validate`` removes nulls, so a key that is
there has the type given here. The sections of other systems are not looked into.
"""

from __future__ import annotations

from typing import Annotated, NotRequired, TypedDict

I32 = Annotated[int, "i32"]
I64 = Annotated[int, "i64"]
U16 = Annotated[int, "u16"]
U32 = Annotated[int, "u32"]
U64 = Annotated[int, "u64"]

NamespaceType = Annotated[str, "@namespace"]
RlimitType = Annotated[str, "@resource limit"]
Propagation = Annotated[str, "@propagation"]
DeviceType = Annotated[str, "@device type"]
DeviceCgroupType = Annotated[str, "@device cgroup type"]
SchedulerPolicy = Annotated[str, "@scheduling policy"]
SchedulerFlag = Annotated[str, "@scheduling flag"]
IOPriorityClass = Annotated[str, "@I/O priority class"]
PersonalityDomain = Annotated[str, "@personality"]
MemoryPolicyMode = Annotated[str, "@memory policy mode"]
MemoryPolicyFlag = Annotated[str, "@memory policy flag"]
SeccompAction = Annotated[str, "@seccomp action"]
SeccompArch = Annotated[str, "@seccomp architecture"]
SeccompFlag = Annotated[str, "@seccomp flag"]
SeccompOperator = Annotated[str, "@seccomp operator"]
Status = Annotated[str, "@container status"]

# --- process: config.md#process ---------------------------------------------------


class Box(TypedDict):
    """A terminal's size in characters."""

    height: U64
    width: U64


class User(TypedDict):
    """config.md#posix-platform-user. Absent ids are 0."""

    uid: NotRequired[U32]
    gid: NotRequired[U32]
    umask: NotRequired[U32]
    additionalGids: NotRequired[list[U32]]
    username: NotRequired[str]


class Capabilities(TypedDict):
    """The five sets, by name; names that the kernel lacks are passed over."""

    bounding: NotRequired[list[str]]
    effective: NotRequired[list[str]]
    inheritable: NotRequired[list[str]]
    permitted: NotRequired[list[str]]
    ambient: NotRequired[list[str]]


class Rlimit(TypedDict):
    type: RlimitType
    hard: U64
    soft: U64


class Scheduler(TypedDict):
    """The arguments of sched_setattr(2); times in nanoseconds."""

    policy: SchedulerPolicy
    nice: NotRequired[I32]
    priority: NotRequired[I32]
    flags: NotRequired[list[SchedulerFlag]]
    runtime: NotRequired[U64]
    deadline: NotRequired[U64]
    period: NotRequired[U64]


IOPriority = TypedDict("IOPriority", {"class": IOPriorityClass, "priority": NotRequired[I32]})


class ExecCPUAffinity(TypedDict):
    """CPU lists for processes of ``exec``, before and after they enter the cgroup."""

    initial: NotRequired[str]
    final: NotRequired[str]


class Process(TypedDict):
    terminal: NotRequired[bool]
    consoleSize: NotRequired[Box]
    user: NotRequired[User]
    args: list[str]
    commandLine: NotRequired[str]
    env: NotRequired[list[str]]
    cwd: str
    capabilities: NotRequired[Capabilities]
    rlimits: NotRequired[list[Rlimit]]
    noNewPrivileges: NotRequired[bool]
    apparmorProfile: NotRequired[str]
    oomScoreAdj: NotRequired[I64]
    scheduler: NotRequired[Scheduler]
    selinuxLabel: NotRequired[str]
    ioPriority: NotRequired[IOPriority]
    execCPUAffinity: NotRequired[ExecCPUAffinity]


# --- root, mounts, hooks: config.md -----------------------------------------------


class Root(TypedDict):
    path: str
    readonly: NotRequired[bool]


class IdMapping(TypedDict):
    containerID: U32
    hostID: U32
    size: U32


class Mount(TypedDict):
    destination: str
    type: NotRequired[str]
    source: NotRequired[str]
    options: NotRequired[list[str]]
    uidMappings: NotRequired[list[IdMapping]]
    gidMappings: NotRequired[list[IdMapping]]


class Hook(TypedDict):
    """``timeout`` is in seconds."""

    path: str
    args: NotRequired[list[str]]
    env: NotRequired[list[str]]
    timeout: NotRequired[I64]


class Hooks(TypedDict):
    prestart: NotRequired[list[Hook]]
    createRuntime: NotRequired[list[Hook]]
    createContainer: NotRequired[list[Hook]]
    startContainer: NotRequired[list[Hook]]
    poststart: NotRequired[list[Hook]]
    poststop: NotRequired[list[Hook]]


# --- resources: config-linux.md#control-groups ------------------------------------


class DeviceCgroup(TypedDict):
    allow: bool
    type: NotRequired[DeviceCgroupType]
    major: NotRequired[I64]
    minor: NotRequired[I64]
    access: NotRequired[str]


class Memory(TypedDict):
    """Bytes; -1 is no limit. ``swap`` counts memory and swap together."""

    limit: NotRequired[I64]
    reservation: NotRequired[I64]
    swap: NotRequired[I64]
    kernel: NotRequired[I64]
    kernelTCP: NotRequired[I64]
    swappiness: NotRequired[U64]
    disableOOMKiller: NotRequired[bool]
    useHierarchy: NotRequired[bool]
    checkBeforeUpdate: NotRequired[bool]


class CPU(TypedDict):
    """Times in microseconds."""

    shares: NotRequired[U64]
    quota: NotRequired[I64]
    burst: NotRequired[U64]
    period: NotRequired[U64]
    realtimeRuntime: NotRequired[I64]
    realtimePeriod: NotRequired[U64]
    cpus: NotRequired[str]
    mems: NotRequired[str]
    idle: NotRequired[I64]


class Pids(TypedDict):
    limit: NotRequired[I64]


class WeightDevice(TypedDict):
    major: I64
    minor: I64
    weight: NotRequired[U16]
    leafWeight: NotRequired[U16]


class ThrottleDevice(TypedDict):
    major: I64
    minor: I64
    rate: NotRequired[U64]


class BlockIO(TypedDict):
    weight: NotRequired[U16]
    leafWeight: NotRequired[U16]
    weightDevice: NotRequired[list[WeightDevice]]
    throttleReadBpsDevice: NotRequired[list[ThrottleDevice]]
    throttleWriteBpsDevice: NotRequired[list[ThrottleDevice]]
    throttleReadIOPSDevice: NotRequired[list[ThrottleDevice]]
    throttleWriteIOPSDevice: NotRequired[list[ThrottleDevice]]


class HugepageLimit(TypedDict):
    pageSize: str
    limit: U64


class InterfacePriority(TypedDict):
    name: str
    priority: U32


class Network(TypedDict):
    classID: NotRequired[U32]
    priorities: NotRequired[list[InterfacePriority]]


class Rdma(TypedDict):
    hcaHandles: NotRequired[U32]
    hcaObjects: NotRequired[U32]


class Resources(TypedDict):
    devices: NotRequired[list[DeviceCgroup]]
    memory: NotRequired[Memory]
    cpu: NotRequired[CPU]
    pids: NotRequired[Pids]
    blockIO: NotRequired[BlockIO]
    hugepageLimits: NotRequired[list[HugepageLimit]]
    network: NotRequired[Network]
    rdma: NotRequired[dict[str, Rdma]]
    unified: NotRequired[dict[str, str]]


# --- seccomp: config-linux.md#seccomp ---------------------------------------------


class SyscallArg(TypedDict):
    index: U32
    value: U64
    valueTwo: NotRequired[U64]
    op: SeccompOperator


class Syscall(TypedDict):
    names: list[str]
    action: SeccompAction
    errnoRet: NotRequired[U32]
    args: NotRequired[list[SyscallArg]]


class Seccomp(TypedDict):
    """Without a default action and without system calls there is no filter, as in runc."""

    defaultAction: NotRequired[SeccompAction]
    defaultErrnoRet: NotRequired[U32]
    architectures: NotRequired[list[SeccompArch]]
    flags: NotRequired[list[SeccompFlag]]
    listenerPath: NotRequired[str]
    listenerMetadata: NotRequired[str]
    syscalls: NotRequired[list[Syscall]]


# --- linux: config-linux.md -------------------------------------------------------


class Namespace(TypedDict):
    """Without ``path`` (or with an empty one) a new namespace."""

    type: NamespaceType
    path: NotRequired[str]


class Device(TypedDict):
    path: str
    type: DeviceType
    major: NotRequired[I64]
    minor: NotRequired[I64]
    fileMode: NotRequired[U32]
    uid: NotRequired[U32]
    gid: NotRequired[U32]


class NetDevice(TypedDict):
    name: NotRequired[str]


class IntelRdt(TypedDict):
    closID: NotRequired[str]
    schemata: NotRequired[list[str]]
    l3CacheSchema: NotRequired[str]
    memBwSchema: NotRequired[str]
    enableCMT: NotRequired[bool]
    enableMBM: NotRequired[bool]
    enableMonitoring: NotRequired[bool]


class MemoryPolicy(TypedDict):
    mode: MemoryPolicyMode
    nodes: NotRequired[str]
    flags: NotRequired[list[MemoryPolicyFlag]]


class Personality(TypedDict):
    domain: PersonalityDomain
    flags: NotRequired[list[str]]


class TimeOffset(TypedDict):
    secs: NotRequired[I64]
    nanosecs: NotRequired[U32]


class Linux(TypedDict):
    uidMappings: NotRequired[list[IdMapping]]
    gidMappings: NotRequired[list[IdMapping]]
    sysctl: NotRequired[dict[str, str]]
    resources: NotRequired[Resources]
    cgroupsPath: NotRequired[str]
    namespaces: NotRequired[list[Namespace]]
    devices: NotRequired[list[Device]]
    netDevices: NotRequired[dict[str, NetDevice]]
    seccomp: NotRequired[Seccomp]
    rootfsPropagation: NotRequired[Propagation]
    maskedPaths: NotRequired[list[str]]
    readonlyPaths: NotRequired[list[str]]
    mountLabel: NotRequired[str]
    intelRdt: NotRequired[IntelRdt]
    memoryPolicy: NotRequired[MemoryPolicy]
    personality: NotRequired[Personality]
    timeOffsets: NotRequired[dict[str, TimeOffset]]


class Config(TypedDict):
    """``process`` may be absent: it is needed by ``start``, not by ``create``."""

    ociVersion: str
    process: NotRequired[Process]
    root: Root
    hostname: NotRequired[str]
    domainname: NotRequired[str]
    mounts: NotRequired[list[Mount]]
    hooks: NotRequired[Hooks]
    annotations: NotRequired[dict[str, str]]
    linux: NotRequired[Linux]


class State(TypedDict):
    """runtime.md#state"""

    ociVersion: str
    id: str
    status: Status
    pid: NotRequired[I64]
    bundle: str
    annotations: NotRequired[dict[str, str]]
