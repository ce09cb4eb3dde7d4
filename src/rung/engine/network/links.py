"""Bridges and interfaces in the kernel, by netlink.

Rule: what is there already is as good as made; what is gone already is as good as removed.
"""

from __future__ import annotations

import errno
import os
from ipaddress import IPv4Address, IPv4Network, IPv6Network, ip_address

from rung.engine.errors import EngineError
from rung.engine.network.addresses import mac_bytes
from rung.kernel import rtnetlink
from rung.kernel.netlink import Netlink, inside
from rung.kernel.rtnetlink import NetlinkError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

    from rung.engine.network.endpoint import Endpoint


def refused(what: str, error: NetlinkError) -> EngineError:
    """The kernel's refusal as a sentence."""
    return EngineError(f"{what}: {os.strerror(error.errno)}")


def make_bridge(name: str, gateway: str, network: IPv4Network, mtu: int = 0) -> None:
    """A bridge with an address, up, that lets packets through to others."""
    with Netlink() as netlink:
        _unless_there(netlink, rtnetlink.add_bridge(name, mtu), f"make bridge {name}")
        (link,) = netlink.ask(rtnetlink.get_link(name)).links
        if link.kind != "bridge":
            raise EngineError(f"existing interface {name} is not a bridge")
        index = link.index
        address = rtnetlink.new_address(
            index, IPv4Address(gateway).packed, network.prefixlen, network.broadcast_address.packed
        )
        _unless_there(netlink, address, f"give bridge {name} the address {gateway}")
        netlink.ask(rtnetlink.set_up(index, up=True))
    _write("/proc/sys/net/ipv4/ip_forward", "1")
    # A port that is published on 127.0.0.1 leads from there over the bridge; rules.py keeps others from using that.
    _write(f"/proc/sys/net/ipv4/conf/{name}/route_localnet", "1")


_CONF6 = "/proc/sys/net/ipv6/conf"


def give_ipv6(name: str, gateway: str, network: IPv6Network) -> None:
    """A bridge's address of the other family. Raises ``EngineError``."""
    if not os.path.isdir(_CONF6):
        raise EngineError("this kernel has no IPv6 (or was started with ipv6.disable=1): create the network without it")
    _write(f"{_CONF6}/{name}/disable_ipv6", "0")
    with Netlink() as netlink:
        address = rtnetlink.new_address(netlink.index(name), ip_address(gateway).packed, network.prefixlen)
        _unless_there(netlink, address, f"give bridge {name} the address {gateway}")
    # A host that forwards ignores routers' advertisements, its own way out with them, unless it is told otherwise (2).
    for one in os.listdir(_CONF6):
        if _read(f"{_CONF6}/{one}/accept_ra") == "1":
            _write(f"{_CONF6}/{one}/accept_ra", "2")
    _write(f"{_CONF6}/all/forwarding", "1")


def _read(path: str) -> str:
    with open(path) as file:
        return file.read().strip()


def _unless_there(netlink: Netlink, request: bytes, what: str) -> None:
    try:
        netlink.ask(request)
    except NetlinkError as error:
        if error.errno != errno.EEXIST:
            raise refused(what, error) from None


def _write(path: str, value: str) -> None:
    with open(path, "r+") as file:
        if file.read().strip() != value:
            file.seek(0)
            file.write(value)


def remove(name: str) -> None:
    """An interface, with its other end."""
    with Netlink() as netlink:
        try:
            netlink.ask(rtnetlink.remove_link(netlink.index(name)))
        except NetlinkError as error:
            if error.errno != errno.ENODEV:
                raise refused(f"remove interface {name}", error) from None


def names() -> frozenset[str]:
    """Of all interfaces."""
    with Netlink() as netlink:
        return frozenset(link.name for link in netlink.ask(rtnetlink.get_links()).links)


def ports_of(bridges: frozenset[str]) -> frozenset[str]:
    """Interfaces that are ports of one of these bridges."""
    with Netlink() as netlink:
        found = netlink.ask(rtnetlink.get_links()).links
    numbers = {link.index for link in found if link.name in bridges}
    return frozenset(link.name for link in found if link.master in numbers)


def connect(
    bridge: str, end: Endpoint, pid: int, *, leads_out: bool, mtu: int = 0, isolated: bool = False
) -> None:
    """An interface of a process's network with addresses, whose other end is a port of a bridge. ``leads_out``: it is
    the way to all else; ``isolated``: from other such ports of the bridge."""
    with Netlink() as netlink:
        try:
            netlink.ask(rtnetlink.add_pair(end.interface, end.inner, pid, mac_bytes(end.mac), mtu))
            index = netlink.index(end.interface)
            netlink.ask(rtnetlink.set_master(index, netlink.index(bridge)))
            if isolated:
                netlink.ask(rtnetlink.isolate_port(index))
        except NetlinkError as error:
            raise refused(f"connect to bridge {bridge}", error) from None
    there: Netlink = inside(f"/proc/{pid}/ns/net", lambda: _at(end))
    with there:
        try:
            index = there.index(end.inner)
            for address, prefix in ((end.address, end.prefix), (end.address6, end.prefix6)):
                if address:
                    there.ask(rtnetlink.new_address(index, ip_address(address).packed, prefix))
            there.ask(rtnetlink.set_up(index, up=True))
            there.ask(rtnetlink.set_up(there.index("lo"), up=True))
            for gateway in (end.gateway, end.gateway6):
                if gateway and leads_out:
                    there.ask(rtnetlink.default_route(index, ip_address(gateway).packed))
        except NetlinkError as error:
            remove(end.interface)
            raise refused(f"give the container the address {end.address}", error) from None


def _at(end: Endpoint) -> Netlink:
    """In the container's network: IPv6 is on where the endpoint has an address of it, and off where not (as Docker has
    it: an interface without one is not to get any from whoever advertises on the bridge)."""
    try:
        _write(f"{_CONF6}/{end.inner}/disable_ipv6", "0" if end.address6 else "1")
    except FileNotFoundError:  # no IPv6 in this kernel
        pass
    return Netlink()


def next_name(pid: int) -> str:
    """``eth0``, or the first that is free in a process's network."""
    there: Netlink = inside(f"/proc/{pid}/ns/net", Netlink)
    with there:
        names = {link.name for link in there.ask(rtnetlink.get_links()).links}
    return next(name for name in (f"eth{number}" for number in range(256)) if name not in names)


def routed_subnets() -> Iterator[IPv4Network | IPv6Network]:
    """What this machine has routes to already: not for a new network."""
    with Netlink() as netlink:
        destinations = netlink.ask(rtnetlink.get_routes()).destinations
        destinations6 = netlink.ask(rtnetlink.get_routes(10)).destinations
    for address, prefix in destinations:
        if prefix and len(address) == 4 and address[0] not in (0, 127, 255):
            yield IPv4Network((address, prefix), strict=False)
    for address, prefix in destinations6:
        if 0 < prefix < 128 and len(address) == 16 and address[0] not in (0, 0xFE, 0xFF):
            yield IPv6Network((address, prefix), strict=False)


