"""rtnetlink(7) as bytes: requests out, answers in. No socket is opened here.

    message  u32 length | u16 type | u16 flags | u32 sequence | u32 port      = 16 bytes
    link     u8 family | u8 0 | u16 type | i32 index | u32 flags | u32 change = 16 bytes
    address  u8 family | u8 prefix length | u8 flags | u8 scope | u32 index   =  8 bytes
    attribute  u16 length | u16 type | value | padded to 4

Numbers are in the machine's own order, and everything is aligned to 4 bytes.
"""

from __future__ import annotations

from struct import pack, unpack, unpack_from

from rung.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator

NEWLINK, DELLINK, GETLINK, NEWADDR, GETADDR, NEWROUTE, GETROUTE = 16, 17, 18, 20, 22, 24, 26
_ERROR, _DONE = 2, 3
_REQUEST, _ACK, _DUMP, _CREATE, _EXCL = 1, 4, 0x300, 0x400, 0x200

IFLA_ADDRESS, IFNAME, MTU, LINK_MASTER, LINKINFO, NET_NS_PID = 1, 3, 4, 10, 18, 19  # IFLA_*
_INFO_KIND, _INFO_DATA, _VETH_PEER = 1, 2, 1
_INFO_SLAVE_KIND, _INFO_SLAVE_DATA, _BRPORT_ISOLATED = 4, 5, 33
_RTA_DST, _RTA_OIF, _RTA_GATEWAY = 1, 4, 5
_TABLE_MAIN, _BOOT, _UNICAST = 254, 3, 1
UP = 1  # IFF_UP
ADDRESS, LOCAL, BROADCAST, FLAGS, RT_PRIORITY = 1, 2, 4, 8, 9  # IFA_*
PERMANENT, NODAD, NOPREFIXROUTE = 0x80, 0x02, 0x200  # IFA_F_*
GLOBAL = 0  # RT_SCOPE_UNIVERSE


class NetlinkError(Exception):
    """The kernel refused a request: ``errno``."""

    def __init__(self, errno: int) -> None:
        super().__init__(errno)
        self.errno = errno


class Link(Record):
    """A network interface."""

    index: int
    name: str
    flags: int
    kind: str = ""  # bridge, veth, ...; empty for a device
    master: int = 0  # the bridge that it is a port of


class Address(Record):
    """An address of an interface. ``attributes``: those that say what it is, by IFA_*."""

    index: int
    family: int
    prefix: int
    scope: int
    flags: int
    attributes: dict[int, bytes]


def get_link(name: str) -> bytes:
    """Which one has the name?"""
    return _message(GETLINK, _REQUEST, _link(0, 0, 0) + _text(IFNAME, name))


def get_links() -> bytes:
    """All of them."""
    return _message(GETLINK, _REQUEST | _DUMP, _link(0, 0, 0))


def get_addresses() -> bytes:
    """All addresses of all interfaces."""
    return _message(GETADDR, _REQUEST | _DUMP, pack("=BBBBI", 0, 0, 0, 0, 0))


def set_up(index: int, *, up: bool) -> bytes:
    """Make an interface work, or not."""
    return _message(NEWLINK, _REQUEST | _ACK, _link(index, UP * up, UP))


def move_link(index: int, name: str, pid: int) -> bytes:
    """To the network namespace of a process, under that name."""
    words = _text(IFNAME, name) + _attribute(NET_NS_PID, pack("=I", pid))
    return _message(NEWLINK, _REQUEST | _ACK, _link(index, 0, 0) + words)


def add_address(address: Address, index: int) -> bytes:
    """Give an interface the address that another one (or it, elsewhere) had."""
    kept = address.flags & (NODAD | NOPREFIXROUTE)
    head = pack("=BBBBI", address.family, address.prefix, kept & 0xFF, address.scope, index)
    attributes = {**address.attributes, FLAGS: pack("=I", kept)}
    body = b"".join(_attribute(kind, value) for kind, value in attributes.items())
    return _message(NEWADDR, _REQUEST | _ACK | _CREATE | _EXCL, head + body)


def add_bridge(name: str, mtu: int = 0) -> bytes:
    """A new bridge."""
    words = _text(IFNAME, name) + (_attribute(MTU, pack("=I", mtu)) if mtu else b"")
    return _message(NEWLINK, _REQUEST | _ACK | _CREATE | _EXCL, _link(0, 0, 0) + words + _kind("bridge"))


def add_pair(name: str, peer: str, pid: int, peer_mac: bytes, mtu: int = 0) -> bytes:
    """A pair of virtual interfaces, of which one is born into the network namespace of a process."""
    size = _attribute(MTU, pack("=I", mtu)) if mtu else b""
    there = _text(IFNAME, peer) + _attribute(NET_NS_PID, pack("=I", pid)) + _attribute(IFLA_ADDRESS, peer_mac) + size
    data = _attribute(_VETH_PEER, _link(0, 0, 0) + there)
    body = _link(0, 0, 0) + _text(IFNAME, name) + size + _kind("veth", data)
    return _message(NEWLINK, _REQUEST | _ACK | _CREATE | _EXCL, body)


def set_master(index: int, master: int) -> bytes:
    """Make an interface a port of a bridge, and set it up."""
    return _message(NEWLINK, _REQUEST | _ACK, _link(index, UP, UP) + _attribute(LINK_MASTER, pack("=I", master)))


def isolate_port(index: int) -> bytes:
    """Keep a port of a bridge from reaching the bridge's other isolated ports (IFLA_BRPORT_ISOLATED)."""
    port = _text(_INFO_SLAVE_KIND, "bridge") + _attribute(_INFO_SLAVE_DATA, _attribute(_BRPORT_ISOLATED, b"\1"))
    return _message(NEWLINK, _REQUEST | _ACK, _link(index, 0, 0) + _attribute(LINKINFO, port))


def remove_link(index: int) -> bytes:
    """Take an interface away."""
    return _message(DELLINK, _REQUEST | _ACK, _link(index, 0, 0))


def new_address(index: int, address: bytes, prefix: int, broadcast: bytes = b"") -> bytes:
    """An address of one's own choosing; its family is told by its length. Nobody else is asked whether he has it (IPv6:
    it would not work for seconds)."""
    family = 2 if len(address) == 4 else 10
    words = {LOCAL: address, ADDRESS: address, **({BROADCAST: broadcast} if broadcast else {})}
    return add_address(Address(index, family, prefix, GLOBAL, NODAD if family == 10 else 0, words), index)


def default_route(index: int, gateway: bytes) -> bytes:
    """Everything that has no other way goes there."""
    family = 2 if len(gateway) == 4 else 10
    head = pack("=BBBBBBBBI", family, 0, 0, 0, _TABLE_MAIN, _BOOT, GLOBAL, _UNICAST, 0)
    words = _attribute(_RTA_GATEWAY, gateway) + _attribute(_RTA_OIF, pack("=I", index))
    return _message(NEWROUTE, _REQUEST | _ACK | _CREATE, head + words)


def get_routes(family: int = 2) -> bytes:
    """All routes of a family."""
    return _message(GETROUTE, _REQUEST | _DUMP, pack("=BBBBBBBBI", family, 0, 0, 0, 0, 0, 0, 0, 0))


class Answer:
    """What comes back for one request, datagram by datagram. ``whole`` once there is no more."""

    def __init__(self) -> None:
        self.whole = False
        self.links: list[Link] = []
        self.addresses: list[Address] = []
        self.destinations: list[tuple[bytes, int]] = []  # of routes: address and prefix length
        self._dump = False

    def feed(self, datagram: bytes) -> None:
        """Take one in. Raises ``NetlinkError`` where the kernel says no."""
        at = 0
        while at + 16 <= len(datagram):
            length, kind, flags = unpack_from("=IHH", datagram, at)
            if length < 16:
                return
            self._take(kind, datagram[at + 16 : at + length])
            self._dump = self._dump or bool(flags & 2)  # NLM_F_MULTI
            at += (length + 3) & ~3
        if not self._dump:
            self.whole = True

    def _take(self, kind: int, body: bytes) -> None:
        if kind == _ERROR:
            (errno,) = unpack_from("=i", body)
            if errno:
                raise NetlinkError(-errno)
            self.whole = True
        elif kind == _DONE:
            self.whole = True
        elif kind == NEWLINK:
            _, _, _, index, flags, _ = unpack_from("=BBHiII", body)
            words = dict(_attributes(body, 16))
            name = words.get(IFNAME, b"").split(b"\0")[0].decode("utf-8", "surrogateescape")
            info = dict(_attributes(words.get(LINKINFO, b""), 0))
            (master,) = unpack("=I", words.get(LINK_MASTER, bytes(4)))
            self.links.append(Link(index, name, flags, info.get(_INFO_KIND, b"").split(b"\0")[0].decode(), master))
        elif kind == NEWADDR:
            self.addresses.append(_address(body))
        elif kind == NEWROUTE:
            found = dict(_attributes(body, 12))
            self.destinations.append((found.get(_RTA_DST, bytes(4)), body[1]))


def _address(body: bytes) -> Address:
    family, prefix, flags, scope, index = unpack_from("=BBBBI", body)
    found = dict(_attributes(body, 8))
    if FLAGS in found:
        (flags,) = unpack_from("=I", found[FLAGS])
    kept = {kind: found[kind] for kind in (ADDRESS, LOCAL, BROADCAST, RT_PRIORITY) if kind in found}
    return Address(index, family, prefix, scope, flags, kept)


def _attributes(body: bytes, at: int) -> Iterator[tuple[int, bytes]]:
    while at + 4 <= len(body):
        length, kind = unpack_from("=HH", body, at)
        if length < 4:
            return
        yield kind & 0x3FFF, body[at + 4 : at + length]
        at += (length + 3) & ~3


def _message(kind: int, flags: int, body: bytes) -> bytes:
    return pack("=IHHII", 16 + len(body), kind, flags, 1, 0) + body


def _link(index: int, flags: int, change: int) -> bytes:
    return pack("=BBHiII", 0, 0, 0, index, flags, change)


def _attribute(kind: int, value: bytes) -> bytes:
    return pack("=HH", 4 + len(value), kind) + value + bytes(-len(value) % 4)


def _kind(name: str, data: bytes = b"") -> bytes:
    """What kind of interface it shall be, with the kind's own attributes."""
    words = _text(_INFO_KIND, name) + (_attribute(_INFO_DATA, data) if data else b"")
    return _attribute(LINKINFO, words)


def _text(kind: int, value: str) -> bytes:
    return _attribute(kind, value.encode("utf-8", "surrogateescape") + b"\0")
