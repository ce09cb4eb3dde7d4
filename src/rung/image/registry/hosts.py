"""Which addresses stand behind a registry's name: ``certs.d``, as containerd and docker have it.

``certs.d/HOST/hosts.toml`` is containerd's (docs/hosts.md there): mirrors in order, then the
registry itself, each with what it may be used for and whom to trust. Without that file,
``*.crt``, ``*.cert`` and ``*.key`` in the directory are docker's. Rule: this reads files and
returns data; the first directory of ``DIRECTORIES`` that knows a host decides.
"""

from __future__ import annotations

import os
from urllib.parse import urlsplit

from rung.image.errors import RegistryError
from rung.image.registry.proxy import is_loopback
from rung.image.registry.tls import Tls
from rung.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

DIRECTORIES = ("/etc/rung/certs.d", "/etc/containerd/certs.d", "/etc/docker/certs.d")
#: Directories instead of those, with colons between.
VARIABLE = "RUNG_CERTS_D"
PULL, RESOLVE, PUSH = "pull", "resolve", "push"
_ALL = frozenset((PULL, RESOLVE, PUSH))
_HUB_HOST = "registry-1.docker.io"


class Endpoint(Record):
    """One address. ``scheme`` is empty where plain or TLS is to be found out; ``prefix`` is the path
    before ``/REPOSITORY``; ``is_mirror``: the registry's name is sent along (``?ns=``)."""

    host: str
    scheme: str = "https"
    prefix: str = "/v2"
    capabilities: frozenset[str] = _ALL
    tls: Tls = Tls()
    headers: tuple[tuple[str, str], ...] = ()
    is_mirror: bool = False

    @property
    def may_be_plain(self) -> bool:
        """Whether plain HTTP is spoken with it."""
        return self.scheme != "https"


def endpoints(domain: str, *, insecure: bool = False, environment: Mapping[str, str] = os.environ) -> list[Endpoint]:
    """The addresses of a registry in the order in which they are asked; the registry itself is last."""
    for directory in _directories(environment):
        for name in _names(domain):
            path = os.path.join(directory, name)
            if os.path.isdir(path):
                found = _read(path, domain)
                return [_insecure(one) for one in found] if insecure else found
    own = default_endpoint(domain)
    return [_insecure(own) if insecure else own]


def default_endpoint(domain: str) -> Endpoint:
    """The registry itself, where nothing is configured. As with docker, one on loopback may be plain,
    and its certificate is nobody's business."""
    if is_loopback(_hostname(domain)):
        return Endpoint(domain, "", tls=Tls(verify=False))
    return Endpoint(_HUB_HOST if domain == "docker.io" else domain)


def _insecure(endpoint: Endpoint) -> Endpoint:
    scheme = "" if endpoint.scheme == "https" else endpoint.scheme
    changed: Endpoint = endpoint.replace(scheme=scheme, tls=endpoint.tls.replace(verify=False))
    return changed


def _directories(environment: Mapping[str, str]) -> Sequence[str]:
    named = environment.get(VARIABLE)
    return DIRECTORIES if named is None else [one for one in named.split(":") if one]


def _names(domain: str) -> list[str]:
    host, colon, port = domain.rpartition(":")
    return [domain, *([f"{host}_{port}_"] if colon else []), "_default"]


def _hostname(host: str) -> str:
    return urlsplit(f"//{host}").hostname or ""


# --- one directory -------------------------------------------------------------------


def _read(path: str, domain: str) -> list[Endpoint]:
    file = os.path.join(path, "hosts.toml")
    try:
        with open(file, "rb") as opened:
            text = opened.read().decode()
    except FileNotFoundError:
        return [_docker(path, domain)]
    except (OSError, UnicodeDecodeError) as error:
        raise RegistryError("read", file, getattr(error, "strerror", None) or str(error)) from error
    import tomllib

    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise RegistryError("read", file, str(error)) from error
    return parse_hosts(document, domain, file)


def _docker(path: str, domain: str) -> Endpoint:
    """Docker's layout: every ``.crt`` is an authority, every ``.cert`` a client's, its ``.key`` beside it."""
    own = default_endpoint(domain)
    names = sorted(os.listdir(path))
    authorities = tuple(os.path.join(path, name) for name in names if name.endswith(".crt"))
    clients = []
    for name in names:
        if name.endswith(".cert"):
            key = name.removesuffix(".cert") + ".key"
            if key not in names:
                raise RegistryError("certificate", os.path.join(path, name), f"has no {key} beside it")
            clients.append((os.path.join(path, name), os.path.join(path, key)))
    if not authorities and not clients:
        return own
    changed: Endpoint = own.replace(scheme="https", tls=Tls(True, authorities, tuple(clients)))
    return changed


def parse_hosts(document: Mapping[str, Any], domain: str, file: str = "hosts.toml") -> list[Endpoint]:
    """The endpoints that a ``hosts.toml`` means. Raises ``RegistryError`` naming file and field."""
    table = _Table(document, file, "")
    found = []
    hosts = table.take("host", dict, {})
    for address, value in hosts.items():
        found.append(_Table(value, file, f'host."{address}"').endpoint(address))
    own = default_endpoint(domain)
    server = table.take("server", str, "")
    last = table.endpoint(server or (f"{own.scheme}://{own.host}" if own.scheme else own.host), own)
    found.append(last)
    return [_against(one, last) for one in found]


def _against(endpoint: Endpoint, last: Endpoint) -> Endpoint:
    changed: Endpoint = endpoint.replace(is_mirror=endpoint.host != last.host)
    return changed


class _Table:
    """One table of ``hosts.toml``: typed access, errors that name the field."""

    def __init__(self, value: object, file: str, path: str) -> None:
        self.file, self.path = file, path
        if not isinstance(value, dict):
            raise self.broken("", "must be a table")
        self.value = value

    def broken(self, name: str, reason: str) -> RegistryError:
        field = ".".join(part for part in (self.path, name) if part)
        return RegistryError("read", self.file, f"{field} {reason}")

    def take(self, name: str, kind: type, default: Any) -> Any:
        value = self.value.get(name, default)
        if not isinstance(value, kind):
            raise self.broken(name, f"must be a {kind.__name__}")
        return value

    def texts(self, name: str) -> list[str]:
        """One string, or a list of them."""
        value = self.value.get(name, [])
        values = [value] if isinstance(value, str) else value
        if not isinstance(values, list) or not all(isinstance(one, str) for one in values):
            raise self.broken(name, "must be a string or a list of strings")
        return values

    def endpoint(self, address: str, own: Endpoint | None = None) -> Endpoint:
        """``address``: with or without a scheme; https is meant, on loopback either."""
        parts = urlsplit(address if "://" in address else f"//{address}")
        if parts.scheme not in ("", "http", "https") or not parts.hostname:
            raise self.broken("", f"{address!r:.100} is no registry's address")
        base = own or default_endpoint(parts.netloc)
        tls = self._tls()
        scheme = parts.scheme or ("https" if tls else base.scheme)
        prefix = parts.path.rstrip("/")
        if not self.take("override_path", bool, False) and not prefix.endswith("/v2"):
            prefix += "/v2"
        capabilities = frozenset(self.texts("capabilities")) or _ALL
        if unknown := capabilities - _ALL:
            raise self.broken("capabilities", f"has {min(unknown)!r:.40}; there are pull, resolve and push")
        loopback = Tls(verify=not is_loopback(parts.hostname))
        return Endpoint(parts.netloc, scheme, prefix, capabilities, tls or loopback, self._headers())

    def _tls(self) -> Tls | None:
        """None where nothing is said."""
        verify = not self.take("skip_verify", bool, False)
        authorities = tuple(self._file(one) for one in self.texts("ca"))
        clients = tuple(self._clients())
        return Tls(verify, authorities, clients) if authorities or clients or not verify else None

    def _clients(self) -> list[tuple[str, str]]:
        """``"both.pem"``, ``["a.pem", "b.pem"]`` or ``[["cert", "key"], ...]``."""
        value = self.value.get("client", [])
        pairs = []
        for one in value if isinstance(value, list) else [value]:
            pair = one if isinstance(one, list) else [one, ""]
            if len(pair) != 2 or not all(isinstance(each, str) for each in pair):
                raise self.broken("client", "must be a file, or a list of files or of pairs of them")
            pairs.append((self._file(pair[0]), self._file(pair[1]) if pair[1] else ""))
        return pairs

    def _headers(self) -> tuple[tuple[str, str], ...]:
        headers = _Table(self.take("header", dict, {}), self.file, f"{self.path}.header".lstrip("."))
        return tuple((name, ", ".join(headers.texts(name))) for name in headers.value)

    def _file(self, name: str) -> str:
        """Names are relative to the directory of ``hosts.toml``."""
        return os.path.join(os.path.dirname(self.file), name)
