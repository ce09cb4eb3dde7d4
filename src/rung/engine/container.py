"""One container as the engine knows it: what was asked for, and what has become of it.

``config``, ``host`` and ``endpoints`` are the request's own objects in Docker's words (Config, HostConfig,
NetworkingConfig.EndpointsConfig): what a client asked for is what it gets to see. All of it is one document in the
database.
"""

from __future__ import annotations

import asyncio
from time import time_ns

from rung.engine import states
from rung.spec.jsonfile import timestamp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

#: Go's zero time: a moment that has not come.
NEVER = "0001-01-01T00:00:00Z"


class State:
    """What has become of it. Times are nanoseconds since 1970, 0 before they came."""

    def __init__(self, **given: Any) -> None:
        self.status = states.CREATED
        self.pid = 0
        self.exit_code = 0
        self.error = ""
        self.oom_killed = False
        self.started_ns = 0
        self.finished_ns = 0
        self.restarts = 0
        self.pause_s = 0.0  # before the last restart
        self.stopped_by_hand = False
        self.health: dict[str, Any] | None = None
        self.__dict__.update(given)

    @property
    def running(self) -> bool:
        """Whether it has processes; a paused one has."""
        return self.status in states.LIVE


class Container:
    """See the module. Changed in the engine's own thread only; under ``lock`` where that takes more than a moment."""

    def __init__(
        self,
        id: str,
        name: str,
        image: str,
        image_name: str,
        config: dict[str, Any],
        host: dict[str, Any],
        endpoints: dict[str, Any] | None = None,
        *,
        created_ns: int = 0,
        platform: str = "linux",
        mounts: list[dict[str, Any]] | None = None,
        attached: dict[str, dict[str, Any]] | None = None,
        published: list[dict[str, Any]] | None = None,
        state: dict[str, Any] | None = None,
        lease: str = "",
        lease_until_start: bool = False,
    ) -> None:
        self.id, self.name = id, name
        self.image, self.image_name = image, image_name
        self.config, self.host, self.endpoints = config, host, endpoints or {}
        self.created_ns = created_ns or time_ns()
        self.platform = platform
        #: What it has beside its image's files (document/mounts.py), as documents.
        self.mounts = mounts or []
        #: While it runs: its ends of networks (network/endpoint.py), and ports of the host (network/ports.py).
        self.attached, self.published = attached or {}, published or []
        self.state = State(**(state or {}))
        #: The lease that owns it, and whether that lets go when it starts.
        self.lease, self.lease_until_start = lease, lease_until_start
        self.lock = asyncio.Lock()

    def document(self) -> dict[str, Any]:
        """What the database keeps."""
        kept = {name: value for name, value in self.__dict__.items() if name not in ("lock", "state")}
        return {**kept, "state": self.state.__dict__}

    def become(self, status: str) -> None:
        """The next state. Raises ``Conflict``."""
        states.check(self.state.status, status, self.id)
        self.state.status = status

    @property
    def short_id(self) -> str:
        """As lists show it."""
        return self.id[:12]

    @property
    def created(self) -> str:
        """RFC 3339."""
        return timestamp(self.created_ns)

    @property
    def terminal(self) -> bool:
        """Whether it has one."""
        return bool(self.config.get("Tty"))

    @property
    def labels(self) -> dict[str, str]:
        """Of its own and its image's."""
        return self.config.get("Labels") or {}

    @property
    def network_mode(self) -> str:
        """``bridge``, ``none``, ``host``, ``container:ID``, or a network's name."""
        return str(self.host.get("NetworkMode") or "default")

    @property
    def auto_remove(self) -> bool:
        """Whether it goes when it has ended (``--rm``)."""
        return bool(self.host.get("AutoRemove"))

    def attributes(self) -> dict[str, str]:
        """What events of it tell: labels, image, name."""
        return {**self.labels, "image": self.image_name, "name": self.name}


def moment(ns: int) -> str:
    """RFC 3339, or Go's zero time."""
    return timestamp(ns) if ns else NEVER
