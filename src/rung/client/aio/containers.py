"""``client.containers``."""

from __future__ import annotations

from typing import Literal, overload

from rung.client import asked, words
from rung.client.aio.api import Answer, Api
from rung.client.aio.container import Container, waited
from rung.client.aio.images import Images
from rung.client.aio.streams import Collected
from rung.client.errors import ContainerFailed, NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any, Unpack

    from rung.client.aio.container import Command
    from rung.client.words import CreateWords

    Headers = list[tuple[str, str]]


class Containers:
    """What containers there are, and new ones."""

    def __init__(self, api: Api, images: Images) -> None:
        self._api, self._images = api, images

    async def get(self, name: str) -> Container:
        """By name or id. Raises ``NotFound``."""
        return Container(self._api, await self._api.json("GET", f"/containers/{name}/json"))

    def known(self, container_id: str) -> Container:
        """One that is known to be there: nobody is asked. ``attrs`` has little more than its id, until ``reload``."""
        state = {"Status": "created", "ExitCode": 0}
        config: dict[str, Any] = {"Labels": {}, "Image": ""}
        attrs = {"Id": container_id, "Name": "", "State": state, "Config": config, "NetworkSettings": {}}
        return Container(self._api, attrs)

    async def list(
        self, *, all: bool = False, filters: Mapping[str, Any] | None = None, limit: int | None = None
    ) -> list[Container]:
        """Those that run; ``all``: the others as well."""
        query = {"all": all, "filters": asked.filters(filters), "limit": limit}
        found = []
        for each in await self._api.json("GET", "/containers/json", query):
            try:
                found.append(await self.get(each["Id"]))
            except NotFound:  # removed meanwhile
                continue
        return found

    async def create(
        self, image: str, command: Command | None = None, **more: Unpack[CreateWords]
    ) -> Container:
        """A container that has not started. The image is pulled where it is not here."""
        async with await self._create(image, command, more, self._api.owner()) as made:
            found = await made.document()
        return await self.get(found["Id"])

    async def create_held(
        self, image: str, command: Command | None, more: CreateWords, *, until_start: bool
    ) -> tuple[str, Answer]:
        """A new container's id, and the connection whose end removes it; ``until_start``: only before it has started.
        (Docker's engine does not know of that, and removes nothing.)"""
        owner = self._api.owner() or [("Rung-Lease", "connection; until=start" if until_start else "connection")]
        held = await self._create(image, command, more, owner)
        try:
            return str((await held.document())["Id"]), held
        except BaseException:
            await held.close()
            raise

    async def _create(
        self, image: str, command: Command | None, more: CreateWords, headers: Headers
    ) -> Answer:
        document = words.creation(image, command, more)
        query = {"name": more.get("name"), "platform": more.get("platform")}
        asks: dict[str, Any] = {"body": document, "headers": headers}
        try:
            return await self._api.open("POST", "/containers/create", query, **asks)
        except NotFound as error:
            if "image" not in str(error).lower():
                raise
            await self._images.pull(image, platform=more.get("platform"))
            return await self._api.open("POST", "/containers/create", query, **asks)

    @overload
    async def run(
        self, image: str, command: Command | None = None, *, detach: Literal[True], **more: Unpack[CreateWords]
    ) -> Container: ...
    @overload
    async def run(
        self,
        image: str,
        command: Command | None = None,
        *,
        detach: Literal[False] = False,
        stdout: bool = True,
        stderr: bool = False,
        remove: bool = False,
        **more: Unpack[CreateWords],
    ) -> bytes: ...
    async def run(
        self,
        image: str,
        command: Command | None = None,
        *,
        detach: bool = False,
        stdout: bool = True,
        stderr: bool = False,
        remove: bool = False,
        **more: Unpack[CreateWords],
    ) -> bytes | Container:
        """Create and start. ``detach``: the container, while it runs; else what it wrote, when it has ended.
        Raises ``ContainerFailed`` where its exit status is not 0."""
        if detach and remove:
            more["auto_remove"] = True
        if not remove:
            container = await self.create(image, command, **more)
            return await self._run(container, detach, stdout, stderr)
        container_id, held = await self.create_held(image, command, more, until_start=detach)
        async with held:
            container = await self.get(container_id)
            try:
                return await self._run(container, detach, stdout, stderr)
            finally:
                if not detach:
                    await container.remove(force=True, v=True)

    async def _run(self, container: Container, detach: bool, stdout: bool, stderr: bool) -> bytes | Container:
        if not detach:
            return await self._to_its_end(container, stdout, stderr)
        await container.start()
        await container.reload()
        return container

    async def _to_its_end(self, container: Container, stdout: bool, stderr: bool) -> bytes:
        collected = Collected()
        async with await container.attach() as output, await container.wait_begun(condition="next-exit") as wait:
            await container.start()
            await output.collect(collected)
            status = int((await waited(wait))["StatusCode"])
        if status:
            raise ContainerFailed(container.name, status, collected.stderr)
        wanted = {(True, True): bytes(collected.all), (False, True): collected.stderr, (False, False): b""}
        return wanted.get((stdout, stderr), collected.stdout)

    async def prune(self, filters: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Remove those that do not run."""
        query = {"filters": asked.filters(filters)}
        found: dict[str, Any] = await self._api.json("POST", "/containers/prune", query, patient=True)
        return found
