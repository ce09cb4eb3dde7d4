"""``/etc/hosts``, ``/etc/hostname`` and ``/etc/resolv.conf`` of a container. Pure."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

#: The engine's own name service, in the networks that have one.
NAMES = "127.0.0.11"

_LOCAL = """127.0.0.1\tlocalhost
::1\tlocalhost ip6-localhost ip6-loopback
fe00::0\tip6-localnet
ff00::0\tip6-mcastprefix
ff02::1\tip6-allnodes
ff02::2\tip6-allrouters
"""


def hosts(addresses: Iterable[str], names: Iterable[str], extra: Iterable[str], gateway: str) -> str:
    """``extra``: ``NAME:ADDRESS`` words; ``host-gateway`` is the host as the container sees it."""
    lines = [_LOCAL]
    for word in extra:
        name, _, address = word.partition(":" if "=" not in word else "=")
        lines.append(f"{gateway if address == 'host-gateway' else address}\t{name}\n")
    own = " ".join(names)
    lines += [f"{address}\t{own}\n" for address in addresses]
    return "".join(lines)


def resolv_conf(host: str, config: Mapping[str, Any], *, own_names: bool) -> str:
    """From the host's and what was asked for (``Dns``, ``DnsSearch``, ``DnsOptions``)."""
    servers, search, options = _parts(host)
    servers = list(config.get("Dns") or servers)
    search = list(config.get("DnsSearch") or search)
    options = list(config.get("DnsOptions") or options)
    if own_names:
        servers, options = [NAMES], [*options, *(["ndots:0"] if not any("ndots" in one for one in options) else [])]
    else:  # a resolver on the host's own loopback is none for a container
        servers = [one for one in servers if not one.startswith("127.") and one != "::1"] or ["8.8.8.8", "8.8.4.4"]
    lines = [f"nameserver {one}\n" for one in servers]
    if search and search != ["."]:
        lines.append(f"search {' '.join(search)}\n")
    if options:
        lines.append(f"options {' '.join(options)}\n")
    return "".join(lines)


def upstream(host: str, config: Mapping[str, Any]) -> list[str]:
    """Whom our own name service asks what it does not know."""
    return list(config.get("Dns") or _parts(host)[0])


def _parts(text: str) -> tuple[list[str], list[str], list[str]]:
    servers: list[str] = []
    search: list[str] = []
    options: list[str] = []
    for line in text.splitlines():
        words = line.partition("#")[0].split()
        if words[:1] == ["nameserver"] and len(words) > 1:
            servers.append(words[1])
        elif words[:1] in (["search"], ["domain"]):
            search = words[1:]
        elif words[:1] == ["options"]:
            options += words[1:]
    return servers, search, options
