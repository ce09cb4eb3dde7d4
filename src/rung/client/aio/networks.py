"""``client.networks``."""

from __future__ import annotations

from rung.client import asked
from rung.client.aio.api import Api
from rung.client.aio.container import Container

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


class Network:
    """``attrs`` is what the engine said last."""

    def __init__(self, api: Api, attrs: dict[str, Any]) -> None:
        self._api = api
        self.attrs = attrs

    def __repr__(self) -> str:
        return f"<Network {self.short_id} {self.name}>"

    @property
    def id(self) -> str:
        return str(self.attrs["Id"])

    @property
    def short_id(self) -> str:
        return self.id[:12]

    @property
    def name(self) -> str:
        return str(self.attrs["Name"])

    async def reload(self) -> None:
        """Ask the engine again."""
        self.attrs = await self._api.json("GET", f"/networks/{self.id}")

    async def connect(
        self, container: Container | str, *, aliases: list[str] | None = None, ipv4_address: str | None = None
    ) -> None:
        """Join a container to it; ``aliases``: its names there."""
        endpoint: dict[str, Any] = {"Aliases": aliases} if aliases else {}
        if ipv4_address:
            endpoint["IPAMConfig"] = {"IPv4Address": ipv4_address}
        body = {"Container": _id(container), "EndpointConfig": endpoint}
        await self._api.do("POST", f"/networks/{self.id}/connect", body=body)

    async def disconnect(self, container: Container | str, *, force: bool = False) -> None:
        """Part a container from it."""
        body = {"Container": _id(container), "Force": force}
        await self._api.do("POST", f"/networks/{self.id}/disconnect", body=body)

    async def remove(self) -> None:
        await self._api.do("DELETE", f"/networks/{self.id}")


class Networks:
    """What networks there are, and new ones."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def get(self, name: str) -> Network:
        """By name or id. Raises ``NotFound``."""
        return Network(self._api, await self._api.json("GET", f"/networks/{name}"))

    async def list(self, filters: Mapping[str, Any] | None = None) -> list[Network]:
        found = await self._api.json("GET", "/networks", {"filters": asked.filters(filters)})
        return [Network(self._api, each) for each in found]

    async def create(
        self,
        name: str,
        *,
        driver: str = "bridge",
        internal: bool = False,
        subnet: str | None = None,
        gateway: str | None = None,
        labels: Mapping[str, str] | None = None,
        options: Mapping[str, str] | None = None,
    ) -> Network:
        """A new one."""
        body: dict[str, Any] = {"Name": name, "Driver": driver, "Internal": internal}
        body |= {"Labels": dict(labels or {}), "Options": dict(options or {})}
        if subnet:
            body["IPAM"] = {"Config": [{"Subnet": subnet, **({"Gateway": gateway} if gateway else {})}]}
        made = await self._api.json("POST", "/networks/create", body=body, headers=self._api.owner())
        return await self.get(made["Id"])

    async def prune(self, filters: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Remove those that nobody uses."""
        found: dict[str, Any] = await self._api.json("POST", "/networks/prune", {"filters": asked.filters(filters)})
        return found


def _id(container: Container | str) -> str:
    return container.id if isinstance(container, Container) else container
