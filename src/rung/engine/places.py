"""Where one engine keeps what: paths below its data and its run directory.

    DATA/image/...                      the image store
    DATA/engine/engine.db               containers, networks, volumes
    DATA/containers/ID/                 config.json, rootfs/, log, hostname, hosts, resolv.conf
    DATA/volumes/NAME/_data             volumes
    RUN/rung.sock                       the API
    RUN/shims/ID.sock, ID.attach        a container's shim, its streams
    RUN/stories/ID/                     what explain tells
"""

from __future__ import annotations

import os

from rung.record import Record

DEFAULT_DATA, DEFAULT_RUN = "/var/lib/rung", "/run/rung"


class Places(Record):
    """The two directories."""

    data: str = DEFAULT_DATA
    run: str = DEFAULT_RUN
    cgroup: str = "/rung"  # what containers' cgroups are below

    @property
    def is_default(self) -> bool:
        """Whether this is the machine's own engine, or one beside it."""
        return self.run == DEFAULT_RUN

    def make(self) -> None:
        """Make what is missing."""
        os.makedirs(self.data, mode=0o711, exist_ok=True)
        os.makedirs(self.run, mode=0o711, exist_ok=True)
        for path in (self.containers, self.volumes, self.shims, self.runtime, self.stories):
            os.makedirs(path, mode=0o711, exist_ok=True)

    @property
    def database(self) -> str:
        return f"{self.data}/engine"

    @property
    def containers(self) -> str:
        return f"{self.data}/containers"

    @property
    def volumes(self) -> str:
        return f"{self.data}/volumes"

    @property
    def shims(self) -> str:
        return f"{self.run}/shims"

    @property
    def workers(self) -> str:
        """Where shims find a worker."""
        return f"{self.run}/workers.sock"

    @property
    def stories(self) -> str:
        """What explain tells."""
        return f"{self.run}/stories"

    @property
    def runtime(self) -> str:
        """The OCI runtime's root."""
        return f"{self.run}/runtime"

    @property
    def wrappers(self) -> str:
        """Scripts that give other runtimes their arguments."""
        return f"{self.run}/runtimes"

    @property
    def api(self) -> str:
        return f"{self.run}/rung.sock"

    def bundle(self, container_id: str) -> str:
        return f"{self.containers}/{container_id}"

    def log(self, container_id: str) -> str:
        return f"{self.containers}/{container_id}/{container_id}-json.log"

    def shim(self, container_id: str) -> str:
        """Its Task service. (The first 32 digits: a socket's path has 107 bytes.)"""
        return f"{self.shims}/{container_id[:32]}.sock"

    def attach(self, container_id: str, exec_id: str = "") -> str:
        """Its streams, or those of an exec."""
        return f"{self.shims}/{container_id[:16]}{(exec_id or container_id[16:])[:16]}.attach"
