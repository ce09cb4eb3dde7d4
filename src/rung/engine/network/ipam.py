"""``IPAM`` of a request for a network, checked as Docker checks it: everything that is wrong is told at once. Pure."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

from rung.engine.errors import BadParameter

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Any


def check(request: Mapping[str, Any]) -> None:
    """Raises ``BadParameter`` with a line for each mistake."""
    found = [said for one in (request.get("IPAM") or {}).get("Config") or () for said in _mistakes(one)]
    if found:
        raise BadParameter("\n".join(["invalid network config:", *found]))


def _mistakes(given: Mapping[str, Any]) -> Iterator[str]:
    text = str(given.get("Subnet") or "")
    try:
        subnet = ip_network(text, strict=False)
        address = ip_address(text.partition("/")[0])
        if "/" not in text:
            raise ValueError
    except ValueError:
        if given.get("Subnet") or given.get("Gateway") or given.get("IPRange"):
            yield f"invalid subnet {text}: invalid CIDR block notation"
        return
    if address != subnet.network_address:
        yield f"invalid subnet {text}: it should be {subnet}"
    if given.get("IPRange"):
        yield from _range_mistakes(str(given["IPRange"]), subnet)
    if given.get("Gateway"):
        yield from _address_mistakes("gateway", str(given["Gateway"]), subnet)
    for name, one in (given.get("AuxiliaryAddresses") or {}).items():
        yield from _address_mistakes(f"auxiliary address {name}:", str(one), subnet)


def _range_mistakes(text: str, subnet: Any) -> Iterator[str]:
    try:
        wanted = ip_network(text, strict=False)
    except ValueError:
        yield f"invalid ip-range {text}: invalid CIDR block notation"
        return
    if wanted.version != subnet.version or not wanted.subnet_of(subnet):
        yield f"invalid ip-range {text}: parent subnet {subnet} doesn't contain ip-range"


def _address_mistakes(what: str, text: str, subnet: Any) -> Iterator[str]:
    try:
        address = ip_address(text)
    except ValueError:
        yield f"invalid {what} {text}: invalid address"
        return
    if address not in subnet:
        yield f"invalid {what} {text}: parent subnet {subnet} doesn't contain this address"
