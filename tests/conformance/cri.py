"""A kubelet's side of the CRI, as far as the scenarios go, and containerd on the other side of it."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rung.spec.cri import containers, pods
from rung.spec.cri.common import NODE, ImageSpec, LinuxContainerResources, NamespaceOption
from rung.spec.cri.services import METHODS
from rung.spec.protobuf import Message

from . import daemons, grpc, leftovers, oci_archive
from .bed import new_id, until

IMAGE, PAUSE = "example.org/busybox:test", "example.org/pause:test"
TIMEOUT_S = 60.0


class Cri:
    """The calls, by their names: ``Version()``, ``ExecSync(container_id=..., cmd=[...])``. Raises ``GrpcError``."""

    def __init__(self, address: Path) -> None:
        self.address = address

    def __getattr__(self, method: str) -> Any:
        service = next((name for name, methods in METHODS.items() if method in methods), "")
        if not service:
            raise AttributeError(method)
        kind, answer = METHODS[service][method]

        def call(**given: Any) -> Message:
            payload = kind(**given).encode()
            return answer.decode(grpc.call(self.address, f"/{service}/{method}", payload, TIMEOUT_S))

        return call


class Node:
    """One runtime handler of a containerd, and the pods that a scenario runs with it."""

    def __init__(self, folder: Path, handler: str) -> None:
        self.folder, self.handler = folder, handler
        self.cri = Cri(folder / "containerd.sock")
        self.pods: list[Pod] = []

    def pod(self, network: int = NODE) -> Pod:
        """One more pod, in the host's network where nothing else is said."""
        self.pods.append(Pod(self, network))
        return self.pods[-1]

    def close(self) -> None:
        """Every pod is removed, and then there is nothing left of any."""
        for pod in self.pods:
            pod.remove()
        for pod in self.pods:
            pod.has_gone()


class Pod:
    """A sandbox with its containers."""

    def __init__(self, node: Node, network: int) -> None:
        self.node, self.cri = node, node.cri
        self.name = new_id()
        self.logs = node.folder / "logs" / self.name
        self.logs.mkdir(parents=True)
        self.config = pods.PodSandboxConfig(
            metadata=pods.PodSandboxMetadata(name=self.name, uid=self.name, namespace="tests"),
            hostname="" if network == NODE else "a-pod",
            log_directory=str(self.logs),
            linux=pods.LinuxPodSandboxConfig(
                cgroup_parent=f"/{node.folder.name}/{self.name}",
                security_context=pods.LinuxSandboxSecurityContext(
                    namespace_options=NamespaceOption(network=network, pid=1)
                ),
            ),
        )
        self._network = network
        self.containers: list[Running] = []
        self.id: str = self.cri.RunPodSandbox(config=self.config, runtime_handler=node.handler).pod_sandbox_id

    def status(self) -> pods.PodSandboxStatus:
        return self.cri.PodSandboxStatus(pod_sandbox_id=self.id).status

    def info(self) -> Any:
        return json.loads(self.cri.PodSandboxStatus(pod_sandbox_id=self.id, verbose=True).info["info"])

    def shims(self) -> set[int]:
        """The parents of the pod's processes: its shim, if all is well."""
        pids = [self.info()["pid"], *(one.pid for one in self.containers)]
        return {_parent(pid) for pid in pids}

    def container(self, *command: str, memory: int = 0) -> Running:
        """A container that runs ``command``."""
        name = f"c{len(self.containers)}"
        resources = LinuxContainerResources(memory_limit_in_bytes=memory, cpu_shares=200)
        security = containers.LinuxContainerSecurityContext(
            namespace_options=NamespaceOption(network=self._network, pid=1)
        )
        config = containers.ContainerConfig(
            metadata=containers.ContainerMetadata(name=name),
            image=ImageSpec(image=IMAGE),
            command=list(command),
            log_path=f"{name}.log",
            linux=containers.LinuxContainerConfig(resources=resources, security_context=security),
        )
        made = self.cri.CreateContainer(pod_sandbox_id=self.id, config=config, sandbox_config=self.config)
        running = Running(self.cri, made.container_id, self.logs / f"{name}.log")
        self.containers.append(running)
        self.cri.StartContainer(container_id=running.id)
        return running

    def remove(self) -> None:
        self.cri.StopPodSandbox(pod_sandbox_id=self.id)
        self.cri.RemovePodSandbox(pod_sandbox_id=self.id)

    def has_gone(self) -> None:
        """No process, mount or cgroup of it is there any more."""
        ids = [self.id, *(one.id for one in self.containers)]

        def left() -> list[str]:
            return [line for each in ids for line in leftovers.of(each)]

        until(lambda: not left(), f"nothing is left of {self.name}")


class Running:
    """A container that was started."""

    def __init__(self, cri: Cri, container_id: str, log: Path) -> None:
        self.cri, self.id, self.log = cri, container_id, log

    def status(self) -> containers.ContainerStatus:
        return self.cri.ContainerStatus(container_id=self.id).status

    @property
    def pid(self) -> int:
        info = self.cri.ContainerStatus(container_id=self.id, verbose=True).info["info"]
        return int(json.loads(info)["pid"])

    def exec(self, *command: str, timeout_s: int = 0) -> tuple[int, bytes, bytes]:
        ended = self.cri.ExecSync(container_id=self.id, cmd=list(command), timeout=timeout_s)
        return ended.exit_code, ended.stdout, ended.stderr

    def lines(self) -> list[tuple[str, str, str]]:
        """Its log without the times: stream, F or P (a part of a line), text."""
        lines = self.log.read_text().splitlines()
        return [tuple(line.split(" ", 3)[1:]) for line in lines]  # type: ignore[misc]

    def says(self, text: str) -> None:
        """Wait until the log has this line."""
        until(lambda: any(line[2] == text for line in self.lines()), f"it says {text}")

    def ended(self) -> containers.ContainerStatus:
        """Wait for its end."""
        until(lambda: self.status().state == containers.EXITED, "it has ended")
        return self.status()


def _parent(pid: int) -> int:
    return int(Path("/proc", str(pid), "stat").read_text().rpartition(")")[2].split()[1])


@contextmanager
def folder_with_images(rootfs: Path, home: Path) -> Iterator[Path]:
    """A folder in which ``daemons.containerd_with_cri`` finds its configuration and the images."""
    with daemons.folder_of_its_own() as folder:
        daemons.configure_cri(folder, PAUSE)
        layer = daemons.import_rootfs(rootfs, home / "rootfs.tar")
        for name, command in ((IMAGE, ("sh",)), (PAUSE, ("sleep", "1000000"))):
            oci_archive.write(layer, folder / f"{command[0]}.tar", name, command)
        yield folder


def import_images(folder: Path) -> None:
    """Into the containerd that runs there; waits until its CRI knows them."""
    for archive in sorted(folder.glob("*.tar")):
        words = [*daemons.ctr(folder), "--namespace", "k8s.io", "image", "import", str(archive)]
        subprocess.run(words, check=True, timeout=60, stdout=subprocess.DEVNULL)
    cri = Cri(folder / "containerd.sock")


    def known() -> bool:
        return all(cri.ImageStatus(image=ImageSpec(image=name)).image is not None for name in (IMAGE, PAUSE))

    until(known, "its CRI knows the images")
