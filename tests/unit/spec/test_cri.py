"""The CRI's messages: every call has its two kinds, and they travel with the numbers of api.proto."""

from __future__ import annotations

from rung.spec.cri import common, containers, pods
from rung.spec.cri.services import IMAGES, METHODS, RUNTIME


def test_a_pod_travels() -> None:
    metadata = pods.PodSandboxMetadata(name="a", uid="b", namespace="c", attempt=1)
    config = pods.PodSandboxConfig(metadata=metadata, labels={"k": "v"})
    sent = pods.RunPodSandboxRequest(config=config, runtime_handler="rung").encode()
    assert sent == bytes.fromhex("0a15 0a0b 0a0161 120162 1a0163 2001 3206 0a016b 120176 1204") + b"rung"
    assert pods.RunPodSandboxRequest.decode(sent).config == config


def test_a_namespace_of_the_pod_is_the_default() -> None:
    assert common.NamespaceOption(network=common.POD, pid=common.CONTAINER).encode() == bytes.fromhex("1001")


def test_a_status_is_read() -> None:
    sent = bytes.fromhex("0a0d 0a0161 1802 3889 01 5203") + b"OOM"
    status = containers.ContainerStatusResponse.decode(sent).status
    assert status is not None
    assert (status.id, status.state, status.exit_code, status.reason) == ("a", containers.EXITED, 137, "OOM")


def test_every_call_has_its_messages() -> None:
    assert {"RunPodSandbox", "ExecSync", "ContainerStatus"} <= METHODS[RUNTIME].keys()
    assert METHODS[IMAGES]["ImageStatus"] == (common.ImageStatusRequest, common.ImageStatusResponse)
