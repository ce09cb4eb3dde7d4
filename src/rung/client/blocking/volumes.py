# Made by tools/unasync.py from the file of the same name in aio/.
"""``client.volumes``."""

from __future__ import annotations

from rung.client import asked
from rung.client.blocking.api import Api

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any


class Volume:
    """``attrs`` is what the engine said last."""

    def __init__(self, api: Api, attrs: dict[str, Any]) -> None:
        self._api = api
        self.attrs = attrs

    def __repr__(self) -> str:
        return f"<Volume {self.name}>"

    @property
    def name(self) -> str:
        return str(self.attrs["Name"])

    @property
    def id(self) -> str:
        """Its name."""
        return self.name

    def reload(self) -> None:
        """Ask the engine again."""
        self.attrs = self._api.json("GET", f"/volumes/{self.name}")

    def remove(self, *, force: bool = False) -> None:
        """``force``: that it is gone already is as good."""
        self._api.do("DELETE", f"/volumes/{self.name}", {"force": force})


class Volumes:
    """What volumes there are, and new ones."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def get(self, name: str) -> Volume:
        """Raises ``NotFound``."""
        return Volume(self._api, self._api.json("GET", f"/volumes/{name}"))

    def list(self, filters: Mapping[str, Any] | None = None) -> list[Volume]:
        found = self._api.json("GET", "/volumes", {"filters": asked.filters(filters)})
        return [Volume(self._api, each) for each in found["Volumes"] or ()]

    def create(
        self,
        name: str = "",
        *,
        driver: str = "local",
        driver_opts: Mapping[str, str] | None = None,
        labels: Mapping[str, str] | None = None,
    ) -> Volume:
        """A new one, or that of this name; without a name it gets one."""
        body = {"Name": name, "Driver": driver, "DriverOpts": dict(driver_opts or {}), "Labels": dict(labels or {})}
        return Volume(self._api, self._api.json("POST", "/volumes/create", body=body, headers=self._api.owner()))

    def prune(self, filters: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Remove those that nobody uses."""
        query = {"filters": asked.filters(filters)}
        found: dict[str, Any] = self._api.json("POST", "/volumes/prune", query, patient=True)
        return found
