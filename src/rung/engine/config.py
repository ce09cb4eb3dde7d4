"""An image's configuration and a person's choices, made into a runtime configuration.

Pure: what has to be read from the root file system (users by name) is looked up by the
caller and comes in as numbers. OCI image-spec, conversion.md.
"""

from __future__ import annotations

from rung.engine import defaults
from rung.engine.document.process import Identity
from rung.errors import RungError
from rung.spec.runtime.names import CAPABILITIES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

    from rung.engine.options import RunOptions

_CPU_PERIOD_US = 100_000


def container_config(
    container_id: str,
    rootfs: str,
    image: Mapping[str, Any],
    options: RunOptions,
    identity: Identity,
) -> dict[str, Any]:
    """The ``config.json`` of one container. ``image`` is the image's ``config`` object."""
    hostname = options.hostname or container_id[:12]
    return {
        "ociVersion": "1.2.0",
        "process": _process(image, options, identity, hostname),
        "root": {"path": rootfs, "readonly": options.read_only},
        "hostname": hostname,
        "mounts": [
            *defaults.mounts(writable_system=options.privileged),
            *_network_files(options),
            *(_volume(volume) for volume in options.volumes),
        ],
        "linux": _linux(options),
    }


def _process(
    image: Mapping[str, Any], options: RunOptions, identity: Identity, hostname: str
) -> dict[str, Any]:
    names = capabilities(options)
    return {
        "terminal": options.terminal,
        "user": {"uid": identity.uid, "gid": identity.gid, "additionalGids": list(identity.groups)},
        "args": arguments(image, options),
        "env": [
            *defaults.environment(options.terminal, hostname),
            *(image.get("Env") or ()),
            *options.env,
        ],
        "cwd": options.workdir or image.get("WorkingDir") or "/",
        "capabilities": {
            "bounding": names,
            "effective": names if identity.uid == 0 else [],
            "permitted": names if identity.uid == 0 else [],
        },
        "oomScoreAdj": 0,
    }


def arguments(image: Mapping[str, Any], options: RunOptions) -> list[str]:
    """Entrypoint and command: a given entrypoint drops the image's command, as with Docker."""
    if options.entrypoint is not None:
        found = [*([options.entrypoint] if options.entrypoint else []), *options.command]
    else:
        found = [*(image.get("Entrypoint") or ()), *(options.command or image.get("Cmd") or ())]
    if not found:
        raise RungError("no command specified", "", "the image has none", "name one after the image")
    return found


def capabilities(options: RunOptions) -> list[str]:
    """Docker's set, with what was added and dropped; ``ALL`` means all the kernel may have."""
    if options.privileged:
        return list(CAPABILITIES)
    add, drop = _names(options.cap_add), _names(options.cap_drop)
    kept = set(CAPABILITIES if "ALL" in add else () if "ALL" in drop else defaults.CAPABILITIES)
    if "ALL" not in add:
        kept |= add
    kept -= drop - {"ALL"}
    return [name for name in CAPABILITIES if name in kept]


def _names(given: Sequence[str]) -> set[str]:
    found = set()
    for name in given:
        upper = name.upper()
        full = upper if upper == "ALL" or upper.startswith("CAP_") else f"CAP_{upper}"
        if full != "ALL" and full not in CAPABILITIES:
            raise RungError("invalid capability", f'"{name}"', "no such capability")
        found.add(full)
    return found


def _network_files(options: RunOptions) -> list[dict[str, Any]]:
    """On the host's network, the host's names."""
    if options.network != "host":
        return []
    return [
        {
            "destination": path,
            "type": "bind",
            "source": path,
            "options": ["rbind", "rprivate", "ro"],
        }
        for path in ("/etc/resolv.conf", "/etc/hosts")
    ]


def _volume(text: str) -> dict[str, Any]:
    """``SOURCE:DEST[:OPTIONS]``."""
    source, _, rest = text.partition(":")
    destination, _, words = rest.partition(":")
    if not source.startswith("/") or not destination.startswith("/"):
        raise RungError("invalid volume", f'"{text}"', "", "write /SOURCE:/DESTINATION[:ro]")
    asked = [word for word in words.split(",") if word not in ("", "z", "Z")]
    propagation = [] if any("private" in w or "shared" in w or "slave" in w for w in asked) else ["rprivate"]
    return {
        "destination": destination,
        "type": "bind",
        "source": source,
        "options": ["rbind", *propagation, *asked],
    }


def _linux(options: RunOptions) -> dict[str, Any]:
    kinds = [*defaults.NAMESPACES, *([] if options.network == "host" else ["network"])]
    linux: dict[str, Any] = {
        "namespaces": [{"type": kind} for kind in kinds],
        "resources": _resources(options),
    }
    if not options.privileged:
        linux["maskedPaths"] = list(defaults.MASKED_PATHS)
        linux["readonlyPaths"] = list(defaults.READONLY_PATHS)
    return linux


def _resources(options: RunOptions) -> dict[str, Any]:
    resources: dict[str, Any] = {"devices": [{"allow": options.privileged, "access": "rwm"}]}
    if options.memory_bytes:
        resources["memory"] = {"limit": options.memory_bytes, "swap": 2 * options.memory_bytes}
    if options.cpus:
        resources["cpu"] = {"quota": round(options.cpus * _CPU_PERIOD_US), "period": _CPU_PERIOD_US}
    if options.pids_limit:
        resources["pids"] = {"limit": options.pids_limit}
    return resources
