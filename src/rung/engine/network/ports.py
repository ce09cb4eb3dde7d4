"""Ports of the host: which are asked for, which are free, and holding them.

A published port is taken by binding a socket to it, on which nobody listens (but for ::1, relay.py): so that no other
program gets it, and one that is taken already is refused in Docker's words. The packets themselves never come to it
(rules.py).
"""

from __future__ import annotations

import socket

from rung.engine.errors import BadParameter, Conflict
from rung.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Protocol

    class Host(Protocol):
        """The host's network, where the engine is not in it (an ordinary user's)."""

        by: str

        def bind(self, family: int, kind: int, address: str, port: int) -> socket.socket:
            """A socket there, bound; it listens where it can. Raises ``OSError``."""
            ...

        def end(self) -> None:
            """It is not needed any more."""
            ...

#: Where connections come to the socket itself (relay.py).
RELAYED = ("::", "::1")
_TYPES = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}


class Binding(Record):
    """``port`` of the container as ``host_port`` (0: any that is free) on ``host_ip``: empty is all of IPv4, ``::`` all
    of IPv6."""

    port: int
    protocol: str
    host_ip: str
    host_port: int
    last: int = 0  # of a range that is tried


def parse(text: str) -> tuple[int, str]:
    """``80/tcp``. Raises ``BadParameter``."""
    number, _, protocol = text.partition("/")
    protocol = protocol or "tcp"
    if not number.isdecimal() or not 0 < int(number) < 65536 or protocol not in ("tcp", "udp", "sctp"):
        raise BadParameter(f"invalid port: {text}")
    return int(number), protocol


def asked(config: Mapping[str, Any], host: Mapping[str, Any]) -> list[Binding]:
    """What a container wants published."""
    found = []
    bindings = host.get("PortBindings") or {}
    for text, places in bindings.items():
        port, protocol = parse(text)
        for place in places or [{}]:
            first, _, last = str(place.get("HostPort") or "0").partition("-")
            if not (first or "0").isdecimal():
                raise BadParameter(f"invalid port specification: {place.get('HostPort')!r}".replace("'", '"'))
            host_ip = str(place.get("HostIp") or "")
            found.append(Binding(port, protocol, host_ip, int(first or 0), int(last or 0)))
    if host.get("PublishAllPorts"):
        for text in config.get("ExposedPorts") or {}:
            if text not in bindings:
                found.append(Binding(*parse(text), "", 0))
    return found


def hold(binding: Binding, *, has_ipv6: bool, host: Host | None = None) -> list[Held]:
    """The sockets of what was asked for: one of each family where no address was named, with one number. Raises
    ``Conflict``."""
    if binding.host_ip == "0.0.0.0" or (binding.host_ip == "::" and not has_ipv6):
        return [Held(binding.replace(host_ip=""), host)]
    if binding.host_ip or not has_ipv6:
        return [Held(binding, host)]
    last = max(binding.last, binding.host_port)
    tries = range(binding.host_port, last + 1) if binding.host_port else [0] * _TRIES
    for number in tries:
        fresh = binding.replace(host_port=number, last=0)
        one = Held(fresh, host) if number in (last, 0) else _held(fresh, host)
        try:
            if one is not None:
                return [one, Held(fresh.replace(host_ip="::", host_port=one.host_port), host)]
        except Conflict:
            assert one is not None
            one.close()
            if number == last and number:
                raise
    raise Conflict("no port of the host is free for IPv4 and IPv6 alike")


def _held(binding: Binding, host: Host | None) -> Held | None:
    """One of a range, where others are still to be tried."""
    try:
        return Held(binding, host)
    except Conflict:
        return None


#: Numbers that the kernel chooses for one family, until one is free in the other as well.
_TRIES = 16


class Held:
    """A port of the host that is ours."""

    def __init__(self, binding: Binding, host: Host | None = None) -> None:
        self.binding = binding
        self.socket = _bind(binding, host)
        self.host_port: int = self.socket.getsockname()[1]

    def close(self) -> None:
        """Anybody may have it."""
        self.socket.close()


def _bind(binding: Binding, host: Host | None) -> socket.socket:
    if binding.protocol not in _TYPES:
        raise BadParameter(f"protocol {binding.protocol} cannot be published here")
    last = max(binding.last, binding.host_port)
    for number in range(binding.host_port, last + 1):
        family = socket.AF_INET6 if ":" in binding.host_ip else socket.AF_INET
        place = (family, _TYPES[binding.protocol], binding.host_ip or "0.0.0.0", number)
        try:
            found = host.bind(*place) if host is not None else _bound(*place, relayed=binding.host_ip in RELAYED)
        except OSError as error:
            if number == last:
                where = f"{binding.host_ip or '0.0.0.0'}:{number}"
                why = "port is already allocated" if error.errno == 98 else str(error.strerror)
                raise Conflict(f"Bind for {where} failed: {why}") from None
            continue
        return found
    raise AssertionError


def _bound(family: int, kind: int, address: str, port: int, *, relayed: bool) -> socket.socket:
    found = socket.socket(family, kind)
    try:
        if family == socket.AF_INET6:
            found.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if relayed and kind == socket.SOCK_STREAM:  # its connections outlive an engine that was killed, for a minute
            found.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        found.bind((address, port))
        if relayed and kind == socket.SOCK_STREAM:  # what does not listen does not keep another such socket away
            found.listen()
    except OSError:
        found.close()
        raise
    return found
