"""Pods of the Container Runtime Interface: their sandbox's configuration, life and state.

kubernetes/cri-api, pkg/apis/runtime/v1/api.proto. Fields that only Windows or SELinux hosts know are not here.
"""

from __future__ import annotations

from rung.spec.cri.common import Int64Value, LinuxContainerResources, NamespaceOption, SecurityProfile
from rung.spec.protobuf import Message, field

# PodSandboxState
SANDBOX_READY, SANDBOX_NOTREADY = 0, 1


class PodSandboxMetadata(Message):
    """What names a pod: the same ``uid`` with another ``attempt`` is the same pod's next sandbox."""

    name: str = field(1)
    uid: str = field(2)
    namespace: str = field(3)
    attempt: int = field(4)


class DNSConfig(Message):
    servers: list[str] = field(1)
    searches: list[str] = field(2)
    options: list[str] = field(3)


class PortMapping(Message):
    protocol: int = field(1)
    container_port: int = field(2)
    host_port: int = field(3)
    host_ip: str = field(4)


class LinuxSandboxSecurityContext(Message):
    namespace_options: NamespaceOption | None = field(1, NamespaceOption)
    run_as_user: Int64Value | None = field(3, Int64Value)
    run_as_group: Int64Value | None = field(8, Int64Value)
    readonly_rootfs: bool = field(4)
    supplemental_groups: list[int] = field(5)
    privileged: bool = field(6)
    seccomp: SecurityProfile | None = field(9, SecurityProfile)
    apparmor: SecurityProfile | None = field(10, SecurityProfile)


class LinuxPodSandboxConfig(Message):
    cgroup_parent: str = field(1)
    security_context: LinuxSandboxSecurityContext | None = field(2, LinuxSandboxSecurityContext)
    sysctls: dict[str, str] = field(3)
    overhead: LinuxContainerResources | None = field(4, LinuxContainerResources)
    resources: LinuxContainerResources | None = field(5, LinuxContainerResources)


class PodSandboxConfig(Message):
    metadata: PodSandboxMetadata | None = field(1, PodSandboxMetadata)
    hostname: str = field(2)
    log_directory: str = field(3)
    dns_config: DNSConfig | None = field(4, DNSConfig)
    port_mappings: list[PortMapping] = field(5, PortMapping)
    labels: dict[str, str] = field(6)
    annotations: dict[str, str] = field(7)
    linux: LinuxPodSandboxConfig | None = field(8, LinuxPodSandboxConfig)


class RunPodSandboxRequest(Message):
    config: PodSandboxConfig | None = field(1, PodSandboxConfig)
    runtime_handler: str = field(2)


class OfPod(Message):
    """A request about a sandbox: stop it, remove it; and what running one answers."""

    pod_sandbox_id: str = field(1)


class PodSandboxStatusRequest(Message):
    pod_sandbox_id: str = field(1)
    verbose: bool = field(2)


class PodIP(Message):
    ip: str = field(1)


class PodSandboxNetworkStatus(Message):
    ip: str = field(1)
    additional_ips: list[PodIP] = field(2, PodIP)


class Namespace(Message):
    options: NamespaceOption | None = field(2, NamespaceOption)


class LinuxPodSandboxStatus(Message):
    namespaces: Namespace | None = field(1, Namespace)


class PodSandboxStatus(Message):
    id: str = field(1)
    metadata: PodSandboxMetadata | None = field(2, PodSandboxMetadata)
    state: int = field(3)
    created_at: int = field(4)
    network: PodSandboxNetworkStatus | None = field(5, PodSandboxNetworkStatus)
    linux: LinuxPodSandboxStatus | None = field(6, LinuxPodSandboxStatus)
    labels: dict[str, str] = field(7)
    annotations: dict[str, str] = field(8)
    runtime_handler: str = field(9)


class PodSandboxStatusResponse(Message):
    """``info``: with ``verbose``, JSON documents by name, in the runtime's own words."""

    status: PodSandboxStatus | None = field(1, PodSandboxStatus)
    info: dict[str, str] = field(2)
