"""What the daemon was told about registries: which may be spoken to without TLS, which stand before Docker Hub."""

from __future__ import annotations

import os
import socket
from ipaddress import ip_address, ip_network

from rung import jsonc

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from rung.engine.places import Places
    from rung.engine.serving.settings import Settings

LOOPBACK = ("::1/128", "127.0.0.0/8")
_DIRECTORIES = "/etc/rung/certs.d:/etc/containerd/certs.d:/etc/docker/certs.d"


def insecure(name: str, told: Sequence[str] = ()) -> bool:
    """Whether an image's registry may speak plain HTTP: this machine's own, as Docker has it, and those of
    ``insecure-registries``, by name or by a network that its address is in."""
    host = name.partition("/")[0]
    bare = host.rpartition(":")[0] if host.rpartition(":")[2].isdecimal() and not host.endswith("]") else host
    if bare == "localhost" or host in told or bare in told:
        return True
    if "/" not in name or not ("." in host or ":" in host):
        return False  # no registry's name: Docker Hub's
    networks = [ip_network(one, strict=False) for one in (*LOOPBACK, *(one for one in told if "/" in one))]
    if all(str(one) in LOOPBACK for one in networks) and not bare.strip("[]").replace(".", "").isdecimal():
        return False  # no name is looked up for nothing
    return any(ip_address(address) in one for address in _addresses(bare.strip("[]")) for one in networks)


def _addresses(host: str) -> list[str]:
    try:
        return [str(one[4][0]).partition("%")[0] for one in socket.getaddrinfo(host, None, type=socket.SOCK_STREAM)]
    except OSError:
        return []  # whoever is asked for the image will say so


def shown(settings: Settings) -> dict[str, Any]:
    """``RegistryConfig`` of an info."""
    mirrors = [f"{one.rstrip('/')}/" for one in settings.registry_mirrors]
    hosts = [one for one in settings.insecure_registries if "/" not in one]
    index = {one: {"Name": one, "Mirrors": [], "Secure": False, "Official": False} for one in hosts}
    return {
        "AllowNondistributableArtifactsCIDRs": None,
        "AllowNondistributableArtifactsHostnames": None,
        "InsecureRegistryCIDRs": [*LOOPBACK, *(one for one in settings.insecure_registries if "/" in one)],
        "IndexConfigs": {
            "docker.io": {"Name": "docker.io", "Mirrors": mirrors, "Secure": True, "Official": True},
            **index,
        },
        "Mirrors": mirrors or None,
    }


def put_before_hub(places: Places, mirrors: Sequence[str]) -> None:
    """Make the image rung ask the mirrors first: a ``hosts.toml`` of our own, before the machine's."""
    own = f"{places.run}/certs.d"
    others = os.environ.get("RUNG_CERTS_D", _DIRECTORIES).split(":")
    kept = [one for one in others if one != own]
    os.environ["RUNG_CERTS_D"] = ":".join([own, *kept] if mirrors else kept)
    if mirrors:
        os.makedirs(f"{own}/docker.io", exist_ok=True)
        with open(f"{own}/docker.io/hosts.toml", "w") as file:
            file.write(hosts_toml(mirrors))


def hosts_toml(mirrors: Sequence[str]) -> str:
    """containerd's words for it (a JSON string is a TOML one)."""
    tables = (f'[host.{jsonc.dumps(one.rstrip("/"))}]\ncapabilities = ["pull", "resolve"]\n' for one in mirrors)
    return "\n".join(tables)
