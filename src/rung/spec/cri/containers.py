"""Containers of the Container Runtime Interface: configuration, life, state, what they use, and commands in them.

kubernetes/cri-api, pkg/apis/runtime/v1/api.proto. Fields that only Windows or SELinux hosts know are not here.
"""

from __future__ import annotations

from rung.spec.cri.common import (
    ImageSpec,
    Int64Value,
    LinuxContainerResources,
    NamespaceOption,
    SecurityProfile,
    UInt64Value,
)
from rung.spec.cri.pods import PodSandboxConfig
from rung.spec.protobuf import Message, field

# ContainerState
CREATED, RUNNING, EXITED, UNKNOWN = 0, 1, 2, 3


class ContainerMetadata(Message):
    name: str = field(1)
    attempt: int = field(2)


class KeyValue(Message):
    key: str = field(1)
    value: str = field(2)


class Mount(Message):
    """``propagation``: 0 private, 1 from the host, 2 both ways."""

    container_path: str = field(1)
    host_path: str = field(2)
    readonly: bool = field(3)
    selinux_relabel: bool = field(4)
    propagation: int = field(5)
    recursive_read_only: bool = field(8)


class Device(Message):
    container_path: str = field(1)
    host_path: str = field(2)
    permissions: str = field(3)


class Capability(Message):
    add_capabilities: list[str] = field(1)
    drop_capabilities: list[str] = field(2)
    add_ambient_capabilities: list[str] = field(3)


class LinuxContainerSecurityContext(Message):
    capabilities: Capability | None = field(1, Capability)
    privileged: bool = field(2)
    namespace_options: NamespaceOption | None = field(3, NamespaceOption)
    run_as_user: Int64Value | None = field(5, Int64Value)
    run_as_group: Int64Value | None = field(12, Int64Value)
    run_as_username: str = field(6)
    readonly_rootfs: bool = field(7)
    supplemental_groups: list[int] = field(8)
    no_new_privs: bool = field(11)
    masked_paths: list[str] = field(13)
    readonly_paths: list[str] = field(14)
    seccomp: SecurityProfile | None = field(15, SecurityProfile)
    apparmor: SecurityProfile | None = field(16, SecurityProfile)


class LinuxContainerConfig(Message):
    resources: LinuxContainerResources | None = field(1, LinuxContainerResources)
    security_context: LinuxContainerSecurityContext | None = field(2, LinuxContainerSecurityContext)


class ContainerConfig(Message):
    """``log_path`` is relative to the pod's ``log_directory``."""

    metadata: ContainerMetadata | None = field(1, ContainerMetadata)
    image: ImageSpec | None = field(2, ImageSpec)
    command: list[str] = field(3)
    args: list[str] = field(4)
    working_dir: str = field(5)
    envs: list[KeyValue] = field(6, KeyValue)
    mounts: list[Mount] = field(7, Mount)
    devices: list[Device] = field(8, Device)
    labels: dict[str, str] = field(9)
    annotations: dict[str, str] = field(10)
    log_path: str = field(11)
    stdin: bool = field(12)
    stdin_once: bool = field(13)
    tty: bool = field(14)
    linux: LinuxContainerConfig | None = field(15, LinuxContainerConfig)


class CreateContainerRequest(Message):
    pod_sandbox_id: str = field(1)
    config: ContainerConfig | None = field(2, ContainerConfig)
    sandbox_config: PodSandboxConfig | None = field(3, PodSandboxConfig)


class OfContainer(Message):
    """A request about a container as a whole; and what creating one answers."""

    container_id: str = field(1)


class StopContainerRequest(Message):
    """``timeout``: seconds between the stop signal and SIGKILL."""

    container_id: str = field(1)
    timeout: int = field(2)


# --- looking ----------------------------------------------------------------------------


class ContainerStateValue(Message):
    state: int = field(1)


class ContainerFilter(Message):
    id: str = field(1)
    state: ContainerStateValue | None = field(2, ContainerStateValue)
    pod_sandbox_id: str = field(3)
    label_selector: dict[str, str] = field(4)


class ListContainersRequest(Message):
    filter: ContainerFilter | None = field(1, ContainerFilter)


class Container(Message):
    id: str = field(1)
    pod_sandbox_id: str = field(2)
    metadata: ContainerMetadata | None = field(3, ContainerMetadata)
    image: ImageSpec | None = field(4, ImageSpec)
    image_ref: str = field(5)
    state: int = field(6)
    created_at: int = field(7)
    labels: dict[str, str] = field(8)
    annotations: dict[str, str] = field(9)


class ListContainersResponse(Message):
    containers: list[Container] = field(1, Container)


class ContainerStatusRequest(Message):
    container_id: str = field(1)
    verbose: bool = field(2)


class ContainerStatus(Message):
    """``reason``: why it is as it is, in a word: Completed, Error, OOMKilled."""

    id: str = field(1)
    metadata: ContainerMetadata | None = field(2, ContainerMetadata)
    state: int = field(3)
    created_at: int = field(4)
    started_at: int = field(5)
    finished_at: int = field(6)
    exit_code: int = field(7)
    image: ImageSpec | None = field(8, ImageSpec)
    image_ref: str = field(9)
    reason: str = field(10)
    message: str = field(11)
    labels: dict[str, str] = field(12)
    annotations: dict[str, str] = field(13)
    mounts: list[Mount] = field(14, Mount)
    log_path: str = field(15)


class ContainerStatusResponse(Message):
    """``info``: with ``verbose``, JSON documents by name, in the runtime's own words."""

    status: ContainerStatus | None = field(1, ContainerStatus)
    info: dict[str, str] = field(2)


class UpdateContainerResourcesRequest(Message):
    container_id: str = field(1)
    linux: LinuxContainerResources | None = field(2, LinuxContainerResources)
    annotations: dict[str, str] = field(4)


# --- commands, and what it uses ---------------------------------------------------------


class ExecSyncRequest(Message):
    """``timeout`` in seconds; 0 is none."""

    container_id: str = field(1)
    cmd: list[str] = field(2)
    timeout: int = field(3)


class ExecSyncResponse(Message):
    stdout: bytes = field(1)
    stderr: bytes = field(2)
    exit_code: int = field(3)


class ContainerAttributes(Message):
    id: str = field(1)
    metadata: ContainerMetadata | None = field(2, ContainerMetadata)
    labels: dict[str, str] = field(3)
    annotations: dict[str, str] = field(4)


class CpuUsage(Message):
    timestamp: int = field(1)
    usage_core_nano_seconds: UInt64Value | None = field(2, UInt64Value)
    usage_nano_cores: UInt64Value | None = field(3, UInt64Value)


class MemoryUsage(Message):
    timestamp: int = field(1)
    working_set_bytes: UInt64Value | None = field(2, UInt64Value)
    available_bytes: UInt64Value | None = field(3, UInt64Value)
    usage_bytes: UInt64Value | None = field(4, UInt64Value)
    rss_bytes: UInt64Value | None = field(5, UInt64Value)
    page_faults: UInt64Value | None = field(6, UInt64Value)
    major_page_faults: UInt64Value | None = field(7, UInt64Value)


class ContainerStats(Message):
    attributes: ContainerAttributes | None = field(1, ContainerAttributes)
    cpu: CpuUsage | None = field(2, CpuUsage)
    memory: MemoryUsage | None = field(3, MemoryUsage)


class ContainerStatsResponse(Message):
    stats: ContainerStats | None = field(1, ContainerStats)


class ContainerStatsFilter(Message):
    id: str = field(1)
    pod_sandbox_id: str = field(2)
    label_selector: dict[str, str] = field(3)


class ListContainerStatsRequest(Message):
    filter: ContainerStatsFilter | None = field(1, ContainerStatsFilter)


class ListContainerStatsResponse(Message):
    stats: list[ContainerStats] = field(1, ContainerStats)
