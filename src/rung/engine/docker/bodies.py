"""The types of requests' bodies, as Docker's Engine API describes them (v1.24 to 1.47), with Go's names of them."""

from __future__ import annotations

from rung.engine.docker.typed import Kind

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping

TEXT, FLAG, ANY = Kind("string", "string"), Kind("bool", "bool"), Kind("any", "")
INT, INT64 = Kind("int", "int"), Kind("int64", "int64")
WORDS = Kind("words", "string")
NOTHING = Kind("struct", "struct {}", members={})
SET = Kind("map", "map[string]struct {}", NOTHING)


def named(shown: str) -> Kind:
    """A string with a name of its own."""
    return Kind("string", shown)


def many(inner: Kind, shown: str = "") -> Kind:
    """A list."""
    return Kind("list", f"[]{shown or inner.shown}", inner)


def mapping(inner: Kind, shown: str = "") -> Kind:
    """An object with any names."""
    return Kind("map", shown or f"map[string]{inner.shown}", inner)


def struct(package: str, name: str, fields: Mapping[str, Kind], **embedded: Mapping[str, Kind]) -> Kind:
    """An object with these names; ``embedded``: those of structs in it whose names do not show."""
    found = {field: ("", kind) for field, kind in fields.items()}
    for outer, inner in embedded.items():
        found.update({field: (outer, kind) for field, kind in inner.items()})
    return Kind("struct", f"{package}.{name}", name=name, members=found)


TEXTS, LABELS = many(TEXT), mapping(TEXT)

_HEALTH = struct(
    "container",
    "HealthcheckConfig",
    {"Test": TEXTS}
    | {
        name: Kind("int64", "time.Duration")
        for name in ("Interval", "Timeout", "StartPeriod", "StartInterval")
    }
    | {"Retries": INT},
)
_PORTS = Kind("map", "nat.PortSet", NOTHING)
CONFIG: dict[str, Kind] = {
    **dict.fromkeys("Hostname Domainname User Image WorkingDir MacAddress StopSignal".split(), TEXT),
    **dict.fromkeys("AttachStdin AttachStdout AttachStderr Tty OpenStdin StdinOnce".split(), FLAG),
    **dict.fromkeys(("ArgsEscaped", "NetworkDisabled"), FLAG),
    **dict.fromkeys(("Cmd", "Entrypoint", "Shell"), WORDS),
    "Env": TEXTS,
    "OnBuild": TEXTS,
    "ExposedPorts": _PORTS,
    "Volumes": SET,
    "Labels": LABELS,
    "Healthcheck": _HEALTH,
    "StopTimeout": INT,
}

_IPAM_OF_ENDPOINT = struct(
    "network", "EndpointIPAMConfig", {"IPv4Address": TEXT, "IPv6Address": TEXT, "LinkLocalIPs": TEXTS}
)
ENDPOINT = struct(
    "network",
    "EndpointSettings",
    {
        "IPAMConfig": _IPAM_OF_ENDPOINT,
        "Links": TEXTS,
        "Aliases": TEXTS,
        "DNSNames": TEXTS,
        "DriverOpts": LABELS,
        **dict.fromkeys("MacAddress NetworkID EndpointID Gateway IPAddress IPv6Gateway".split(), TEXT),
        "GlobalIPv6Address": TEXT,
        "IPPrefixLen": INT,
        "GlobalIPv6PrefixLen": INT,
    },
)
_ENDPOINTS = mapping(ENDPOINT, "map[string]*network.EndpointSettings")
_NETWORKING = struct("network", "NetworkingConfig", {"EndpointsConfig": _ENDPOINTS})

_RATE = many(
    struct("blkiodev", "ThrottleDevice", {"Path": TEXT, "Rate": Kind("uint64", "uint64")}),
    "*blkiodev.ThrottleDevice",
)
_WEIGHT = struct("blkiodev", "WeightDevice", {"Path": TEXT, "Weight": Kind("uint16", "uint16")})
_ULIMIT = struct("units", "Ulimit", {"Name": TEXT, "Hard": INT64, "Soft": INT64})
_DEVICE = struct(
    "container", "DeviceMapping", {"PathOnHost": TEXT, "PathInContainer": TEXT, "CgroupPermissions": TEXT}
)
_DEVICE_REQUEST = struct(
    "container",
    "DeviceRequest",
    {"Driver": TEXT, "Count": INT, "DeviceIDs": TEXTS, "Capabilities": many(TEXTS), "Options": LABELS},
)
RESOURCES: dict[str, Kind] = {
    **dict.fromkeys(
        "CpuShares Memory NanoCpus CpuPeriod CpuQuota CpuRealtimePeriod CpuRealtimeRuntime KernelMemory "
        "KernelMemoryTCP MemoryReservation MemorySwap MemorySwappiness PidsLimit CpuCount CpuPercent".split(),
        INT64,
    ),
    "IOMaximumIOps": Kind("uint64", "uint64"),
    "IOMaximumBandwidth": Kind("uint64", "uint64"),
    **dict.fromkeys(("CgroupParent", "CpusetCpus", "CpusetMems"), TEXT),
    "BlkioWeight": Kind("uint16", "uint16"),
    "BlkioWeightDevice": many(_WEIGHT, "*blkiodev.WeightDevice"),
    **dict.fromkeys(
        "BlkioDeviceReadBps BlkioDeviceWriteBps BlkioDeviceReadIOps BlkioDeviceWriteIOps".split(), _RATE
    ),
    "Devices": many(_DEVICE),
    "DeviceCgroupRules": TEXTS,
    "DeviceRequests": many(_DEVICE_REQUEST),
    "OomKillDisable": FLAG,
    "Ulimits": many(_ULIMIT, "*units.Ulimit"),
}
_POLICY = struct(
    "container", "RestartPolicy", {"Name": named("container.RestartPolicyMode"), "MaximumRetryCount": INT}
)
_BINDING = struct("nat", "PortBinding", {"HostIp": TEXT, "HostPort": TEXT})
_MOUNT = struct(
    "mount",
    "Mount",
    {
        "Type": named("mount.Type"),
        "Source": TEXT,
        "Target": TEXT,
        "ReadOnly": FLAG,
        "Consistency": named("mount.Consistency"),
        "BindOptions": struct(
            "mount",
            "BindOptions",
            {"Propagation": named("mount.Propagation")}
            | dict.fromkeys(
                "NonRecursive CreateMountpoint ReadOnlyNonRecursive ReadOnlyForceRecursive".split(), FLAG
            ),
        ),
        "VolumeOptions": struct(
            "mount",
            "VolumeOptions",
            {
                "NoCopy": FLAG,
                "Labels": LABELS,
                "Subpath": TEXT,
                "DriverConfig": struct("mount", "Driver", {"Name": TEXT, "Options": LABELS}),
            },
        ),
        "TmpfsOptions": struct(
            "mount",
            "TmpfsOptions",
            {"SizeBytes": INT64, "Mode": Kind("uint32", "fs.FileMode"), "Options": many(TEXTS)},
        ),
        "ClusterOptions": struct("mount", "ClusterOptions", {}),
    },
)
HOST = struct(
    "container",
    "HostConfig",
    {
        **dict.fromkeys(
            "Binds VolumesFrom Dns DnsOptions DnsSearch ExtraHosts GroupAdd Links SecurityOpt".split(), TEXTS
        ),
        **dict.fromkeys(("MaskedPaths", "ReadonlyPaths"), TEXTS),
        **dict.fromkeys(("ContainerIDFile", "VolumeDriver", "Runtime"), TEXT),
        "LogConfig": struct("container", "LogConfig", {"Type": TEXT, "Config": LABELS}),
        "NetworkMode": named("container.NetworkMode"),
        "PortBindings": Kind("map", "nat.PortMap", many(_BINDING)),
        "RestartPolicy": _POLICY,
        **dict.fromkeys("AutoRemove Privileged PublishAllPorts ReadonlyRootfs Init".split(), FLAG),
        "ConsoleSize": Kind("list", "[2]uint", Kind("uint", "uint")),
        "Annotations": LABELS,
        "CapAdd": WORDS,
        "CapDrop": WORDS,
        "CgroupnsMode": named("container.CgroupnsMode"),
        "IpcMode": named("container.IpcMode"),
        "Cgroup": named("container.CgroupSpec"),
        "OomScoreAdj": INT,
        "PidMode": named("container.PidMode"),
        "StorageOpt": LABELS,
        "Tmpfs": LABELS,
        "UTSMode": named("container.UTSMode"),
        "UsernsMode": named("container.UsernsMode"),
        "ShmSize": INT64,
        "Sysctls": LABELS,
        "Isolation": named("container.Isolation"),
        "Mounts": many(_MOUNT),
    },
    Resources=RESOURCES,
)
CONTAINER = struct(
    "runconfig",
    "ContainerConfigWrapper",
    {"HostConfig": HOST, "NetworkingConfig": _NETWORKING, "Runtime": ANY},  # docker-py has the runtime there
    Config=CONFIG,
)
UPDATE = struct("container", "UpdateConfig", {"RestartPolicy": _POLICY}, Resources=RESOURCES)
EXEC = struct(
    "types",
    "ExecConfig",
    {
        **dict.fromkeys("Privileged Tty AttachStdin AttachStderr AttachStdout Detach".split(), FLAG),
        **dict.fromkeys(("User", "DetachKeys", "WorkingDir"), TEXT),
        "ConsoleSize": Kind("list", "[2]uint", Kind("uint", "uint")),
        "Env": TEXTS,
        "Cmd": TEXTS,
    },
)
EXEC_START = struct(
    "types",
    "ExecStartCheck",
    {"Detach": FLAG, "Tty": FLAG, "ConsoleSize": Kind("list", "[2]uint", Kind("uint", "uint"))},
)
_IPAM_CONFIG = struct(
    "network", "IPAMConfig", {"Subnet": TEXT, "IPRange": TEXT, "Gateway": TEXT, "AuxiliaryAddresses": LABELS}
)
_IPAM = struct("network", "IPAM", {"Driver": TEXT, "Options": LABELS, "Config": many(_IPAM_CONFIG)})
NETWORK = struct(
    "types",
    "NetworkCreateRequest",
    {"Name": TEXT},
    NetworkCreate={
        **dict.fromkeys(
            "CheckDuplicate EnableIPv4 EnableIPv6 Internal Attachable Ingress ConfigOnly".split(), FLAG
        ),
        "Driver": TEXT,
        "Scope": TEXT,
        "IPAM": _IPAM,
        "ConfigFrom": struct("network", "ConfigReference", {"Network": TEXT}),
        "Options": LABELS,
        "Labels": LABELS,
    },
)
CONNECT = struct("types", "NetworkConnect", {"Container": TEXT, "EndpointConfig": ENDPOINT})
DISCONNECT = struct("types", "NetworkDisconnect", {"Container": TEXT, "Force": FLAG})
VOLUME = struct(
    "volume",
    "CreateOptions",
    {
        "ClusterVolumeSpec": struct("volume", "ClusterVolumeSpec", {}),
        "Driver": TEXT,
        "DriverOpts": LABELS,
        "Labels": LABELS,
        "Name": TEXT,
    },
)
AUTH = struct(
    "registry",
    "AuthConfig",
    dict.fromkeys("username password auth email serveraddress identitytoken registrytoken".split(), TEXT),
)
CHECKPOINT = struct(
    "checkpoint", "CreateOptions", {"CheckpointID": TEXT, "CheckpointDir": TEXT, "Exit": FLAG}
)
#: Rung's own (``leases.py``).
LEASE = struct("rung", "LeaseRequest", {"Labels": LABELS, "ExpiresIn": INT64, "Connection": FLAG})
