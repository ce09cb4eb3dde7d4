"""What several of the CRI's messages are made of, and what it is asked about the runtime as a whole.

kubernetes/cri-api, pkg/apis/runtime/v1/api.proto.
"""

from __future__ import annotations

from rung.spec.protobuf import Message, field

# NamespaceMode
POD, CONTAINER, NODE, TARGET = 0, 1, 2, 3


class Empty(Message):
    """Every answer that says nothing but that it was done."""


class Int64Value(Message):
    value: int = field(1)


class UInt64Value(Message):
    value: int = field(1, unsigned=True)


class NamespaceOption(Message):
    """Whose namespaces: the pod's, the container's own, the node's, or those of the container ``target_id``."""

    network: int = field(1)
    pid: int = field(2)
    ipc: int = field(3)
    target_id: str = field(4)


class SecurityProfile(Message):
    """``profile_type``: 0 the runtime's default, 1 none, 2 the file ``localhost_ref``."""

    profile_type: int = field(1)
    localhost_ref: str = field(2)


class LinuxContainerResources(Message):
    """Limits; 0 is none given."""

    cpu_period: int = field(1)
    cpu_quota: int = field(2)
    cpu_shares: int = field(3)
    memory_limit_in_bytes: int = field(4)
    oom_score_adj: int = field(5)
    cpuset_cpus: str = field(6)
    cpuset_mems: str = field(7)
    unified: dict[str, str] = field(9)
    memory_swap_limit_in_bytes: int = field(10)


class ImageSpec(Message):
    image: str = field(1)
    annotations: dict[str, str] = field(2)


# --- the runtime ------------------------------------------------------------------------


class VersionRequest(Message):
    version: str = field(1)


class VersionResponse(Message):
    version: str = field(1)
    runtime_name: str = field(2)
    runtime_version: str = field(3)
    runtime_api_version: str = field(4)


class StatusRequest(Message):
    verbose: bool = field(1)


class RuntimeCondition(Message):
    """``type`` is RuntimeReady or NetworkReady."""

    type: str = field(1)
    status: bool = field(2)
    reason: str = field(3)
    message: str = field(4)


class RuntimeStatus(Message):
    conditions: list[RuntimeCondition] = field(1, RuntimeCondition)


class StatusResponse(Message):
    status: RuntimeStatus | None = field(1, RuntimeStatus)
    info: dict[str, str] = field(2)


# --- images -----------------------------------------------------------------------------


class ImageStatusRequest(Message):
    image: ImageSpec | None = field(1, ImageSpec)
    verbose: bool = field(2)


class Image(Message):
    id: str = field(1)
    repo_tags: list[str] = field(2)
    repo_digests: list[str] = field(3)
    size: int = field(4, unsigned=True)


class ImageStatusResponse(Message):
    """``image`` is None where there is none of that name."""

    image: Image | None = field(1, Image)
