"""``-p``, ``--expose`` and ``--network`` as the API has them. Pure. The words are docker's (go-connections' nat)."""

from __future__ import annotations

from rung.errors import RungError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import Any


def published(publish: Iterable[str], expose: Iterable[str]) -> tuple[dict[str, Any], dict[str, Any]]:
    """ExposedPorts and PortBindings. Raises ``RungError``."""
    exposed: dict[str, Any] = {}
    bound: dict[str, Any] = {}
    for word in publish:
        for port, binding in _bindings(word) if "=" not in word else _long(word):
            exposed[port] = {}
            bound.setdefault(port, []).append(binding)
    for word in expose:
        ports, _, protocol = word.partition("/")
        for number in _range(ports, word):
            exposed[f"{number}/{protocol.lower() or 'tcp'}"] = {}
    return exposed, bound


def _bindings(word: str) -> Iterator[tuple[str, dict[str, str]]]:
    """``[address:][outside:]inside[/protocol]``, numbers or ranges of the same length."""
    rest, _, protocol = word.partition("/")
    protocol = protocol.lower() or "tcp"
    if protocol not in ("tcp", "udp", "sctp"):
        raise RungError("invalid proto", "", protocol)
    head, _, inside = rest.rpartition(":")
    address, _, outside = head.rpartition(":")
    if not inside:
        raise RungError("no port specified", "", f"{word}<empty>")
    address = address.strip("[]")
    within = _range(inside, word)
    without: list[int] = _range(outside, word) if outside else []
    if without and len(without) != len(within):
        if len(within) != 1:
            raise RungError(
                "invalid ranges specified for container and host Ports", "", f"{inside} and {outside}"
            )
        yield f"{within[0]}/{protocol}", {"HostIp": address, "HostPort": outside}
        return
    for at, number in enumerate(within):
        yield f"{number}/{protocol}", {"HostIp": address, "HostPort": str(without[at]) if without else ""}


def _long(word: str) -> Iterator[tuple[str, dict[str, str]]]:
    """``published=8080,target=80,protocol=tcp``."""
    given = dict(part.partition("=")[::2] for part in word.split(","))
    target = given.get("target", "")
    if not target.isdecimal():
        raise RungError(f"invalid port {word!r}", "", "", "target=PORT is missing")
    binding = {"HostIp": "", "HostPort": given.get("published", "")}
    yield f"{target}/{given.get('protocol', 'tcp')}", binding


def _range(text: str, word: str) -> list[int]:
    first, dash, last = text.partition("-")
    try:
        low, high = int(first), int(last if dash else first)
        if not 0 < low <= high < 65536:
            raise ValueError
    except ValueError:
        raise RungError("invalid containerPort", "", text if text != word else word) from None
    return list(range(low, high + 1))


def network(word: str) -> tuple[str, dict[str, Any]]:
    """``NAME``, or ``name=NAME,alias=A,ip=ADDRESS,driver-opt=K=V``. Raises ``RungError``."""
    if "=" not in word:
        return word, {}
    name = ""
    found: dict[str, Any] = {}
    addresses: dict[str, str] = {}
    for part in word.split(","):
        key, _, value = part.partition("=")
        key = key.strip().lower()
        if key == "name":
            name = value
        elif key == "alias":
            found.setdefault("Aliases", []).append(value)
        elif key in ("ip", "ip6"):
            addresses["IPv4Address" if key == "ip" else "IPv6Address"] = value
        elif key == "mac-address":
            found["MacAddress"] = value
        elif key == "driver-opt":
            option, _, setting = value.partition("=")
            found.setdefault("DriverOpts", {})[option] = setting
        else:
            raise RungError("invalid field key", key)
    if addresses:
        found["IPAMConfig"] = addresses
    if not name:
        raise RungError("network name is required", "", word)
    return name, found
