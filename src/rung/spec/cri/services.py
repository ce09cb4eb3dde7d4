"""The calls of the Container Runtime Interface: which service has them, what each is asked with and answers."""

from __future__ import annotations

from rung.spec.cri import common, containers, pods

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.spec.protobuf import Message

RUNTIME, IMAGES = "runtime.v1.RuntimeService", "runtime.v1.ImageService"

#: service -> method -> (what it is asked with, what it answers)
METHODS: dict[str, dict[str, tuple[type[Message], type[Message]]]] = {
    RUNTIME: {
        "Version": (common.VersionRequest, common.VersionResponse),
        "Status": (common.StatusRequest, common.StatusResponse),
        "RunPodSandbox": (pods.RunPodSandboxRequest, pods.OfPod),
        "StopPodSandbox": (pods.OfPod, common.Empty),
        "RemovePodSandbox": (pods.OfPod, common.Empty),
        "PodSandboxStatus": (pods.PodSandboxStatusRequest, pods.PodSandboxStatusResponse),
        "CreateContainer": (containers.CreateContainerRequest, containers.OfContainer),
        "StartContainer": (containers.OfContainer, common.Empty),
        "StopContainer": (containers.StopContainerRequest, common.Empty),
        "RemoveContainer": (containers.OfContainer, common.Empty),
        "ListContainers": (containers.ListContainersRequest, containers.ListContainersResponse),
        "ContainerStatus": (containers.ContainerStatusRequest, containers.ContainerStatusResponse),
        "UpdateContainerResources": (containers.UpdateContainerResourcesRequest, common.Empty),
        "ReopenContainerLog": (containers.OfContainer, common.Empty),
        "ExecSync": (containers.ExecSyncRequest, containers.ExecSyncResponse),
        "ContainerStats": (containers.OfContainer, containers.ContainerStatsResponse),
        "ListContainerStats": (containers.ListContainerStatsRequest, containers.ListContainerStatsResponse),
    },
    IMAGES: {
        "ImageStatus": (common.ImageStatusRequest, common.ImageStatusResponse),
    },
}
