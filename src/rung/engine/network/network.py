"""One network, as it is kept and as Docker shows it."""

from __future__ import annotations

import os
from ipaddress import IPv4Network, IPv6Network
from time import time_ns

from rung.engine.network.addresses import Pool
from rung.spec.jsonfile import timestamp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

BRIDGE, HOST, NONE = "bridge", "host", "none"
DRIVERS = {BRIDGE: "bridge", HOST: "host", NONE: "null"}
BRIDGE_NAME = "com.docker.network.bridge.name"
MASQUERADE = "com.docker.network.bridge.enable_ip_masquerade"
MTU = "com.docker.network.driver.mtu"
ICC = "com.docker.network.bridge.enable_icc"
HOST_BINDING = "com.docker.network.bridge.host_binding_ipv4"


def _is_off(value: str | None) -> bool:
    """As Go's strconv.ParseBool reads it; options were checked when the network was created."""
    return (value or "").lower() in ("0", "f", "false")


class Network:
    """``subnet`` empty: it has no addresses (host, none); ``subnet6`` empty: none of IPv6."""

    def __init__(
        self,
        name: str,
        driver: str = "bridge",
        *,
        id: str = "",
        subnet: str = "",
        gateway: str = "",
        ip_range: str = "",
        ipam_options: dict[str, str] | None = None,
        internal: bool = False,
        attachable: bool = False,
        options: dict[str, str] | None = None,
        labels: dict[str, str] | None = None,
        created_ns: int = 0,
        subnet6: str = "",
        gateway6: str = "",
        ip_range6: str = "",
        gateway6_asked: bool = False,
        reserved: dict[str, str] | None = None,
        reserved6: dict[str, str] | None = None,
        lease: str = "",
        bridge_stays: bool = False,
    ) -> None:
        self.name, self.driver = name, driver
        #: Its bridge was there before it, and is there after it.
        self.bridge_stays = bridge_stays
        #: The lease that owns it.
        self.lease = lease
        self.id = id or os.urandom(32).hex()
        self.subnet, self.gateway, self.ip_range = subnet, gateway, ip_range
        self.ipam_options = ipam_options
        self.internal, self.attachable = internal, attachable
        self.options, self.labels = options or {}, labels or {}
        self.created_ns = created_ns or time_ns()
        self.pool = Pool(IPv4Network(subnet), ip_range) if subnet else None
        if self.pool is not None:
            self.gateway = self.pool.take(gateway) if gateway else self.pool.take()
        self.reserved, self.reserved6 = reserved or {}, reserved6 or {}
        self._reserve(self.pool, self.reserved)
        self.subnet6 = self.gateway6 = self.ip_range6 = ""
        self.gateway6_asked = gateway6_asked
        self.pool6: Pool | None = None
        if subnet6:
            self.have_ipv6(subnet6, gateway6, ip_range6)
            self.gateway6_asked = gateway6_asked

    def have_ipv6(self, subnet: str, gateway: str = "", ip_range: str = "") -> None:
        """It has a second family of addresses. Raises ``BadParameter``."""
        self.subnet6, self.ip_range6, self.gateway6_asked = subnet, ip_range, bool(gateway)
        self.pool6 = Pool(IPv6Network(subnet), ip_range)
        self.gateway6 = self.pool6.take(gateway or str(IPv6Network(subnet).network_address + 1))
        self._reserve(self.pool6, self.reserved6)

    @staticmethod
    def _reserve(pool: Pool | None, names: dict[str, str]) -> None:
        """Auxiliary addresses are somebody's who is no container. Raises ``BadParameter``, ``Conflict``."""
        if pool is not None:
            for address in names.values():
                pool.take(address)

    def document(self) -> dict[str, Any]:
        """What the database keeps."""
        return {name: value for name, value in self.__dict__.items() if name not in ("pool", "pool6")}

    @property
    def predefined(self) -> bool:
        """Whether it is one of those that always are."""
        return self.name in DRIVERS

    @property
    def bridge(self) -> str:
        """Its bridge's name: an interface's has 15 bytes."""
        return self.options.get(BRIDGE_NAME) or f"br-{self.id[:12]}"

    @property
    def masquerades(self) -> bool:
        """Whether its packets leave with the host's address."""
        return not _is_off(self.options.get(MASQUERADE))

    @property
    def isolates(self) -> bool:
        """Whether its containers cannot reach each other."""
        return _is_off(self.options.get(ICC))

    @property
    def host_binding(self) -> str:
        """The host's address that ports are published on where nothing else is said; empty: all."""
        address = self.options.get(HOST_BINDING, "")
        return "" if address == "0.0.0.0" else address

    @property
    def mtu(self) -> int:
        """0: the kernel's."""
        text = self.options.get(MTU, "0")
        return int(text) if text.isdecimal() else 0

    def view(self, containers: dict[str, Any] | None = None) -> dict[str, Any]:
        """Docker's Network. ``containers`` only under inspection."""
        config: dict[str, Any] = {}
        if self.subnet:
            config["Subnet"] = self.subnet
            if self.ip_range:
                config["IPRange"] = self.ip_range
            config["Gateway"] = self.gateway
            if self.reserved:
                config["AuxiliaryAddresses"] = self.reserved
        config6: dict[str, Any] = {}
        if self.subnet6:
            config6["Subnet"] = self.subnet6
            if self.ip_range6:
                config6["IPRange"] = self.ip_range6
            if self.gateway6_asked:  # as Docker: one that it chose itself is not shown
                config6["Gateway"] = self.gateway6
            if self.reserved6:
                config6["AuxiliaryAddresses"] = self.reserved6
        return {
            "Name": self.name,
            "Id": self.id,
            "Created": timestamp(self.created_ns),
            "Scope": "local",
            "Driver": self.driver,
            "EnableIPv6": bool(self.subnet6),
            "IPAM": {
                "Driver": "default",
                "Options": self.ipam_options,
                "Config": [one for one in (config, config6) if one] or None,
            },
            "Internal": self.internal,
            "Attachable": self.attachable,
            "Ingress": False,
            "ConfigFrom": {"Network": ""},
            "ConfigOnly": False,
            "Containers": containers or {},
            "Options": self.options,
            "Labels": self.labels,
        }
