"""``client.lease()``: an owner of what is created, whose end removes it. Rung's engine alone has these."""

from __future__ import annotations

from rung.client.aio.api import Answer, Api
from rung.client.errors import ClientError, NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Self

_PATH = "/rung/leases"


class Lease:
    """A lease that is bound to a connection of this client's: it ends with the block, or with this process.

    What ``client.containers``, ``client.networks`` and ``client.volumes`` create meanwhile belongs to it; so does what
    other clients create that send ``headers``."""

    def __init__(self, api: Api, labels: Mapping[str, str] | None = None) -> None:
        self._api, self._labels = api, dict(labels or {})
        self._held: Answer | None = None
        self.attrs: dict[str, Any] = {}

    @property
    def id(self) -> str:
        """Raises ``ClientError`` where it has not begun."""
        if not self.attrs:
            raise ClientError("use", "the lease", "it has not begun: with client.lease() as lease")
        return str(self.attrs["Id"])

    @property
    def headers(self) -> dict[str, str]:
        """What a request of any client's sends to have the lease own what it creates."""
        return {"Rung-Lease": self.id}

    async def __aenter__(self) -> Self:
        body = {"Labels": self._labels, "Connection": True}
        self._held = await self._api.open("POST", f"{_PATH}/create", body=body)
        self.attrs = await self._held.document()
        self._api.leases.append(self.id)
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.end()

    async def hold(self) -> None:
        """Bind it to a new connection: after a restart of the engine, which watches this process until then. Raises
        ``NotFound`` where it has ended."""
        held = await self._api.open("POST", f"{_PATH}/{self.id}/hold")
        self.attrs = await held.document()
        if self._held is not None:
            await self._held.close()
        self._held = held

    async def reload(self) -> None:
        """Ask the engine again: ``attrs`` has what it owns."""
        self.attrs = await self._api.json("GET", f"{_PATH}/{self.id}")

    async def end(self) -> None:
        """Remove what it owns, and it. Twice is once."""
        held, self._held = self._held, None
        if held is None:
            return
        self._api.leases.remove(self.id)
        try:
            await self._api.do("DELETE", f"{_PATH}/{self.id}", patient=True)
        except NotFound:
            return  # it has ended already
        finally:
            await held.close()


class Leases:
    """What leases the engine has, and new ones that are bound to no connection."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def list(self) -> list[dict[str, Any]]:
        """Each with what it owns: ``Id``, ``Labels``, ``Expires``, ``Containers``, ``Networks``, ``Volumes``."""
        found: list[dict[str, Any]] = await self._api.json("GET", _PATH)
        return found

    async def create(self, *, expires_in_s: int = 0, labels: Mapping[str, str] | None = None) -> str:
        """One that ends in so many seconds, 0: when it is removed. Its id."""
        body = {"Labels": dict(labels or {}), "ExpiresIn": expires_in_s}
        return str((await self._api.json("POST", f"{_PATH}/create", body=body))["Id"])

    async def renew(self, lease_id: str, expires_in_s: int) -> None:
        """Let it end in so many seconds from now. Raises ``NotFound``."""
        await self._api.do("POST", f"{_PATH}/{lease_id}/renew", body={"ExpiresIn": expires_in_s})

    async def remove(self, lease_id: str) -> None:
        """End one: all that it owns goes. Raises ``NotFound``."""
        await self._api.do("DELETE", f"{_PATH}/{lease_id}", patient=True)
