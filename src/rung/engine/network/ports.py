"""Ports of the host: which are asked for, which are free, and holding them.

A published port is taken by binding a socket to it, on which nobody ever listens: so that no other program gets it,
and one that is taken already is refused in Docker's words. The packets themselves never come to it (rules.py).
"""

from __future__ import annotations

import socket

from rung.engine.errors import BadParameter, Conflict
from rung.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

_TYPES = {"tcp": socket.SOCK_STREAM, "udp": socket.SOCK_DGRAM}


class Binding(Record):
    """``port`` of the container as ``host_port`` (0: any that is free) on ``host_ip`` (empty: all)."""

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
            host_ip = "" if host_ip in ("0.0.0.0", "::") else host_ip
            found.append(Binding(port, protocol, host_ip, int(first or 0), int(last or 0)))
    if host.get("PublishAllPorts"):
        for text in config.get("ExposedPorts") or {}:
            if text not in bindings:
                found.append(Binding(*parse(text), "", 0))
    return found


class Held:
    """A port of the host that is ours."""

    def __init__(self, binding: Binding) -> None:
        self.binding = binding
        self._socket = _bind(binding)
        self.host_port: int = self._socket.getsockname()[1]

    def close(self) -> None:
        """Anybody may have it."""
        self._socket.close()


def _bind(binding: Binding) -> socket.socket:
    if binding.protocol not in _TYPES:
        raise BadParameter(f"protocol {binding.protocol} cannot be published here")
    last = max(binding.last, binding.host_port)
    for number in range(binding.host_port, last + 1):
        found = socket.socket(socket.AF_INET, _TYPES[binding.protocol])
        try:
            found.bind((binding.host_ip or "0.0.0.0", number))
        except OSError as error:
            found.close()
            if number == last:
                where = f"{binding.host_ip or '0.0.0.0'}:{number}"
                why = "port is already allocated" if error.errno == 98 else str(error.strerror)
                raise Conflict(f"Bind for {where} failed: {why}") from None
            continue
        return found
    raise AssertionError
