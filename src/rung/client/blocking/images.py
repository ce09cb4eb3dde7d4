# Made by tools/unasync.py from the file of the same name in aio/.
"""``client.images``."""

from __future__ import annotations

from rung.client import asked
from rung.client.blocking.api import Api
from rung.client.blocking.streams import Pieces, Watch
from rung.client.errors import ServerError, TransferFailed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any

    OnProgress = Callable[[dict[str, Any]], None]

_LOADED = ("Loaded image: ", "Loaded image ID: ")


class Image:
    """``attrs`` is what the engine said last."""

    def __init__(self, api: Api, attrs: dict[str, Any]) -> None:
        self._api = api
        self.attrs = attrs

    def __repr__(self) -> str:
        return f"<Image {', '.join(self.tags) or self.id}>"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Image) and other.id == self.id

    def __hash__(self) -> int:
        return hash(self.id)

    @property
    def id(self) -> str:
        return str(self.attrs["Id"])

    @property
    def short_id(self) -> str:
        return self.id[:19]

    @property
    def tags(self) -> list[str]:
        return list(self.attrs.get("RepoTags") or ())

    @property
    def labels(self) -> dict[str, str]:
        return dict((self.attrs.get("Config") or {}).get("Labels") or {})

    def reload(self) -> None:
        """Ask the engine again."""
        self.attrs = self._api.json("GET", f"/images/{self.id}/json")

    def tag(self, repository: str, tag: str | None = None) -> bool:
        """One more name."""
        bare, tag = asked.name_and_tag(repository, tag)
        self._api.do("POST", f"/images/{self.id}/tag", {"repo": bare, "tag": tag})
        return True

    def history(self) -> list[dict[str, Any]]:
        """Its layers, the newest first."""
        found: list[dict[str, Any]] = self._api.json("GET", f"/images/{self.id}/history")
        return found

    def save(self) -> Pieces:
        """An archive of it, with its first name."""
        return Pieces(self._api.open("GET", f"/images/{(self.tags or [self.id])[0]}/get", patient=True))

    def remove(self, *, force: bool = False) -> None:
        """It with all its names."""
        self._api.do("DELETE", f"/images/{self.id}", {"force": force}, patient=True)


class Images:
    """What images there are, and others."""

    def __init__(self, api: Api) -> None:
        self._api = api

    def get(self, name: str) -> Image:
        """By name or id. Raises ``NotFound``."""
        return Image(self._api, self._api.json("GET", f"/images/{name}/json"))

    def load(self, data: asked.Body) -> list[Image]:
        """The images of an archive: bytes, a file, or pieces. Raises ``TransferFailed``."""
        said = self._transfer("load", "", "/images/load", {}, body=data)
        names = [line.removeprefix(word) for line in said.splitlines() for word in _LOADED if line.startswith(word)]
        return [self.get(name) for name in names]

    def list(
        self, name: str | None = None, *, all: bool = False, filters: Mapping[str, Any] | None = None
    ) -> list[Image]:
        """All, or those of that name."""
        wanted = {**(filters or {}), **({"reference": name} if name else {})}
        found = self._api.json("GET", "/images/json", {"all": all, "filters": asked.filters(wanted)})
        return [Image(self._api, each) for each in found]

    def pull(
        self,
        repository: str,
        tag: str | None = None,
        *,
        platform: str | None = None,
        auth_config: Mapping[str, str] | None = None,
        on_progress: OnProgress | None = None,
    ) -> Image:
        """From its registry. Raises ``TransferFailed``."""
        bare, tag = asked.name_and_tag(repository, tag)
        query = {"fromImage": bare, "tag": tag, "platform": platform}
        headers = asked.authorization(auth_config)
        name = f"{bare}{'@' if ':' in tag else ':'}{tag}"
        self._transfer("pull", name, "/images/create", query, on_progress, headers=headers)
        return self.get(name)

    def push(
        self,
        repository: str,
        tag: str | None = None,
        *,
        auth_config: Mapping[str, str] | None = None,
        on_progress: OnProgress | None = None,
    ) -> None:
        """To its registry. Raises ``TransferFailed``."""
        bare, tag = asked.name_and_tag(repository, tag)
        headers = asked.authorization(auth_config) or [("X-Registry-Auth", "e30=")]
        path = f"/images/{bare}/push"
        self._transfer("push", f"{bare}:{tag}", path, {"tag": tag}, on_progress, headers=headers)

    def import_image(self, data: asked.Body, repository: str, tag: str | None = None) -> Image:
        """A root file system's archive as an image of one layer. Raises ``TransferFailed``."""
        bare, tag = asked.name_and_tag(repository, tag)
        query = {"fromSrc": "-", "repo": bare, "tag": tag}
        self._transfer("import", f"{bare}:{tag}", "/images/create", query, body=data)
        return self.get(f"{bare}:{tag}")

    def save(self, *names: str) -> Pieces:
        """One archive of several."""
        return Pieces(self._api.open("GET", "/images/get", {"names": list(names)}, patient=True))

    def remove(self, name: str, *, force: bool = False) -> None:
        """A name; with the last one the image."""
        self._api.do("DELETE", f"/images/{name}", {"force": force}, patient=True)

    def _transfer(
        self,
        operation: str,
        name: str,
        path: str,
        query: Mapping[str, Any],
        on_progress: OnProgress | None = None,
        **more: Any,
    ) -> str:
        """To its end: what it said. An error comes as the answer, or behind a 200 in the stream; both are the same."""
        try:
            answer = self._api.open("POST", path, query, patient=True, **more)
        except ServerError as error:
            raise TransferFailed(operation, name, error.reason) from None
        said = []
        with Watch(answer) as progress:
            for line in progress:
                if "error" in line:
                    raise TransferFailed(operation, name, str(line["error"]))
                said.append(str(line.get("stream", "")))
                if on_progress is not None:
                    on_progress(line)
        return "".join(said)

    def prune(self, filters: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Remove those without a name."""
        query = {"filters": asked.filters(filters)}
        found: dict[str, Any] = self._api.json("POST", "/images/prune", query, patient=True)
        return found
