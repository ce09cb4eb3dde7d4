"""Network devices of the host that are given to a container: config-linux.md#network-devices.

The runtime moves them from the network namespace it is in, and goes on in the container's by a
socket that rung-init has opened there. What the kernel forgets at a move is given again: the
permanent addresses of global scope, and that the device is up. Where create fails later,
the devices come back as they were, before the namespace and what is in it goes.
"""

from __future__ import annotations

from _socket import AF_NETLINK, SOCK_CLOEXEC, SOCK_RAW, socket

from rung import posix
from rung.kernel import rtnetlink
from rung.record import Record
from rung.runtime.errors import RuntimeFailure

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.spec.runtime.config import NetDevice
    from rung.undo import Undo

_ROUTE = 0  # NETLINK_ROUTE
_ENODEV, _EEXIST = 19, 17


class Device(Record):
    """A device as it was on the host."""

    name: str
    index: int
    up: bool
    addresses: tuple[rtnetlink.Address, ...]


def move(devices: dict[str, NetDevice], pid: int, netlink: int, undo: Undo) -> None:
    """Give the devices to the network namespace of ``pid``; ``netlink`` is a socket of it."""
    host = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, _ROUTE)
    inside = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, _ROUTE, posix.dup(netlink))
    try:
        for name, wanted in devices.items():
            try:
                _move(host, inside, name, wanted.get("name") or name, pid, undo)
            except rtnetlink.NetlinkError as error:
                raise _failure(name, wanted.get("name") or name, error.errno) from None
    finally:
        host.close()
        inside.close()


def _failure(name: str, new: str, errno: int) -> RuntimeFailure:
    if errno == _EEXIST:
        return RuntimeFailure(
            "network device", f'"{name}"', f'the container has a device "{new}" already', "give it another name"
        )
    reason = "there is none of that name here" if errno == _ENODEV else posix.strerror(errno)
    return RuntimeFailure("network device", f'"{name}"', f"cannot be moved to the container: {reason}")


def _move(host: socket, inside: socket, name: str, new: str, pid: int, undo: Undo) -> None:
    device = _look(host, name)
    present = _ask(inside, rtnetlink.get_links()).links
    if any(link.name == new for link in present):  # the kernel would say so after the move
        raise rtnetlink.NetlinkError(_EEXIST)
    _ask(host, rtnetlink.set_up(device.index, up=False))
    try:
        _ask(host, rtnetlink.move_link(device.index, new, pid))
    except rtnetlink.NetlinkError:
        _settle(host, device.index, device)
        raise
    index = _found(inside, new, {link.index for link in present})
    undo.push(_move_back, undo.held.add(posix.dup(inside.fileno())), index, device)
    _settle(inside, index, device.replace(up=True))


def _found(inside: socket, new: str, before: set[int]) -> int:
    """Its number there. A name with ``%d`` is the kernel's to choose."""
    if "%" not in new:
        return _ask(inside, rtnetlink.get_link(new)).links[0].index
    links = _ask(inside, rtnetlink.get_links()).links
    start = new.partition("%")[0]
    return next(link.index for link in links if link.index not in before and link.name.startswith(start))


def _look(host: socket, name: str) -> Device:
    (link,) = _ask(host, rtnetlink.get_link(name)).links
    addresses = tuple(
        address
        for address in _ask(host, rtnetlink.get_addresses()).addresses
        if address.index == link.index
        and address.flags & rtnetlink.PERMANENT
        and address.scope == rtnetlink.GLOBAL
    )
    return Device(name, link.index, bool(link.flags & rtnetlink.UP), addresses)


def _settle(where: socket, index: int, device: Device) -> None:
    """Addresses and state as the device had them; the addresses that it still has are no error."""
    for address in device.addresses:
        try:
            _ask(where, rtnetlink.add_address(address, index))
        except rtnetlink.NetlinkError as error:
            if error.errno != _EEXIST:
                raise
    if device.up:
        _ask(where, rtnetlink.set_up(index, up=True))


def _move_back(netlink: int, index: int, device: Device) -> None:
    inside = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, _ROUTE, posix.dup(netlink))
    host = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, _ROUTE)
    try:
        _ask(inside, rtnetlink.set_up(index, up=False))
        _ask(inside, rtnetlink.move_link(index, device.name, posix.getpid()))
        _settle(host, _ask(host, rtnetlink.get_link(device.name)).links[0].index, device)
    finally:
        inside.close()
        host.close()


def _ask(where: socket, request: bytes) -> rtnetlink.Answer:
    """Send a request and read all of its answer. Raises ``NetlinkError``."""
    where.send(request)
    answer = rtnetlink.Answer()
    while not answer.whole:
        answer.feed(where.recv(1 << 16))
    return answer

