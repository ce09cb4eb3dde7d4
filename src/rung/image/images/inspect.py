"""An image as docker's ``image inspect`` tells of it (Engine API 1.45, ``GET /images/{name}/json``)."""

from __future__ import annotations

from rung.image.images.summary import group
from rung.image.store.metadata import DANGLING

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rung.image.images.image import Image
    from rung.image.images.store import Store

#: Fields of docker's container configuration that are there whether the image has them or not.
_CONFIG: dict[str, Any] = {
    "Hostname": "",
    "Domainname": "",
    "User": "",
    "AttachStdin": False,
    "AttachStdout": False,
    "AttachStderr": False,
    "ExposedPorts": ...,
    "Tty": False,
    "OpenStdin": False,
    "StdinOnce": False,
    "Env": None,
    "Cmd": None,
    "Healthcheck": ...,
    "ArgsEscaped": ...,
    "Image": "",
    "Volumes": None,
    "WorkingDir": "",
    "Entrypoint": None,
    "OnBuild": None,
    "Labels": None,
    "StopSignal": ...,
    "StopTimeout": ...,
    "Shell": ...,
}

#: A structure, and no map: docker's order.
_HEALTH = ("Test", "Interval", "Timeout", "StartPeriod", "StartInterval", "Retries")


def inspected(store: Store, image: Image) -> dict[str, Any]:
    """Docker's fields, in docker's order, and the manifest's ``Descriptor``."""
    (summary,) = group(store.content.metadata.images_of(str(image.id)) or [image.row])
    document = image.document
    history = document.get("history") or [{}]
    running = document.get("config") or {}
    config = {name: _sorted(running.get(name)) or default for name, default in _CONFIG.items()}
    platform = {"Architecture": document.get("architecture", ""), "Variant": document.get("variant", "")}
    return {
        "Id": summary.id,
        "RepoTags": list(summary.repo_tags),
        "RepoDigests": list(summary.repo_digests),
        "Parent": parent_of(store, document),
        "Comment": document.get("comment") or history[-1].get("comment", ""),
        "Created": document.get("created", ""),
        "DockerVersion": document.get("docker_version", ""),
        "Author": document.get("author", ""),
        "Config": {name: value for name, value in config.items() if value is not ...},
        **{name: value for name, value in platform.items() if value or name == "Architecture"},
        "Os": document.get("os", ""),
        **({"OsVersion": document["os.version"]} if document.get("os.version") else {}),
        "Size": image.size_bytes,
        "GraphDriver": _graph_driver(store, image),
        "RootFS": {"Type": "layers", "Layers": [str(one) for one in image.config.diff_ids]},
        "Metadata": {"LastTagTime": _tagged(summary.tagged) if not image.row.name.startswith(DANGLING) else _NEVER},
        "Descriptor": image.descriptor.to_json(),
    }


def parent_of(store: Store, document: dict[str, Any]) -> str:
    """The image that this one was committed from, while it is here: ``parent``, of docker's first format of images."""
    parent = str(document.get("parent") or "")
    return parent if parent and store.content.metadata.images_of(parent) else ""


def _sorted(value: Any) -> Any:
    """Objects in the order of their keys, as Go writes its maps."""
    if isinstance(value, dict) and value.keys() - set(_HEALTH):
        return dict(sorted(value.items()))
    return {name: value[name] for name in _HEALTH if name in value} if isinstance(value, dict) else value


_NEVER = "0001-01-01T00:00:00Z"


def _tagged(moment_s: float) -> str:
    import time

    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(moment_s)) + f"{moment_s % 1:.9f}"[1:] + "Z"


def _graph_driver(store: Store, image: Image) -> dict[str, Any]:
    """Where the unpacked layers are, topmost first, in the words of docker's overlay2."""
    layers = store.content.lower_directories(image.row.chain) if image.row.chain else []
    data = {"UpperDir": layers[0]} if layers else {}
    if len(layers) > 1:
        data["LowerDir"] = ":".join(layers[1:])
    return {"Data": data, "Name": "overlay2"}
