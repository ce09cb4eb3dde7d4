"""Which subnet a network gets, and which address a container. Pure."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_network

from rung.engine.errors import BadParameter, Conflict

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

#: Docker's pools: 172.17/16 is the default network's, unless somebody has it.
POOLS = (
    *(f"172.{second}.0.0/16" for second in range(17, 32)),
    *(f"192.168.{third}.0/20" for third in range(0, 256, 16)),
)


def subnet(text: str) -> IPv4Network:
    """A subnet that was asked for. Raises ``BadParameter``."""
    try:
        found = ip_network(text, strict=False)
    except ValueError as error:
        raise BadParameter(f"invalid subnet {text}: {error}") from None
    if isinstance(found, IPv6Network):
        raise BadParameter(f"invalid subnet {text}: IPv6 is not served by this engine")
    return found


def free_subnet(taken: Iterable[IPv4Network]) -> IPv4Network:
    """The first of the pools that overlaps nobody's. Raises ``Conflict``."""
    known = list(taken)
    for text in POOLS:
        found = IPv4Network(text)
        if not any(found.overlaps(other) for other in known):
            return found
    said = "could not find an available, non-overlapping IPv4 address pool among the defaults to assign to the network"
    raise Conflict(said)


def check_free(wanted: IPv4Network, taken: Iterable[IPv4Network]) -> None:
    """Raises ``Conflict`` where another network has part of it."""
    if any(wanted.overlaps(other) for other in taken):
        raise Conflict("invalid pool request: Pool overlaps with other one on this address space")


def hosts(network: IPv4Network) -> Iterator[IPv4Address]:
    """The addresses that somebody may have."""
    yield from network.hosts()


class Pool:
    """A network's addresses. The lowest that is free is given, from behind the last one given: what has just been let
    go may still be in somebody's cache."""

    def __init__(self, network: IPv4Network, ip_range: str = "") -> None:
        self.network = network
        self._range = IPv4Network(ip_range, strict=False) if ip_range else network
        self._taken: set[int] = {int(network.network_address), int(network.broadcast_address)}
        self._last = int(self._range.network_address)

    def take(self, wanted: str = "") -> str:
        """One more address, or the wanted one. Raises ``BadParameter``, ``Conflict``."""
        if wanted:
            return self._take_this(wanted)
        first, last = int(self._range.network_address), int(self._range.broadcast_address)
        for number in (*range(self._last + 1, last + 1), *range(first, self._last + 1)):
            if number not in self._taken:
                self._taken.add(number)
                self._last = number
                return str(IPv4Address(number))
        raise Conflict("no available IPv4 addresses on this network's address pools")

    def _take_this(self, wanted: str) -> str:
        try:
            address = IPv4Address(wanted)
        except ValueError:
            raise BadParameter(f"invalid IPv4 address: {wanted}") from None
        if address not in self.network:
            raise BadParameter(f"Invalid address {wanted}: It does not belong to any of this network's subnets")
        if int(address) in self._taken:
            raise Conflict("Address already in use")
        self._taken.add(int(address))
        return wanted

    def give_back(self, address: str) -> None:
        """Somebody else may have it."""
        self._taken.discard(int(IPv4Address(address)))


def mac_of(address: str) -> str:
    """A container's hardware address, of its other one: as Docker's are, 02:42 and the four bytes."""
    return "02:42:" + ":".join(f"{byte:02x}" for byte in IPv4Address(address).packed)


def mac_bytes(text: str) -> bytes:
    """Raises ``BadParameter``."""
    try:
        found = bytes.fromhex(text.replace(":", "").replace("-", ""))
    except ValueError:
        found = b""
    if len(found) != 6:
        raise BadParameter(f"invalid MAC address: {text}")
    return found
