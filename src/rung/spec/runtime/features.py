"""The document of ``rung-runtime features``: what this runtime understands.

Follows features.md and features-linux.md of the runtime specification 1.2 (1.3 where it
adds fields). What is said here is what is compiled in; whether the kernel of the moment
has it is not looked at, as the specification wants it. Pure: lists that other parts own
(mount options, architectures of seccomp) are handed in by the command.
"""

from __future__ import annotations

from rung.spec.runtime.default import OCI_VERSION
from rung.spec.runtime.names import CAPABILITIES, MEMORY_POLICIES, MEMORY_POLICY_FLAGS, NAMESPACES
from rung.spec.runtime.schema import ENUMS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

#: Annotations that may change between two versions and are trusted by nobody.
UNSAFE_ANNOTATIONS = ("bundle", "org.systemd.property.", "org.criu.config")


def features(
    *,
    version: str,
    mount_options: Iterable[str],
    seccomp_archs: Iterable[str],
    seccomp_actions: Iterable[str],
    seccomp_flags: Iterable[str],
    systemd: bool = False,
    idmapped_mounts: bool = False,
    intel_rdt: bool = False,
    net_devices: bool = False,
    memory_policy: bool = False,
) -> dict[str, Any]:
    """The document. The switches say what this build of the runtime implements."""
    flags = sorted(seccomp_flags)
    linux: dict[str, Any] = {
        "namespaces": sorted(NAMESPACES),
        "capabilities": list(CAPABILITIES),
        "cgroup": {"v1": True, "v2": True, "systemd": systemd, "systemdUser": systemd, "rdma": True},
        "seccomp": {
            "enabled": True,
            "actions": sorted(seccomp_actions),
            "operators": list(ENUMS["seccomp operator"]),
            "archs": sorted(seccomp_archs),
            "knownFlags": list(ENUMS["seccomp flag"]),
            "supportedFlags": flags,
        },
        "apparmor": {"enabled": True},
        "selinux": {"enabled": True},
        "intelRdt": {"enabled": intel_rdt, "schemata": intel_rdt, "monitoring": intel_rdt},
        "mountExtensions": {"idmap": {"enabled": idmapped_mounts}},
        "netDevices": {"enabled": net_devices},
    }
    if memory_policy:
        linux["memoryPolicy"] = {"modes": sorted(MEMORY_POLICIES), "flags": sorted(MEMORY_POLICY_FLAGS)}
    return {
        "ociVersionMin": "1.0.0",
        "ociVersionMax": OCI_VERSION,
        "hooks": [
            "prestart",
            "createRuntime",
            "createContainer",
            "startContainer",
            "poststart",
            "poststop",
        ],
        "mountOptions": sorted(mount_options),
        "linux": linux,
        "annotations": {
            "org.rung.runtime.version": version,
            "org.opencontainers.runc.checkpoint.enabled": "false",
        },
        "potentiallyUnsafeConfigAnnotations": list(UNSAFE_ANNOTATIONS),
    }
