"""What may pass between networks, in nftables' words. Pure.

One table an engine and family. Networks and ports are elements of sets and maps, so that the rules themselves never
grow: a packet costs the same with one published port and with ten thousand.

    bridges      interfaces of our networks          internal  those without a way out
    same         pairs (x, x): within one network    subnets   what is masqueraded when it leaves
    any_port     protocol . port -> container        of every address of the host
    one_port     address . protocol . port -> container
"""

from __future__ import annotations

from rung.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable


class Port(Record):
    """A port of the host that leads to a container's. ``host_ip`` empty or ``::``: on every address."""

    host_ip: str
    protocol: str
    host_port: int
    address: str
    port: int


#: family -> its type of address, its loopback, and what is led on of what this host asks of itself (``relay.py``).
_FAMILIES = {"ip": ("ipv4_addr", "127.0.0.0/8", ""), "ip6": ("ipv6_addr", "::1", "ip6 daddr != ::1")}


def table(name: str, family: str = "ip") -> str:
    """The whole table of a family (``ip``, ``ip6``), empty; made anew where it is there."""
    address, loopback, asked_there = _FAMILIES[family]
    return f"""
table {family} {name}
delete table {family} {name}
table {family} {name} {{
    set bridges {{ type ifname; }}
    set internal {{ type ifname; }}
    set same {{ type ifname . ifname; }}
    set subnets {{ type {address}; flags interval; }}
    map any_port {{ type inet_proto . inet_service : {address} . inet_service; }}
    map one_port {{ type {address} . inet_proto . inet_service : {address} . inet_service; }}

    # Routing to 127/8 is on for bridges (published ports): nobody on them may use that by himself.
    chain raw {{
        type filter hook prerouting priority raw; policy accept;
        iifname @bridges {family} daddr {loopback} drop
    }}
    chain inbound {{
        type nat hook prerouting priority dstnat; policy accept;
        fib daddr type local jump published
    }}
    chain local {{
        type nat hook output priority -100; policy accept;
        fib daddr type local {asked_there} jump published
    }}
    chain published {{
        dnat {family} to {family} daddr . meta l4proto . th dport map @one_port
        dnat {family} to meta l4proto . th dport map @any_port
    }}
    chain outbound {{
        type nat hook postrouting priority srcnat; policy accept;
        {family} saddr {loopback} oifname @bridges masquerade
        iifname @bridges oifname @bridges ct status dnat masquerade
        {family} saddr @subnets oifname != @bridges masquerade
    }}
    chain forward {{
        type filter hook forward priority filter; policy accept;
        ct state established,related accept
        ct status dnat accept
        iifname . oifname @same accept
        iifname @internal drop
        oifname @internal drop
        iifname @bridges oifname @bridges drop
        oifname @bridges drop
    }}
}}
"""


def network(table: str, verb: str, bridge: str, subnet: str, *, internal: bool, masquerades: bool) -> str:
    """``add`` or ``delete`` a network's elements of the subnet's family."""
    where = f"{_family(subnet)} {table}"
    lines = [_element(where, verb, "bridges", bridge), _element(where, verb, "same", f"{bridge} . {bridge}")]
    if internal:
        lines.append(_element(where, verb, "internal", bridge))
    elif masquerades:
        lines.append(_element(where, verb, "subnets", subnet))
    return "".join(lines)


def ports(table: str, verb: str, published: Iterable[Port]) -> str:
    """``add`` or ``delete`` published ports."""
    lines = []
    for one in published:
        where = f"{_family(one.address)} {table}"
        target = f" : {one.address} . {one.port}" if verb == "add" else ""
        if one.host_ip not in ("", "::"):
            lines.append(_element(where, verb, "one_port", f"{one.host_ip} . {one.protocol} . {one.host_port}{target}"))
        else:
            lines.append(_element(where, verb, "any_port", f"{one.protocol} . {one.host_port}{target}"))
    return "".join(lines)


def _family(address: str) -> str:
    return "ip6" if ":" in address else "ip"


def _element(where: str, verb: str, kind: str, element: str) -> str:
    return f"{verb} element {where} {kind} {{ {element} }}\n"


def name_service(udp_port: int, tcp_port: int, *, again: bool) -> str:
    """In a container's own network: queries to 127.0.0.11 go to the engine's sockets there. ``again``: in place of
    those that may be there already, which takes ten times as long (the kernel waits for readers of the old ones)."""
    gone = "table ip rung_names\ndelete table ip rung_names" if again else ""
    return f"""{gone}
table ip rung_names {{
    chain local {{
        type nat hook output priority -100; policy accept;
        ip daddr 127.0.0.11 udp dport 53 dnat to 127.0.0.11:{udp_port}
        ip daddr 127.0.0.11 tcp dport 53 dnat to 127.0.0.11:{tcp_port}
    }}
}}
"""
