# Made by tools/unasync.py from the file of the same name in aio/.
"""The way in."""

from __future__ import annotations

from rung.client import asked
from rung.client.blocking.api import Api
from rung.client.blocking.containers import Containers
from rung.client.blocking.images import Images
from rung.client.blocking.leases import Lease, Leases
from rung.client.blocking.networks import Networks
from rung.client.blocking.sandbox import Sandbox
from rung.client.blocking.streams import Watch
from rung.client.blocking.volumes import Volumes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Self, Unpack

    from rung.client.blocking.sandbox import Limits


class Client:
    """An engine: Rung's, or any that speaks Docker's API on a unix socket.

    ``base_url``: ``unix:///run/rung/rung.sock`` or a path; else the environment's ``RUNG_HOST``, else the usual
    place. ``timeout``: seconds that an answer may take (an image's way, a wait or a stop takes as long as it takes).
    """

    def __init__(self, base_url: str | None = None, *, timeout: float | None = 60) -> None:
        self.api = Api(asked.socket_path(base_url), timeout)
        self.images = Images(self.api)
        self.containers = Containers(self.api, self.images)
        self.networks = Networks(self.api)
        self.volumes = Volumes(self.api)
        self.leases = Leases(self.api)

    def ping(self) -> bool:
        """Raises ``Unreachable``."""
        with self.api.open("GET", "/_ping") as answer:
            return answer.whole() == b"OK"

    def version(self) -> dict[str, Any]:
        found: dict[str, Any] = self.api.json("GET", "/version")
        return found

    def info(self) -> dict[str, Any]:
        found: dict[str, Any] = self.api.json("GET", "/info")
        return found

    def df(self) -> dict[str, Any]:
        """What takes room on the disk."""
        found: dict[str, Any] = self.api.json("GET", "/system/df", patient=True)
        return found

    def events(
        self,
        *,
        since: str | float | None = None,
        until: str | float | None = None,
        filters: Mapping[str, Any] | None = None,
    ) -> Watch:
        """What happens, from now on or since then; without ``until`` until it is closed."""
        query = {"since": since, "until": until, "filters": asked.filters(filters)}
        return Watch(self.api.open("GET", "/events", query))

    def lease(self, labels: Mapping[str, str] | None = None) -> Lease:
        """An owner of all that is created in its block: ``with client.lease() as lease``. It is removed at the
        block's end, and where this process ends before."""
        return Lease(self.api, labels)

    def sandbox(self, image: str, **limits: Unpack[Limits]) -> Sandbox:
        """A box for code that is not trusted: ``with client.sandbox("python") as box``."""
        return Sandbox(self.containers, image, **limits)

    def close(self) -> None:
        """Nothing is held open between requests; it is here for those who call it."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()
