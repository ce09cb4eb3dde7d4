"""Bridges and interfaces in the kernel, by netlink.

Rule: what is there already is as good as made; what is gone already is as good as removed.
"""

from __future__ import annotations

import errno
import os
from ipaddress import IPv4Address, IPv4Network

from rung.engine.errors import EngineError
from rung.engine.network.addresses import mac_bytes
from rung.kernel import rtnetlink
from rung.kernel.netlink import Netlink, inside
from rung.kernel.rtnetlink import NetlinkError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


def refused(what: str, error: NetlinkError) -> EngineError:
    """The kernel's refusal as a sentence."""
    return EngineError(f"{what}: {os.strerror(error.errno)}")


def make_bridge(name: str, gateway: str, network: IPv4Network, mtu: int = 0) -> None:
    """A bridge with an address, up, that lets packets through to others."""
    with Netlink() as netlink:
        _unless_there(netlink, rtnetlink.add_bridge(name, mtu), f"make bridge {name}")
        index = netlink.index(name)
        address = rtnetlink.new_address(
            index, IPv4Address(gateway).packed, network.prefixlen, network.broadcast_address.packed
        )
        _unless_there(netlink, address, f"give bridge {name} the address {gateway}")
        netlink.ask(rtnetlink.set_up(index, up=True))
    _write("/proc/sys/net/ipv4/ip_forward", "1")
    # A port that is published on 127.0.0.1 leads from there over the bridge; rules.py keeps others from using that.
    _write(f"/proc/sys/net/ipv4/conf/{name}/route_localnet", "1")


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


def connect(
    bridge: str, name: str, pid: int, inner: str, address: str, prefix: int, mac: str, gateway: str, mtu: int = 0
) -> None:
    """An interface of a process's network with an address, whose other end is a port of a bridge. ``gateway``: its way
    to all else, or empty."""
    with Netlink() as netlink:
        try:
            netlink.ask(rtnetlink.add_pair(name, inner, pid, mac_bytes(mac), mtu))
            netlink.ask(rtnetlink.set_master(netlink.index(name), netlink.index(bridge)))
        except NetlinkError as error:
            raise refused(f"connect to bridge {bridge}", error) from None
    there: Netlink = inside(f"/proc/{pid}/ns/net", Netlink)
    with there:
        try:
            index = there.index(inner)
            there.ask(rtnetlink.new_address(index, IPv4Address(address).packed, prefix))
            there.ask(rtnetlink.set_up(index, up=True))
            there.ask(rtnetlink.set_up(there.index("lo"), up=True))
            if gateway:
                there.ask(rtnetlink.default_route(index, IPv4Address(gateway).packed))
        except NetlinkError as error:
            remove(name)
            raise refused(f"give the container the address {address}", error) from None


def next_name(pid: int) -> str:
    """``eth0``, or the first that is free in a process's network."""
    there: Netlink = inside(f"/proc/{pid}/ns/net", Netlink)
    with there:
        names = {link.name for link in there.ask(rtnetlink.get_links()).links}
    return next(name for name in (f"eth{number}" for number in range(256)) if name not in names)


def routed_subnets() -> Iterator[IPv4Network]:
    """What this machine has routes to already: not for a new network."""
    with Netlink() as netlink:
        destinations = netlink.ask(rtnetlink.get_routes()).destinations
    for address, prefix in destinations:
        if prefix and len(address) == 4 and address[0] not in (0, 127, 255):
            yield IPv4Network((address, prefix), strict=False)


