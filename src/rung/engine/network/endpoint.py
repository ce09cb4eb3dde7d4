"""A container's end of a network: what it asked for, what it got, and how Docker shows it."""

from __future__ import annotations

import os

from rung.sha2 import sha256

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rung.engine.network.network import Network


class Endpoint:
    """``interface`` is the host's end, ``inner`` the container's; both empty before it runs, and for host and none."""

    def __init__(self, **given: Any) -> None:
        self.network = ""  # its name
        self.network_id = ""
        self.id = ""
        self.address = ""
        self.prefix = 0
        self.gateway = ""
        self.address6 = ""
        self.prefix6 = 0
        self.gateway6 = ""
        self.mac = ""
        self.interface = ""
        self.inner = ""
        self.asked: dict[str, Any] = {}
        self.names: list[str] = []
        self.__dict__.update(given)

    @classmethod
    def of(cls, network: Network, asked: dict[str, Any], names: list[str]) -> Endpoint:
        """One that has nothing yet."""
        return cls(network=network.name, network_id=network.id, asked=asked, names=names)

    def begin(self) -> None:
        """It will have an interface: named after nothing, as names of interfaces are few."""
        self.id = os.urandom(32).hex()
        self.interface = f"veth{self.id[:7]}"

    def document(self) -> dict[str, Any]:
        """What the database keeps."""
        return dict(self.__dict__)

    def view(self) -> dict[str, Any]:
        """Docker's EndpointSettings."""
        return {
            "IPAMConfig": self.asked.get("IPAMConfig") or None,
            "Links": self.asked.get("Links"),
            "Aliases": self.asked.get("Aliases"),
            "MacAddress": self.mac,
            "DriverOpts": self.asked.get("DriverOpts"),
            "NetworkID": self.network_id,
            "EndpointID": self.id,
            "Gateway": self.gateway,
            "IPAddress": self.address,
            "IPPrefixLen": self.prefix,
            "IPv6Gateway": self.gateway6,
            "GlobalIPv6Address": self.address6,
            "GlobalIPv6PrefixLen": self.prefix6,
            "DNSNames": self.names or None,
        }


def id_without(container_id: str, network: str) -> str:
    """The id of an end that has no interface, on the host's network or on none: always the same."""
    return sha256(f"{container_id} {network}".encode()).hexdigest()
