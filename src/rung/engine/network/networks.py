"""All networks of one engine, and containers on them.

The order of a start: ``attach`` decides (addresses, names, ports) before the configuration is written, ``connect``
makes it so in the kernel when the container has a process, ``leave`` takes it away. Rule: what the kernel has is made
from what is written down, so that all of it can be made again.
"""

from __future__ import annotations

import asyncio
import os
import re
import sys
from ipaddress import IPv4Network, IPv6Network, ip_network

from rung.engine.errors import BadParameter, Conflict, EngineError, NotAllowed, NotFound
from rung.engine.network import addresses, driver_options, firewall, ipam, links, made, ports, relay, rules
from rung.engine.network.dns.server import NameServer
from rung.engine.network.endpoint import Endpoint, id_without
from rung.engine.network.files import upstream
from rung.engine.network.leaving import Leaving
from rung.engine.network.network import BRIDGE, BRIDGE_NAME, DRIVERS, HOST, NONE, Network
from rung.sha2 import sha256
from rung.undo import Undo

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from rung.engine.container import Container
    from rung.engine.engine import Engine


class Networks:
    """See the module."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._networks: dict[str, Network] = {}
        self._ready: set[str] = set()  # ids of those whose bridge is there
        self._held: dict[str, list[ports.Held]] = {}
        self._servers: dict[str, NameServer] = {}
        self._relays: dict[str, list[asyncio.Server | asyncio.DatagramTransport]] = {}
        self._leaving = Leaving(engine.threads, engine.later)
        self._table = "rung" if engine.places.is_default else f"rung_{_mark(engine.places.run)}"
        for document in engine.database.all("network"):
            network = Network(**document)
            self._networks[network.id] = network
        for name in (BRIDGE, HOST, NONE):
            if not any(one.name == name for one in self._networks.values()):
                self._add(self._predefined(name))
        self._told_anew()
        for container in engine.containers:
            self._take_again(container)

    def _predefined(self, name: str, before: Network | None = None) -> Network:
        if name != BRIDGE:
            return Network(name, DRIVERS[name])
        bridge = "rung0" if self._engine.places.is_default else f"rung{_mark(self._engine.places.run)}"
        return made.default(bridge, self._taken(), self._engine.settings, self._own(), before)

    def _own(self) -> bytes:
        """What tells this engine's own IPv6 subnets from others'."""
        return sha256(f"{self._engine.places.data} {os.uname().nodename}".encode()).digest()

    def _told_anew(self) -> None:
        """The default network is as the daemon is told now, unless containers are on it as it was."""
        before = self.get(BRIDGE)
        fresh = self._predefined(BRIDGE, before)
        on_it = any(BRIDGE in one.attached for one in self._engine.containers)
        if fresh.document() != before.document() and not on_it:
            links.remove(before.bridge)
            self._add(fresh)

    def _take_again(self, container: Container) -> None:
        """After a start of the engine: addresses that containers have are theirs."""
        for document in container.attached.values():
            endpoint = Endpoint(**document)
            network = self._networks.get(endpoint.network_id)
            pools = (network.pool, network.pool6) if network is not None else ()
            for pool, address in zip(pools, (endpoint.address, endpoint.address6)):
                try:
                    if pool is not None and address:
                        pool.take(address)
                except (Conflict, BadParameter):
                    continue

    # --- networks ---------------------------------------------------------------------

    def __iter__(self) -> Any:
        """All, the oldest first."""
        return iter(sorted(self._networks.values(), key=lambda one: one.created_ns))

    def get(self, wanted: str) -> Network:
        """By id, name, or the beginning of an id. Raises ``NotFound``."""
        name = BRIDGE if wanted == "default" else wanted
        exact = [one for one in self._networks.values() if name in (one.id, one.name)]
        begun = exact or [one for one in self._networks.values() if wanted and one.id.startswith(wanted)]
        if not begun:
            raise NotFound(f"network {wanted} not found")
        if len(begun) > 1:
            raise BadParameter(f"network {wanted} is ambiguous ({len(begun)} matches found based on ID prefix)")
        return begun[0]

    def _add(self, network: Network) -> None:
        self._networks[network.id] = network
        self._engine.database.save("network", network.id, network.document())

    def _taken(self) -> list[IPv4Network | IPv6Network]:
        own = [ip_network(text) for one in self._networks.values() for text in (one.subnet, one.subnet6) if text]
        return [*own, *links.routed_subnets()]

    def create(self, request: Mapping[str, Any], lease: str = "") -> Network:
        """A new network from a request in Docker's words; ``lease``: the one that owns it."""
        name, driver = str(request.get("Name") or ""), str(request.get("Driver") or "bridge")
        if not name.strip():
            raise BadParameter(f"invalid name: {name}")
        if name in DRIVERS:
            raise NotAllowed(f'operation is not permitted on predefined {name} network ')
        if driver in DRIVERS.values() and driver != "bridge":
            raise NotAllowed(f'only one instance of "{driver}" network is allowed')
        ipam.check(request)
        if driver != "bridge":
            raise NotFound(f'could not find plugin {driver} in v1 plugin registry: plugin "{driver}" not found')
        if any(one.name == name for one in self._networks.values()):
            raise Conflict(f"network with name {name} already exists")
        network = made.asked(name, request, self._taken(), self._engine.settings, self._own())
        driver_options.check(network, self._networks.values())
        network.lease = lease
        network.bridge_stays = BRIDGE_NAME in network.options and network.bridge in links.names()
        self._add(network)
        self._tell(network, "create")
        return network

    async def make_ready(self, network: Network) -> None:
        """Make its bridge and its rules, as dockerd does when a network is created. A network that the kernel refuses
        is forgotten. Raises ``EngineError``."""
        try:
            await self._engine.threads.own(self._make_ready, network)
        except EngineError:
            await self.remove(network)
            raise

    async def remove(self, network: Network) -> None:
        """Raises where it is predefined, or somebody is on it."""
        if network.predefined:
            raise NotAllowed(f"{network.name} is a pre-defined network and cannot be removed")
        users = self.users(network)
        if users:
            shown = ", ".join(f"{one.name}" for one in users)
            raise NotAllowed(
                f"error while removing network: network {network.name} id {network.id} has active endpoints: {shown}"
            )
        if network.driver == "bridge":
            await self._engine.threads.own(self._take_down, network)
        self._engine.database.remove("network", network.id)
        del self._networks[network.id]
        self._tell(network, "destroy")

    def _take_down(self, network: Network) -> None:
        if network.id in self._ready:
            self._ready.discard(network.id)
            firewall.apply(self._elements("delete", network))
        if not network.bridge_stays:
            links.remove(network.bridge)

    def users(self, network: Network) -> list[Container]:
        """Containers that run on it."""
        return [
            one
            for one in self._engine.containers
            if one.id in self._engine.running and network.name in one.attached
        ]

    def view(self, network: Network) -> dict[str, Any]:
        """Under inspection."""
        found = {}
        for one in self.users(network):
            endpoint = Endpoint(**one.attached[network.name])
            address = f"{endpoint.address}/{endpoint.prefix}" if endpoint.address else ""
            found[one.id] = {
                "Name": one.name,
                "EndpointID": endpoint.id,
                "MacAddress": endpoint.mac,
                "IPv4Address": address,
                "IPv6Address": f"{endpoint.address6}/{endpoint.prefix6}" if endpoint.address6 else "",
            }
        for one in self._engine.containers if network.name in (HOST, NONE) else ():
            if one.network_mode == network.name and one.id in self._engine.running:
                empty = {"MacAddress": "", "IPv4Address": "", "IPv6Address": ""}
                found[one.id] = {"Name": one.name, "EndpointID": id_without(one.id, network.name), **empty}
        return network.view(found)

    def _tell(self, network: Network, action: str, **more: str) -> None:
        attributes = {"name": network.name, "type": network.driver, **more}
        self._engine.events.tell("network", action, network.id, attributes)

    # --- the kernel -------------------------------------------------------------------

    def _elements(self, verb: str, network: Network) -> str:
        how = {"internal": network.internal, "masquerades": network.masquerades}
        subnets = [network.subnet, *([network.subnet6] if network.subnet6 else [])]
        return "".join(rules.network(self._table, verb, network.bridge, one, **how) for one in subnets)

    def _make_ready(self, network: Network) -> None:
        """Its bridge and its rules; the table before the first."""
        if network.id in self._ready:
            return
        if not self._ready:
            firewall.apply(rules.table(self._table))
        links.make_bridge(network.bridge, network.gateway, IPv4Network(network.subnet), network.mtu)
        if network.subnet6:
            if not any(self._networks[one].subnet6 for one in self._ready):  # a kernel may have no IPv6 at all
                firewall.apply(rules.table(self._table, "ip6"))
            links.give_ipv6(network.bridge, network.gateway6, IPv6Network(network.subnet6))
        firewall.apply(self._elements("add", network))
        self._ready.add(network.id)

    async def resume(self) -> None:
        """After a start of the engine: rules, ports and name services of containers that run. What an engine before it
        left and nobody has any more goes: interfaces, and rules of ports whose container ended meanwhile."""
        await self._engine.threads.own(self._take_up)
        for container in list(self._engine.containers):
            if container.id not in self._engine.running or not container.attached:
                continue
            try:
                await self._engine.threads.own(self._publish, container, _bindings(container))
                await self._serve_names(container)
                await self._serve_ports(container)
            except EngineError as error:
                container.state.error = str(error)

    def _take_up(self) -> None:
        """Networks whose bridge is there are ready again, in a table made anew."""
        self._remove_stray_interfaces()
        there = links.names()
        for network in list(self._networks.values()):
            if network.driver != "bridge" or network.bridge not in there:
                continue
            try:
                self._make_ready(network)
            except EngineError as error:  # said again to whoever uses it
                print(f"rungd: network {network.name}: {error}", file=sys.stderr, flush=True)

    def _remove_stray_interfaces(self) -> None:
        """An engine that was killed had left them to the kernel, and somebody else has their namespace."""
        bridges = frozenset(one.bridge for one in self._networks.values() if one.driver == "bridge")
        known = {end["interface"] for one in self._engine.containers for end in one.attached.values()}
        for name in links.ports_of(bridges) - known:
            if name.startswith("veth"):
                links.remove(name)

    async def stop(self) -> None:
        """The engine ends: name services with it. Containers go on."""
        for container_id in {*self._servers, *self._relays}:
            self._stop_serving(container_id)
        for held in self._held.values():
            for one in held:
                one.close()

    # --- containers -------------------------------------------------------------------

    def wanted(self, container: Container) -> dict[str, dict[str, Any]]:
        """Which networks a container is to be on, and what it wants of each: by the networks' names."""
        mode = container.network_mode
        if mode in (HOST, NONE) or mode.startswith("container:"):
            return {}
        first = self.get(mode)
        found: dict[str, dict[str, Any]] = {first.name: {}}
        for name, asked in container.endpoints.items():
            network = self.get(str((asked or {}).get("NetworkID") or "") or name)
            found[network.name] = dict(asked or {})
        return found

    async def attach(self, container: Container, undo: Undo) -> None:
        """Decide: an address on each network, names, ports of the host. Those that were left just now are waited for
        where there are no others. Raises ``EngineError``."""
        await self._leaving.settled(container.id)
        try:
            self._attach_all(container, undo)
        except Conflict:
            await self._leaving.settled()
            self._attach_all(container, undo)

    def _attach_all(self, container: Container, undo: Undo) -> None:
        with Undo() as attempt:
            self._decide(container, attempt)
            undo.adopt(attempt)

    def _decide(self, container: Container, undo: Undo) -> None:
        """Decide: an address on each network, names, ports of the host. Raises ``EngineError``."""
        container.attached = {}
        default = ""  # address of the host for ports that name none: the first network's
        for name, asked in self.wanted(container).items():
            network = self.get(name)
            default = default or network.host_binding
            self._attach(container, network, asked, undo)
        bindings = ports.asked(container.config, container.host) if container.attached else []
        bindings = [one if one.host_ip else one.replace(host_ip=default) for one in bindings]
        container.published = self._hold(container, bindings, undo)

    def _attach(self, container: Container, network: Network, asked: dict[str, Any], undo: Undo) -> Endpoint:
        assert network.pool is not None
        fixed = str((asked.get("IPAMConfig") or {}).get("IPv4Address") or "")
        if fixed and network.predefined:
            raise BadParameter("user specified IP address is supported on user defined networks only")
        endpoint = Endpoint.of(network, asked, _names(container, network, asked))
        endpoint.begin()
        endpoint.address = network.pool.take(fixed)
        undo.push(network.pool.give_back, endpoint.address)
        endpoint.prefix = IPv4Network(network.subnet).prefixlen
        endpoint.gateway = "" if network.internal else network.gateway
        endpoint.mac = str(asked.get("MacAddress") or container.config.get("MacAddress") or "")
        endpoint.mac = endpoint.mac or addresses.mac_of(endpoint.address)
        self._attach6(network, endpoint, undo)
        container.attached[network.name] = endpoint.document()
        undo.push(container.attached.pop, network.name, None)
        return endpoint

    def _attach6(self, network: Network, endpoint: Endpoint, undo: Undo) -> None:
        """An address of IPv6 as well, where the network has some."""
        fixed = str((endpoint.asked.get("IPAMConfig") or {}).get("IPv6Address") or "")
        if network.pool6 is None:
            if fixed:
                raise BadParameter(f"no configured subnet or ip-range contain the IP address {fixed}")
            return
        if fixed and network.predefined:
            raise BadParameter("user specified IP address is supported on user defined networks only")
        wanted = fixed or (addresses.of_mac(network.subnet6, endpoint.mac) if network.predefined else "")
        endpoint.address6 = network.pool6.take(wanted)
        undo.push(network.pool6.give_back, endpoint.address6)
        endpoint.prefix6 = IPv6Network(network.subnet6).prefixlen
        endpoint.gateway6 = "" if network.internal else network.gateway6

    def _hold(
        self, container: Container, bindings: list[ports.Binding], undo: Undo, *, again: bool = False
    ) -> list[dict[str, Any]]:
        """``again``: bindings as they came to be, not as they were asked for."""
        has_ipv6 = any(one.get("address6") for one in container.attached.values())
        host = self._engine.outside
        held: list[ports.Held] = []
        self._held[container.id] = held
        undo.push(self._release_ports, container.id)
        for binding in bindings:
            try:
                held += [ports.Held(binding, host)] if again else ports.hold(binding, has_ipv6=has_ipv6, host=host)
            except Conflict as error:
                said = f"driver failed programming external connectivity on endpoint {container.name} ({container.id})"
                raise EngineError(f"{said}: {error}") from None
        return [{**one.binding.__dict__, "host_port": one.host_port} for one in held]

    def _release_ports(self, container_id: str) -> None:
        for one in self._held.pop(container_id, ()):
            one.close()

    async def connect(self, container: Container, pid: int, undo: Undo) -> None:
        """Make it so in the kernel, for the container's process."""
        if not container.attached:
            return
        await self._engine.threads.own(self._connect_all, container, pid, undo)
        undo.push(self._stop_serving, container.id)
        await self._serve_names(container, pid)
        await self._serve_ports(container)

    def _connect_all(self, container: Container, pid: int, undo: Undo) -> None:
        for number, name in enumerate(container.attached):
            self._connect(container, self.get(name), pid, undo, f"eth{number}")
        self._publish_rules(container, "add")
        undo.push(self._publish_rules, container, "delete")

    def _connect(self, container: Container, network: Network, pid: int, undo: Undo, inner: str = "") -> None:
        """``inner``: what its end is called; the first name that is free where nothing is said."""
        self._make_ready(network)
        endpoint = Endpoint(**container.attached[network.name])
        endpoint.inner = endpoint.inner or inner or links.next_name(pid)
        first = next(iter(container.attached)) == network.name
        links.connect(network.bridge, endpoint, pid, leads_out=first, mtu=network.mtu, isolated=network.isolates)
        undo.push(links.remove, endpoint.interface)
        container.attached[network.name] = endpoint.document()
        self._engine.call_soon(self._tell_of, network, "connect", container.id)

    def _tell_of(self, network: Network, action: str, container_id: str) -> None:
        self._tell(network, action, container=container_id)

    def _published(self, container: Container) -> list[rules.Port]:
        address = next((one["address"] for one in container.attached.values()), "")
        address6 = next((six for one in container.attached.values() if (six := one.get("address6"))), "")
        return [
            rules.Port(one["host_ip"], one["protocol"], one["host_port"], to, one["port"])
            for one in container.published
            if (to := address6 if ":" in one["host_ip"] else address)
        ]

    def _publish_rules(self, container: Container, verb: str) -> None:
        published = self._published(container)
        if published:
            firewall.apply(rules.ports(self._table, verb, published))

    def _publish(self, container: Container, bindings: list[ports.Binding]) -> None:
        """Again, after a start of the engine."""
        with Undo() as undo:
            self._hold(container, bindings, undo, again=True)
            self._publish_rules(container, "add")
            undo.keep()

    async def leave(self, container: Container) -> None:
        """The run is over: rules and ports go, interfaces and addresses behind it (``leaving.py``)."""
        self._stop_serving(container.id)
        try:
            if container.published:
                await self._engine.threads.own(self._publish_rules, container, "delete")
        finally:  # what fails of it keeps no port, and no address
            self._release_ports(container.id)
            left = {document["interface"]: (name, document) for name, document in container.attached.items()}
            container.attached = {}
            container.published = []
            self._leaving.add(container.id, left, lambda interface: self._give_back(*left[interface]))

    def _give_back(self, name: str, document: dict[str, Any]) -> None:
        network = self._networks.get(document["network_id"])
        if network is not None and network.pool is not None:
            network.pool.give_back(document["address"])
            if network.pool6 is not None and document.get("address6"):
                network.pool6.give_back(document["address6"])
            self._engine.call_soon(self._tell, network, "disconnect")

    # --- names ------------------------------------------------------------------------

    def has_names(self, container: Container) -> bool:
        """Whether it is on a user network, where containers have names."""
        return any(name != BRIDGE for name in container.attached)

    async def _serve_names(self, container: Container, pid: int = 0) -> None:
        """``pid``: of a process whose network is new; else that of the container that runs."""
        if not self.has_names(container):
            return
        server = NameServer(
            lambda name: self.look(container, name),
            lambda address: self.name_of(container, address),
            upstream(_host_resolv(), container.host),
            self._engine.threads.own,
        )
        again = not pid  # its network may have rules already
        await server.start(
            pid or container.state.pid,
            lambda udp, tcp: firewall.apply(rules.name_service(udp, tcp, again=again)),
        )
        self._servers[container.id] = server

    async def _serve_ports(self, container: Container) -> None:
        """Those that no rule leads on."""
        for held in self._held.get(container.id, ()):
            key = "address6" if ":" in held.binding.host_ip else "address"
            address = next((found for one in container.attached.values() if (found := one.get(key))), "")
            if address and (relay.is_needed(held) or self._engine.outside is not None):
                self._relays.setdefault(container.id, []).append(await relay.relay(held, address))

    def _stop_serving(self, container_id: str) -> None:
        server = self._servers.pop(container_id, None)
        for one in (*([server] if server is not None else ()), *self._relays.pop(container_id, ())):
            one.close()

    def look(self, container: Container, name: str) -> list[str] | None:
        """Addresses of whoever is called so on one of a container's user networks; None: nobody is."""
        shared = [one for one in container.attached if one != BRIDGE]
        found = self._linked(container, name)
        for other in self._engine.containers:
            for network in shared:
                document = other.attached.get(network)
                if document is None or other.id not in self._engine.running:
                    continue
                names = {one.lower() for one in document["names"]}
                if name in names or name.removesuffix(f".{network}") in names:
                    found += _addresses_of(document)
        return found or None

    def _linked(self, container: Container, name: str) -> list[str]:
        """``--link`` on a user network: another name for one of its containers."""
        found = []
        for network, document in container.attached.items():
            for word in [*(document["asked"].get("Links") or ()), *(container.host.get("Links") or ())]:
                other, _, alias = word.rpartition(":") if ":" in word else (word, "", word)
                if alias.lower() == name:
                    target = self._engine.containers.get(other.removeprefix("/"))
                    if network in target.attached:
                        found += _addresses_of(target.attached[network])
        return found

    def link_hosts(self, container: Container) -> list[str]:
        """``--link`` on the default network: names in /etc/hosts, as ``NAME:ADDRESS``."""
        if self.has_names(container):
            return []
        found = []
        for word in container.host.get("Links") or ():
            other, _, alias = word.rpartition(":") if ":" in word else (word, "", word)
            target = self._engine.containers.get(other.removeprefix("/"))
            for document in target.attached.values():
                names = dict.fromkeys((alias.rpartition("/")[2], target.config.get("Hostname"), target.name))
                found += [f"{name}:{document['address']}" for name in names if name]
        return found

    def link_environment(self, container: Container) -> list[str]:
        """``--link`` on the default network: variables that say where the other one is, as Docker's first links did."""
        if self.has_names(container) or not container.attached:
            return []
        found = []
        for word in container.host.get("Links") or ():
            other, _, alias = word.rpartition(":") if ":" in word else (word, "", word)
            target, alias = self._engine.containers.get(other.removeprefix("/")), alias.rpartition("/")[2]
            address = next((one["address"] for one in target.attached.values()), "")
            found += link_variables(container.name, alias, address, target.config)
        return found

    def name_of(self, container: Container, address: str) -> str:
        """Who has an address on one of a container's networks: ``NAME.NETWORK``."""
        for other in self._engine.containers:
            for network, document in other.attached.items():
                if network in container.attached and address in _addresses_of(document):
                    return f"{other.name}.{network}"
        return ""

    # --- while it runs ----------------------------------------------------------------

    async def join(self, container: Container, network: Network, asked: dict[str, Any]) -> None:
        """``docker network connect``."""
        if container.network_mode in (HOST,) or container.network_mode.startswith("container:"):
            said = "container sharing network namespace with another container or host cannot be connected to any other"
            raise NotAllowed(f"{said} network")
        if network.name == HOST:
            raise BadParameter("container cannot be disconnected from host network or connected to host network")
        if network.name in container.attached or network.name in (*container.endpoints, container.network_mode):
            if container.id not in self._engine.running:
                return
            raise NotAllowed(f"endpoint with name {container.name} already exists in network {network.name}")
        if network.pool is None:
            said = "container cannot be connected to multiple networks with one of the networks in private"
            raise BadParameter(f"{said} (none) mode")
        container.endpoints[network.name] = asked
        if container.id in self._engine.running:
            had_names, is_first = self.has_names(container), not container.attached
            with Undo() as undo:
                undo.push(container.endpoints.pop, network.name, None)
                self._attach(container, network, asked, undo)
                await self._engine.threads.own(self._connect, container, network, container.state.pid, undo)
                if is_first:
                    await self._engine.threads.own(self._publish_rules, container, "add")
                    undo.push(self._publish_rules, container, "delete")
                if not had_names:
                    await self._serve_names(container)
                undo.keep()
        self._engine.containers.save(container)

    async def part(self, container: Container, network: Network, *, force: bool) -> None:
        """``docker network disconnect``."""
        document = container.attached.get(network.name)
        if document is None and network.name not in container.endpoints and container.network_mode != network.name:
            the = "" if container.id in self._engine.running else "the "
            raise EngineError(f"container {container.id} is not connected to {the}network {network.name}")
        container.endpoints.pop(network.name, None)
        if container.network_mode in (network.name, network.id) or (
            network.name == BRIDGE and container.network_mode == "default"
        ):
            container.host["NetworkMode"] = next(iter(container.endpoints), NONE)
        if document is not None:
            first = next(iter(container.attached)) == network.name
            if first:
                await self._engine.threads.own(self._publish_rules, container, "delete")
            await self._engine.threads.own(links.remove, document["interface"])
            del container.attached[network.name]
            self._give_back(network.name, document)
            if first:  # as with Docker, its ports now lead to it through another network
                await self._engine.threads.own(self._publish_rules, container, "add")
        self._engine.containers.save(container)


def link_variables(own: str, alias: str, address: str, config: Mapping[str, Any]) -> list[str]:
    """``ALIAS_NAME``, ``ALIAS_PORT_80_TCP_ADDR``, ``ALIAS_ENV_X`` and their like."""
    prefix = re.sub(r"[^A-Z0-9]", "_", alias.upper())
    found = [f"{prefix}_NAME=/{own}/{alias}"]
    exposed = sorted(ports.parse(text) for text in config.get("ExposedPorts") or {})
    if exposed:
        found.append(f"{prefix}_PORT={exposed[0][1]}://{address}:{exposed[0][0]}")
    for port, protocol in exposed:
        one = f"{prefix}_PORT_{port}_{protocol.upper()}"
        found.append(f"{one}={protocol}://{address}:{port}")
        found += [f"{one}_ADDR={address}", f"{one}_PORT={port}", f"{one}_PROTO={protocol}"]
    given = [word for word in config.get("Env") or () if not word.startswith("PATH=")]
    return [*found, *(f"{prefix}_ENV_{word}" for word in given)]


def _addresses_of(document: Mapping[str, Any]) -> list[str]:
    """Of both families."""
    return [one for one in (document["address"], document.get("address6")) if one]


def _mark(text: str) -> str:
    """Eight digits that tell one engine's things in the kernel from another's."""
    return sha256(text.encode()).hexdigest()[:8]


def _names(container: Container, network: Network, asked: Mapping[str, Any]) -> list[str]:
    """What a container is called on a network."""
    if network.predefined:
        return []
    hostname = str(container.config.get("Hostname") or "")
    found = [container.name, *(asked.get("Aliases") or ()), container.short_id, hostname]
    return list(dict.fromkeys(one for one in found if one))


def _bindings(container: Container) -> list[ports.Binding]:
    return [ports.Binding(**{**one, "last": 0}) for one in container.published]


def _host_resolv() -> str:
    try:
        with open("/etc/resolv.conf") as file:
            return file.read()
    except OSError:
        return ""
