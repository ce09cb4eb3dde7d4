"""Which proxy a request goes through. Pure.

``HTTP_PROXY``, ``HTTPS_PROXY`` and ``NO_PROXY`` (lower case first) as the field's programs
read them, which are written in Go: golang.org/x/net/http/httpproxy. Loopback is never proxied.
"""

from __future__ import annotations

from urllib.parse import SplitResult, unquote, urlsplit

from rung.image.errors import RegistryError
from rung.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network

_PORTS = {"http": 80, "https": 443}


class Proxy(Record):
    """``authorization``: the value of a ``Proxy-Authorization`` header, or empty."""

    host: str
    port: int
    authorization: str = ""


def choose_proxy(url: SplitResult, environment: Mapping[str, str]) -> Proxy | None:
    """The proxy for a URL; None for a direct connection."""
    name = f"{url.scheme}_proxy"
    value = environment.get(name) or environment.get(name.upper()) or ""
    # httpoxy (CVE-2016-5385): a CGI program's HTTP_PROXY is a header of its client's.
    if url.scheme == "http" and environment.get("REQUEST_METHOD"):
        value = environment.get(name) or ""
    host = (url.hostname or "").rstrip(".")
    if not value or is_loopback(host):
        return None
    exceptions = environment.get("no_proxy") or environment.get("NO_PROXY") or ""
    if any(_matches(one, host, url.port or _PORTS[url.scheme]) for one in exceptions.lower().split(",")):
        return None
    return _parse(value, name.upper())


def _parse(value: str, name: str) -> Proxy:
    parts = urlsplit(value if "://" in value else f"http://{value}")
    try:
        port = parts.port
    except ValueError:
        port = -1
    if parts.scheme != "http" or not parts.hostname or port == -1:
        reason = "is no proxy that is understood"
        raise RegistryError(name, repr(value.rpartition("@")[2]), reason, "write http://HOST:PORT")
    authorization = ""
    if parts.username is not None:
        from rung.image.registry.auth import basic

        authorization = basic(unquote(parts.username), unquote(parts.password or ""))
    return Proxy(parts.hostname, port or 80, authorization)


def _matches(exception: str, host: str, port: int) -> bool:
    exception = exception.strip()
    if exception == "*":
        return True
    if network := _network(exception):
        address = _address(host)
        return address is not None and address.version == network.version and address in network
    name, colon, wanted = exception.rpartition(":")
    if colon and wanted.isdigit() and (":" not in name or name.startswith("[")):
        if int(wanted) != port:
            return False
        exception = name
    exception = exception.strip("[]")
    if exception.startswith("*."):
        exception = exception[1:]
    if exception.startswith("."):
        return host.endswith(exception)
    return bool(exception) and (host == exception or host.endswith(f".{exception}"))


def _network(text: str) -> IPv4Network | IPv6Network | None:
    from ipaddress import ip_network

    if "/" not in text:
        return None
    try:
        return ip_network(text, strict=False)
    except ValueError:
        return None


def _address(host: str) -> IPv4Address | IPv6Address | None:
    from ipaddress import ip_address

    try:
        return ip_address(host)
    except ValueError:
        return None


def is_loopback(host: str) -> bool:
    """``localhost``, 127.0.0.0/8 and ::1."""
    if host == "localhost":
        return True
    address = _address(host)
    return address is not None and address.is_loopback
