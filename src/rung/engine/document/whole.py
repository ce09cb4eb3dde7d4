"""The ``config.json`` of one container, put together from its parts.

OCI runtime-spec, config.md; image-spec, conversion.md.
"""

from __future__ import annotations

from rung.engine.document import devices, namespaces, process, resources, security
from rung.engine.document.mounts import Mounted, mounts
from rung.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from rung.engine.container import Container
    from rung.engine.document.process import Identity
    from rung.engine.remap import Ids


class Found(Record):
    """What was looked up for a container. ``joined``: namespace kind -> path; ``files``: destination -> the
    engine's own file (hosts, resolv.conf, hostname); ``devices``: those of the host that were asked for;
    ``shm``: what is bound to /dev/shm where others share it."""

    rootfs: str
    identity: Identity
    mounted: tuple[Mounted, ...] = ()
    joined: Mapping[str, str] = {}
    files: Mapping[str, str] = {}
    devices: tuple[devices.Device, ...] = ()
    init: str = ""
    shm: str = ""
    cgroup: str = ""
    ids: Ids | None = None


def document(container: Container, found: Found) -> dict[str, Any]:
    """The configuration. Raises ``BadParameter``."""
    config, host = container.config, container.host
    privileged = bool(host.get("Privileged"))
    hostname = str(config.get("Hostname") or container.short_id)
    own = namespaces.namespaces(host, found.joined)
    whole: dict[str, Any] = {
        "ociVersion": "1.2.0",
        "process": process.process(config, host, found.identity, hostname, found.init),
        "root": {"path": found.rootfs, "readonly": bool(host.get("ReadonlyRootfs"))},
        "mounts": mounts(host, found.mounted, found.files, found.init, found.shm),
        "annotations": dict(host.get("Annotations") or {}),
        "linux": {
            "namespaces": own,
            "cgroupsPath": found.cgroup,
            "resources": resources.resources(host, devices.rules(host, found.devices)),
            "devices": [] if privileged else [device.node() for device in found.devices],
            "sysctl": dict(host.get("Sysctls") or {}) | namespaces.default_sysctls(own, host),
            **(found.ids.mappings() if found.ids is not None and not found.joined.get("user") else {}),
            **security.paths(host),
            **security.seccomp(host),
        },
    }
    if any(one["type"] == "uts" and "path" not in one for one in own):
        whole["hostname"] = hostname
        if config.get("Domainname"):
            whole["domainname"] = config["Domainname"]
    if privileged:
        whole["linux"]["devices"] = [device.node() for device in found.devices]
    return whole
