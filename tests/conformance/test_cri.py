"""containerd's CRI plug-in, as a kubelet drives it, with Rung's shim: it sees what it sees with runc's."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from rung.spec.cri import containers, pods
from rung.spec.cri.common import POD

from . import daemons
from .bed import difference, until
from .cri import Cri, Node, folder_with_images, import_images
from .grpc import DEADLINE_EXCEEDED, GrpcError

Facts = TypeVar("Facts")
HANDLERS = ("runc", "rung")
MIB = 1 << 20

pytestmark = pytest.mark.skipif(
    daemons.needed("containerd", "ctr", "containerd-shim-runc-v2", "runc") is not None,
    reason=str(daemons.needed("containerd", "ctr", "containerd-shim-runc-v2", "runc")),
)


@pytest.fixture(scope="module")
def containerd(rootfs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The folder of a containerd that serves the CRI."""
    home = tmp_path_factory.mktemp("cri")
    with folder_with_images(rootfs, home) as folder, daemons.containerd_with_cri(folder):
        import_images(folder)
        yield folder


def agree(folder: Path, scenario: Callable[[Node], Facts]) -> Facts:
    """The scenario with runc's shim, then with Rung's: the facts must be the same."""
    facts = []
    for handler in HANDLERS:
        node = Node(folder, handler)
        try:
            facts.append(scenario(node))
        finally:
            node.close()
    if facts[1] != facts[0]:
        pytest.fail(difference(facts[0], facts[1]), pytrace=False)
    return facts[1]


def sh(script: str) -> tuple[str, str, str]:
    return ("sh", "-c", script)


def test_it_is_ready(containerd: Path) -> None:
    cri = Cri(containerd / "containerd.sock")
    assert cri.Version().runtime_name == "containerd"
    assert ("RuntimeReady", True) in [(one.type, one.status) for one in cri.Status().status.conditions]


def test_a_pod_of_two_containers_has_one_shim(containerd: Path) -> None:
    """They share what a pod shares, and see each other's socket names; each has processes of its own."""

    def scenario(node: Node) -> dict[str, Any]:
        pod = node.pod()
        one, two = pod.container("sleep", "1000"), pod.container("sleep", "1001")
        spaces = {name: one.exec("readlink", f"/proc/self/ns/{name}")[1] == two.exec("readlink", f"/proc/self/ns/{name}")[1] for name in ("net", "ipc", "uts", "pid", "mnt")}
        listed = node.cri.ListContainers(filter=containers.ContainerFilter(pod_sandbox_id=pod.id)).containers
        return {
            "shims": len(pod.shims()),
            "shared": spaces,
            "first process": two.exec("cat", "/proc/1/cmdline")[1],
            "states": [each.state for each in listed],
            "pod": (pod.status().state, pod.status().runtime_handler == node.handler),
        }

    facts = agree(containerd, scenario)
    assert facts["shims"] == 1
    assert facts["shared"] == {"net": True, "ipc": True, "uts": True, "pid": False, "mnt": False}
    assert facts["states"] == [containers.RUNNING] * 2


def test_logs(containerd: Path) -> None:
    """Lines of both streams, one without an end, one that is longer than a record; and a log that is reopened."""
    script = "echo out; echo err >&2; head -c 20000 /dev/zero | tr '\\0' x; echo; trap 'printf late; exit 3' USR1; echo ready; while :; do sleep 0.05; done"

    def scenario(node: Node) -> list[Any]:
        container = node.pod().container(*sh(script))
        container.says("ready")
        before = sorted(container.lines(), key=lambda line: line[0] != "stderr")
        container.log.rename(container.log.with_suffix(".1"))
        node.cri.ReopenContainerLog(container_id=container.id)
        container.exec("kill", "-USR1", "1")
        status = container.ended()
        until(lambda: bool(container.lines()), "the new log has the last line")
        return [before, container.lines(), status.exit_code, status.reason]

    before, after, code, reason = agree(containerd, scenario)
    assert [line[:2] for line in before] == [("stderr", "F"), ("stdout", "F"), ("stdout", "P"), ("stdout", "F"), ("stdout", "F")]
    assert (after[0][0], after[0][2], code, reason) == ("stdout", "late", 3, "Error")


def test_exec(containerd: Path) -> None:
    def scenario(node: Node) -> dict[str, Any]:
        container = node.pod().container("sleep", "1000")
        facts: dict[str, Any] = {
            "streams": container.exec(*sh("echo out; echo err >&2; exit 5")),
            "much": len(container.exec("head", "-c", "300000", "/dev/zero")[1]),
            "no input": container.exec("cat"),
        }
        with pytest.raises(GrpcError) as refused:
            container.exec("/no/such")
        facts["no such program"] = refused.value.code
        with pytest.raises(GrpcError) as late:
            container.exec("sleep", "999", timeout_s=1)
        facts["late"] = late.value.code
        until(lambda: b"999" not in container.exec(*sh("cat /proc/[0-9]*/cmdline"))[1], "the one that was late is gone")
        return facts

    facts = agree(containerd, scenario)
    assert facts["streams"] == (5, b"out\n", b"err\n")
    assert facts["late"] == DEADLINE_EXCEEDED


def test_stop(containerd: Path) -> None:
    """What hears the signal ends in its own way; what does not is killed when its grace is over."""

    def scenario(node: Node) -> list[Any]:
        pod, facts = node.pod(), []
        for script, grace_s in (("trap 'exit 7' TERM", 50), ("trap '' TERM", 1)):
            container = pod.container(*sh(f"{script}; echo ready; while :; do sleep 0.05; done"))
            container.says("ready")
            node.cri.StopContainer(container_id=container.id, timeout=grace_s)
            status = container.status()
            facts.append((status.state, status.exit_code, status.reason))
            node.cri.RemoveContainer(container_id=container.id)
        node.cri.StopPodSandbox(pod_sandbox_id=pod.id)
        return [*facts, pod.status().state]

    facts = agree(containerd, scenario)
    assert facts == [(containers.EXITED, 7, "Error"), (containers.EXITED, 137, "Error"), pods.SANDBOX_NOTREADY]


def test_out_of_memory(containerd: Path) -> None:
    """The container's end has its reason, and so has one that goes on after a child of it was killed."""

    def scenario(node: Node) -> list[Any]:
        pod = node.pod()
        container = pod.container("tail", "/dev/zero", memory=16 * MIB)
        status = container.ended()
        until(lambda: container.status().reason == "OOMKilled", "it is told why")
        child = pod.container(*sh("tail /dev/zero; echo $?; sleep 1000"), memory=16 * MIB)
        child.says("137")
        node.cri.StopContainer(container_id=child.id, timeout=0)
        until(lambda: child.status().reason == "OOMKilled", "it is told of the child, too")
        return [status.exit_code, status.state]

    assert agree(containerd, scenario) == [137, containers.EXITED]


def test_what_it_uses(containerd: Path) -> None:
    """Statistics, and another limit while it runs."""
    read = "cat /sys/fs/cgroup/memory/memory.limit_in_bytes /sys/fs/cgroup/memory.max 2>/dev/null"

    def scenario(node: Node) -> list[Any]:
        pod = node.pod()
        container = pod.container(*sh("i=0; while [ $i -lt 20000 ]; do i=$((i+1)); done; echo done; sleep 1000"), memory=64 * MIB)
        container.says("done")
        found = node.cri.ContainerStats(container_id=container.id).stats
        facts = [found.attributes.id == container.id, found.cpu.usage_core_nano_seconds.value > MIB]
        facts.append(0 < found.memory.working_set_bytes.value < 64 * MIB)
        all_of_pod = containers.ContainerStatsFilter(pod_sandbox_id=pod.id)
        facts.append(len(node.cri.ListContainerStats(filter=all_of_pod).stats))
        before = container.exec(*sh(read))[1]
        limits = containers.LinuxContainerResources(memory_limit_in_bytes=96 * MIB)
        node.cri.UpdateContainerResources(container_id=container.id, linux=limits)
        return [*facts, before, container.exec(*sh(read))[1]]

    assert agree(containerd, scenario) == [True, True, True, 1, b"67108864\n", b"100663296\n"]


@pytest.mark.skipif(not (daemons.CNI / "ptp").exists(), reason="not installed: containernetworking-plugins")
def test_a_network_of_the_pods_own(containerd: Path) -> None:
    """Made by CNI plug-ins and joined by both containers; gone with the pod."""

    def scenario(node: Node) -> dict[str, Any]:
        pod = node.pod(network=POD)
        one, two = pod.container("sleep", "1000"), pod.container("sleep", "1001")
        address = pod.status().network.ip
        seen = {each.exec(*sh("hostname; ls /sys/class/net; cat /proc/net/fib_trie"))[1] for each in (one, two)}
        facts = {"same": len(seen) == 1, "has": address.encode() in seen.pop(), "name": one.exec("hostname")[1]}
        pod.remove()
        return {**facts, "left": list((node.folder / "state").rglob("netns/*"))}

    facts = agree(containerd, scenario)
    assert facts == {"same": True, "has": True, "name": b"a-pod\n", "left": []}


def test_containerd_is_restarted(rootfs: Path, tmp_path: Path) -> None:
    """What ran runs and answers, and its log goes on; what ended meanwhile is seen to have (its exit code is lost in
    containerd 1.7, which clears such tasks away before it looks)."""
    script = "trap 'echo heard' USR1; trap 'exit 9' USR2; echo ready; while :; do sleep 0.05; done"
    with folder_with_images(rootfs, tmp_path) as folder:
        nodes = [Node(folder, handler) for handler in HANDLERS]
        with daemons.containerd_with_cri(folder) as daemon:
            import_images(folder)
            made = [[pod.container(*sh(script)) for _ in range(2)] for pod in (node.pod() for node in nodes)]
            for pair in made:
                for one in pair:
                    one.says("ready")
            pids = [[one.pid for one in pair] for pair in made]
            daemon.kill()
        for goes_on, ends in pids:
            assert Path(f"/proc/{goes_on}").exists()
            os.kill(ends, signal.SIGUSR2)
        until(lambda: not any(Path(f"/proc/{ends}").exists() for _, ends in pids), "they have ended, and were reaped")
        with daemons.containerd_with_cri(folder):
            facts = []
            for (goes_on, ends), before in zip(made, pids):
                same = goes_on.pid == before[0]
                status = ends.ended()
                goes_on.exec("kill", "-USR1", "1")
                goes_on.says("heard")
                facts.append((same, goes_on.status().state, status.state))
            for node in nodes:
                node.close()
        assert facts == [(True, containers.RUNNING, containers.EXITED)] * 2
