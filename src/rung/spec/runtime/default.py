"""The ``config.json`` that ``rung-runtime spec`` writes.

The content is that of ``runc spec`` (1.1, 1.2), so that people find what they know and
``diff`` shows the host name only. Pure: who is asking (ids, whether cgroups are v2) is told.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rung.spec.runtime.config import Config, Mount

#: The version of the specification that Rung follows.
OCI_VERSION = "1.3.0"

_CAPABILITIES = ("CAP_AUDIT_WRITE", "CAP_KILL", "CAP_NET_BIND_SERVICE")


def default_config(*, cgroup_v2: bool = False) -> Config:
    """A shell on a terminal, in new namespaces, with few capabilities.

    ``cgroup_v2`` adds a cgroup namespace, as runc does where all cgroups are version 2."""
    kinds = ["pid", "network", "ipc", "uts", "mount"] + ["cgroup"] * cgroup_v2
    return {
        "ociVersion": OCI_VERSION,
        "process": {
            "terminal": True,
            "user": {"uid": 0, "gid": 0},
            "args": ["sh"],
            "env": ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "TERM=xterm"],
            "cwd": "/",
            "capabilities": {
                "bounding": [*_CAPABILITIES],
                "effective": [*_CAPABILITIES],
                "permitted": [*_CAPABILITIES],
            },
            "rlimits": [{"type": "RLIMIT_NOFILE", "hard": 1024, "soft": 1024}],
            "noNewPrivileges": True,
        },
        "root": {"path": "rootfs", "readonly": True},
        "hostname": "rung",
        "mounts": _mounts(),
        "linux": {
            "resources": {"devices": [{"allow": False, "access": "rwm"}]},
            "namespaces": [{"type": kind} for kind in kinds],
            "maskedPaths": [
                "/proc/acpi",
                "/proc/asound",
                "/proc/kcore",
                "/proc/keys",
                "/proc/latency_stats",
                "/proc/timer_list",
                "/proc/timer_stats",
                "/proc/sched_debug",
                "/sys/firmware",
                "/proc/scsi",
            ],
            "readonlyPaths": [
                "/proc/bus",
                "/proc/fs",
                "/proc/irq",
                "/proc/sys",
                "/proc/sysrq-trigger",
            ],
        },
    }


def _mounts() -> list[Mount]:
    return [
        {"destination": "/proc", "type": "proc", "source": "proc"},
        {
            "destination": "/dev",
            "type": "tmpfs",
            "source": "tmpfs",
            "options": ["nosuid", "strictatime", "mode=755", "size=65536k"],
        },
        {
            "destination": "/dev/pts",
            "type": "devpts",
            "source": "devpts",
            "options": ["nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"],
        },
        {
            "destination": "/dev/shm",
            "type": "tmpfs",
            "source": "shm",
            "options": ["nosuid", "noexec", "nodev", "mode=1777", "size=65536k"],
        },
        {
            "destination": "/dev/mqueue",
            "type": "mqueue",
            "source": "mqueue",
            "options": ["nosuid", "noexec", "nodev"],
        },
        {
            "destination": "/sys",
            "type": "sysfs",
            "source": "sysfs",
            "options": ["nosuid", "noexec", "nodev", "ro"],
        },
        {
            "destination": "/sys/fs/cgroup",
            "type": "cgroup",
            "source": "cgroup",
            "options": ["nosuid", "noexec", "nodev", "relatime", "ro"],
        },
    ]


def rootless_config(uid: int, gid: int, *, cgroup_v2: bool = False) -> Config:
    """The same for a caller without privilege, who becomes root of a new user namespace.

    The network namespace, the resource limits and the terminals' group go: none of them
    can be had. A sysfs cannot be mounted without owning a network namespace: /sys is bound."""
    config = default_config(cgroup_v2=cgroup_v2)
    linux = config["linux"]
    kept = [namespace for namespace in linux["namespaces"] if namespace["type"] != "network"]
    config["mounts"] = [_without_ids(mount) for mount in config["mounts"]]
    config["linux"] = {
        "uidMappings": [{"containerID": 0, "hostID": uid, "size": 1}],
        "gidMappings": [{"containerID": 0, "hostID": gid, "size": 1}],
        "namespaces": [*kept, {"type": "user"}],
        "maskedPaths": linux["maskedPaths"],
        "readonlyPaths": linux["readonlyPaths"],
    }
    return config


def _without_ids(mount: Mount) -> Mount:
    if mount["destination"] == "/sys":
        options = ["rbind", "nosuid", "noexec", "nodev", "ro"]
        return {"destination": "/sys", "type": "none", "source": "/sys", "options": options}
    if "options" not in mount:
        return mount
    kept = [option for option in mount["options"] if not option.startswith(("uid=", "gid="))]
    return {**mount, "options": kept}


def to_text(document: Any) -> str:
    """The document indented with tabs and without a last line break, as Go writes it."""
    from rung import jsonc

    lines = jsonc.dumps(document, indent=1).split("\n")
    return "\n".join("\t" * (len(line) - len(line.lstrip(" "))) + line.lstrip(" ") for line in lines)
