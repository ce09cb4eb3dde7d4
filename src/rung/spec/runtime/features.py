"""The document of ``rung-runtime features``: what this runtime understands.

Follows features.md and features-linux.md of the runtime specification 1.3. What is said
here is what is compiled in; whether the kernel of the moment has it is not looked at, as the
specification wants it. Pure: lists that other parts own (mount options, architectures of
seccomp) are handed in by the command.
"""

from __future__ import annotations

from rung.spec.runtime.default import OCI_VERSION
from rung.spec.runtime.names import CAPABILITIES, MEMORY_POLICIES, MEMORY_POLICY_FLAGS, NAMESPACES
from rung.spec.runtime.schema import ENUMS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

#: Annotations that change what the runtime does: not for an engine to take from a stranger. A
#: last dot makes a prefix; ``run.oci.`` are crun's, of which some are honoured.
UNSAFE_ANNOTATIONS = ("bundle", "org.criu.config", "org.systemd.property.", "run.oci.")


def features(
    *,
    version: str,
    mount_options: Iterable[str],
    seccomp_archs: Iterable[str],
    seccomp_actions: Iterable[str],
    seccomp_flags: Iterable[str],
) -> dict[str, Any]:
    """The document."""
    flags = sorted(seccomp_flags)
    linux: dict[str, Any] = {
        "namespaces": sorted(NAMESPACES),
        "capabilities": list(CAPABILITIES),
        "cgroup": {"v1": True, "v2": True, "systemd": True, "systemdUser": True, "rdma": True},
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
        "intelRdt": {"enabled": True, "schemata": True, "monitoring": True},
        "mountExtensions": {"idmap": {"enabled": True}},
        "netDevices": {"enabled": True},
        "memoryPolicy": {"modes": sorted(MEMORY_POLICIES), "flags": sorted(MEMORY_POLICY_FLAGS)},
    }
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
            "org.opencontainers.runc.checkpoint.enabled": "true",
        },
        "potentiallyUnsafeConfigAnnotations": list(UNSAFE_ANNOTATIONS),
    }
