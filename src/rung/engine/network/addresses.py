"""Which subnet a network gets, and which address a container. Pure. Both families alike."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_address, ip_network
from itertools import chain

from rung.engine.errors import BadParameter, Conflict, NotAllowed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from typing import Any

    Subnet = IPv4Network | IPv6Network

#: Docker's pools: 172.17/16 is the default network's, unless somebody has it.
POOLS = (
    *(f"172.{second}.0.0/16" for second in range(17, 32)),
    *(f"192.168.{third}.0/20" for third in range(0, 256, 16)),
)


def subnet(text: str) -> Subnet:
    """A subnet that was asked for. Raises ``BadParameter``."""
    try:
        return ip_network(text, strict=False)
    except ValueError as error:
        raise BadParameter(f"invalid subnet {text}: {error}") from None


def pools(told: Iterable[Mapping[str, Any]]) -> tuple[str, ...]:
    """``default-address-pools`` as subnets to choose from. Raises ``BadParameter``."""
    found: list[str] = []
    for one in told:
        base, size = subnet(str(one.get("base") or "")), one.get("size")
        if not isinstance(size, int) or not base.prefixlen <= size <= base.max_prefixlen - 2:
            raise BadParameter(f"default-address-pool {base}: size {size} is no prefix of subnets in it")
        if size - base.prefixlen > 16:
            raise BadParameter(f"default-address-pool {base}: size {size} makes more than 65536 subnets")
        found += map(str, base.subnets(new_prefix=size))
    return tuple(found)


def local_pool(mark: bytes) -> Iterator[str]:
    """Subnets of this engine's own: RFC 4193 section 3.2.1, fd, 40 bits that tell it from others, then 16 to count."""
    for number in range(1 << 16):
        yield str(IPv6Network((b"\xfd" + mark[:5] + number.to_bytes(2, "big") + bytes(8), 64)))


def free_subnet(taken: Iterable[Subnet], among: Iterable[str] = POOLS, version: int = 4) -> Subnet:
    """The first of the pools that overlaps nobody's. Raises ``Conflict``."""
    known = list(taken)
    for text in among:
        found = ip_network(text)
        if found.version == version and not _overlaps(found, known):
            return found
    said = f"could not find an available, non-overlapping IPv{version} address pool among the defaults to assign to"
    raise Conflict(f"{said} the network")


def check_free(wanted: Subnet, taken: Iterable[Subnet]) -> None:
    """Raises ``Conflict`` where another network has part of it."""
    if _overlaps(wanted, taken):
        raise NotAllowed("Pool overlaps with other one on this address space")


def _overlaps(wanted: Subnet, taken: Iterable[Subnet]) -> bool:
    return any(wanted.version == other.version and wanted.overlaps(other) for other in taken)


class Pool:
    """A network's addresses. The lowest that is free is given, from behind the last one given: what has just been let
    go may still be in somebody's cache."""

    def __init__(self, network: Subnet, ip_range: str = "") -> None:
        self.network = network
        self._range = subnet(ip_range) if ip_range else network
        self._taken: set[int] = {int(network.network_address), int(network.broadcast_address)}
        self._last = int(self._range.network_address)

    def take(self, wanted: str = "") -> str:
        """One more address, or the wanted one. Raises ``BadParameter``, ``Conflict``."""
        if wanted:
            return self._take_this(wanted)
        first, last = int(self._range.network_address), int(self._range.broadcast_address)
        for number in chain(range(self._last + 1, last + 1), range(first, self._last + 1)):
            if number not in self._taken:
                self._taken.add(number)
                self._last = number
                return self._text(number)
        raise Conflict(f"no available IPv{self.network.version} addresses on this network's address pools")

    def _text(self, number: int) -> str:
        return str(self.network.network_address + (number - int(self.network.network_address)))

    def _take_this(self, wanted: str) -> str:
        try:
            address = ip_address(wanted)
        except ValueError:
            raise BadParameter(f"invalid IPv{self.network.version} address: {wanted}") from None
        if address not in self.network:
            raise BadParameter(f"Invalid address {wanted}: It does not belong to any of this network's subnets")
        if int(address) in self._taken:
            raise Conflict("Address already in use")
        self._taken.add(int(address))
        return str(address)

    def give_back(self, address: str) -> None:
        """Somebody else may have it."""
        self._taken.discard(int(ip_address(address)))


def mac_of(address: str) -> str:
    """A container's hardware address, of its other one: as Docker's are, 02:42 and the four bytes."""
    return "02:42:" + ":".join(f"{byte:02x}" for byte in IPv4Address(address).packed)


def of_mac(network: str, mac: str) -> str:
    """An IPv6 address of a hardware address: as Docker has it on the default network, its six bytes at the end."""
    found = IPv6Network(network)
    return str(found.network_address + int.from_bytes(mac_bytes(mac), "big")) if found.prefixlen <= 80 else ""


def mac_bytes(text: str) -> bytes:
    """Raises ``BadParameter``."""
    try:
        found = bytes.fromhex(text.replace(":", "").replace("-", ""))
    except ValueError:
        found = b""
    if len(found) != 6:
        raise BadParameter(f"invalid MAC address: {text}")
    return found


def of_version(configs: Sequence[Mapping[str, Any]], version: int) -> Mapping[str, Any]:
    """The part of ``IPAM.Config`` that is one family's: by its subnet. Raises ``BadParameter`` where there are two."""
    found = [one for one in configs if one.get("Subnet") and subnet(str(one["Subnet"])).version == version]
    if len(found) > 1:
        raise BadParameter(f"bridge networks have one IPv{version} subnet: {found[1]['Subnet']} is a second one")
    bare = [one for one in configs if not one.get("Subnet")] if version == 4 else []
    return {**(bare[0] if bare else {}), **(found[0] if found else {})}
