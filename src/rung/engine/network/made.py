"""A network from a request in Docker's words, and the default one from what the daemon was told. Pure.

``taken``: the subnets that are somebody's already."""

from __future__ import annotations

from ipaddress import ip_interface

from rung.engine.errors import BadParameter
from rung.engine.network import addresses
from rung.engine.network.network import BRIDGE, BRIDGE_NAME, MTU, Network

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence
    from typing import Any

    from rung.engine.network.addresses import Subnet
    from rung.engine.serving.settings import Settings


def asked(name: str, request: Mapping[str, Any], taken: Sequence[Subnet], settings: Settings, mark: bytes) -> Network:
    """``POST /networks/create``. ``mark`` tells this engine's own IPv6 subnets from others'."""
    ipam = request.get("IPAM") or {}
    configs = ipam.get("Config") or []
    first = addresses.of_version(configs, 4)
    network = Network(
        name,
        subnet=str(_subnet(first, taken, _pools(settings), 4)),
        gateway=str(first.get("Gateway") or ""),
        ip_range=str(first.get("IPRange") or ""),
        ipam_options=ipam.get("Options"),
        reserved=dict(first.get("AuxiliaryAddresses") or {}),
        internal=bool(request.get("Internal")),
        attachable=bool(request.get("Attachable")),
        options=dict(request.get("Options") or {}),
        labels=dict(request.get("Labels") or {}),
    )
    if request.get("EnableIPv6"):
        second = addresses.of_version(configs, 6)
        network.reserved6 = dict(second.get("AuxiliaryAddresses") or {})
        six = _subnet(second, taken, _pools6(settings, mark), 6)
        network.have_ipv6(str(six), str(second.get("Gateway") or ""), str(second.get("IPRange") or ""))
    return network


def _subnet(config: Mapping[str, Any], taken: Sequence[Subnet], among: Iterable[str], version: int) -> Subnet:
    if not config.get("Subnet"):
        return addresses.free_subnet(taken, among, version)
    wanted = addresses.subnet(str(config["Subnet"]))
    addresses.check_free(wanted, taken)
    return wanted


def _pools(settings: Settings) -> Iterable[str]:
    return [one for one in addresses.pools(settings.pools) if ":" not in one] or addresses.POOLS


def _pools6(settings: Settings, mark: bytes) -> Iterable[str]:
    told = [one for one in addresses.pools(settings.pools) if ":" in one]
    return told or addresses.local_pool(mark)


def default(
    bridge: str, taken: Sequence[Subnet], settings: Settings, mark: bytes, before: Network | None = None
) -> Network:
    """The network ``bridge``: what was chosen once stays, what was told is so. ``before``: as it was."""
    options = {
        "com.docker.network.bridge.default_bridge": "true",
        "com.docker.network.bridge.enable_icc": "true",
        "com.docker.network.bridge.enable_ip_masquerade": "true",
        "com.docker.network.bridge.host_binding_ipv4": "0.0.0.0",
        BRIDGE_NAME: bridge,
        MTU: str(settings.mtu or 1500),
    }
    gateway, wanted = _told(settings)
    if not wanted and before is not None:
        gateway, wanted = before.gateway, before.subnet
    subnet = wanted or str(addresses.free_subnet(taken, _pools(settings)))
    kept: dict[str, Any] = {"id": before.id, "created_ns": before.created_ns} if before is not None else {}
    found = Network(BRIDGE, subnet=subnet, gateway=gateway, ip_range=settings.fixed_cidr, options=options, **kept)
    if settings.ipv6 or settings.fixed_cidr_v6:
        old = before.subnet6 if before is not None else ""
        six = settings.fixed_cidr_v6 or old or str(addresses.free_subnet(taken, _pools6(settings, mark), 6))
        if addresses.subnet(six).version != 6:
            raise BadParameter(f"fixed-cidr-v6 {six}: it is no IPv6 subnet")
        found.have_ipv6(six)
    return found


def _told(settings: Settings) -> tuple[str, str]:
    """Gateway and subnet of ``bip``, or the subnet of ``fixed-cidr``."""
    if not settings.bip:
        return "", settings.fixed_cidr
    try:
        found = ip_interface(settings.bip)
    except ValueError as error:
        raise BadParameter(f"bip {settings.bip}: {error}") from None
    if found.version != 4:
        raise BadParameter(f"bip {settings.bip}: it is no IPv4 address: see fixed-cidr-v6")
    return str(found.ip), str(found.network)
