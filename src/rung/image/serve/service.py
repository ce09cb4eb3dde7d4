"""The registry put together: store, rules, users, TLS, collection, listening socket."""

from __future__ import annotations

from rung.image.content import Content
from rung.image.serve.collect import EVERY_S, GRACE_S, Collected, Collector, collect
from rung.image.serve.htpasswd import Htpasswd
from rung.image.serve.registry import Registry, Rules
from rung.image.serve.server import Server, Service
from rung.image.serve.tls import Tls
from rung.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable


class RegistryOptions(Record):
    """How a registry is served. Paths are empty where there is no such file; times in seconds."""

    host: str = "127.0.0.1"
    port: int = 5000
    certificate: str = ""
    key: str = ""
    client_ca: str = ""
    htpasswd: str = ""
    anonymous_pull: bool = False
    proxy: str = ""
    read_only: bool = False
    delete: bool = False
    sparse: bool = False
    collect_every_s: float = EVERY_S


class RegistryServer:
    """A registry over a store, listening from the start. ``run`` returns after ``stop``."""

    def __init__(self, content: Content, options: RegistryOptions, log: Callable[[str], None]) -> None:
        tls = Tls(options.certificate, options.key, options.client_ca) if options.certificate else None
        users = Htpasswd(options.htpasswd) if options.htpasswd else None
        upstream = None
        if options.proxy:
            from rung.image.serve.proxy import Upstream

            upstream = Upstream(options.proxy)
        rules = Rules(options.read_only, options.delete, options.sparse)
        self._registry = Registry(content, rules, upstream)
        self._collector = Collector(self._registry, log, options.collect_every_s)
        service = Service(self._registry, users, log, anonymous_pull=options.anonymous_pull)
        self._server = Server((options.host, options.port), service, tls)

    @property
    def url(self) -> str:
        """Where it listens."""
        return self._server.url

    def run(self) -> None:
        """Serve until ``stop``."""
        try:
            with self._collector:
                self._server.run()
        finally:
            self._registry.close()

    def stop(self) -> None:
        """End soon; for a signal handler, or another thread."""
        self._server.stop()


def collect_registry(content: Content, *, grace_s: float = GRACE_S, untagged: bool = False) -> Collected:
    """Remove what no manifest of any repository needs; a server may go on meanwhile."""
    registry = Registry(content, Rules())
    try:
        return collect(registry, grace_s=grace_s, untagged=untagged)
    finally:
        registry.close()
