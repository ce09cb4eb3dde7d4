"""Options of the bridge driver (``docker network create -o``), checked as dockerd checks them. Pure."""

from __future__ import annotations

from ipaddress import IPv4Address

from rung.engine.errors import BadParameter, EngineError, NotAllowed
from rung.engine.network.network import BRIDGE_NAME, HOST_BINDING, ICC, MASQUERADE, MTU, Network

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

#: An interface's name has so many bytes at most (IFNAMSIZ, less the zero at its end).
_LONGEST = 15
_SWITCHES = (ICC, MASQUERADE, "com.docker.network.bridge.inhibit_ipv4")
#: What Go's strconv.ParseBool takes for a truth value.
_TRUE, _FALSE = ("1", "t", "T", "TRUE", "true", "True"), ("0", "f", "F", "FALSE", "false", "False")


def check(network: Network, others: Iterable[Network]) -> None:
    """Raises ``BadParameter``; ``NotAllowed`` where another network has the bridge."""
    for name in _SWITCHES:
        is_on(network.options, name)
    _check_mtu(network.options.get(MTU, ""))
    _check_address(network.options.get(HOST_BINDING, ""))
    bridge = network.options.get(BRIDGE_NAME, "")
    if len(bridge.encode()) > _LONGEST:
        raise EngineError("numerical result out of range")
    if bridge and (bridge in (".", "..") or any(char in "/:" or char.isspace() for char in bridge)):
        raise EngineError("invalid argument")
    for other in others:
        if other.driver == "bridge" and other.bridge == network.bridge:
            raise NotAllowed(
                f"cannot create network {network.id} ({network.bridge}): conflicts with network {other.id} "
                f"({other.bridge}): networks have same bridge name"
            )


def is_on(options: Mapping[str, str], name: str) -> bool:
    """A switch, which is on where nothing is said. Raises ``BadParameter``."""
    value = options.get(name, "true")
    if value in _TRUE:
        return True
    if value in _FALSE:
        return False
    raise BadParameter(f'failed to parse {name} value: {value} (strconv.ParseBool: parsing "{value}": invalid syntax)')


def _check_mtu(value: str) -> None:
    if value and not value.removeprefix("-").isdecimal():
        said = f'strconv.Atoi: parsing "{value}": invalid syntax'
        raise BadParameter(f"failed to parse {MTU} value: {value} ({said})")


def _check_address(value: str) -> None:
    if not value:
        return
    try:
        IPv4Address(value)
    except ValueError:
        raise BadParameter(f"failed to parse {HOST_BINDING} value: {value} (nil ip)") from None
