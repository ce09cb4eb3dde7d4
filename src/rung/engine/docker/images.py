"""``/images`` and ``/auth``: what the store has, as Docker shows it.

What comes from registries and goes there is in ``transfers``.
"""

from __future__ import annotations

import re

from rung.engine.docker.answers import Answer, Streamed, document
from rung.engine.docker.bodies import AUTH
from rung.engine.docker.call import cancellable
from rung.engine.docker.progress import cancelling, follow
from rung.engine.docker.registries import insecure as may_be_plain
from rung.engine.docker.registry_auth import login
from rung.engine.errors import BadParameter, EngineError, NotFound
from rung.image import inspected, seconds_of

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rung.engine.docker.call import Call
    from rung.engine.docker.routes import Table
    from rung.engine.engine import Engine
    from rung.image import Image, Removed, Summary


def table(engine: Engine) -> Table:
    """The endpoints of this file."""
    store = engine.store

    def insecure(name: str) -> bool:
        return may_be_plain(name, engine.settings.insecure_registries)

    async def list_them(call: Call) -> Answer:
        listed = [summary(one) for one in await engine.threads.own(store.summaries, call.filters())]
        return document([with_virtual_size(one) for one in listed] if call.before(1, 44) else listed)

    async def inspect(call: Call) -> Answer:
        image = await engine.threads.own(find, engine, call.words["image"])
        found = await engine.threads.own(inspected, store, image)
        found["RepoTags"].sort()
        return document(with_virtual_size(found) if call.before(1, 44) else found)

    async def history(call: Call) -> Answer:
        image = await engine.threads.own(find, engine, call.words["image"])
        past = await engine.threads.own(store.history, image)
        return document(
            [
                {
                    "Id": str(image.id) if at == 0 else "<missing>",
                    "Created": int(seconds_of(one.created) or 0),
                    "CreatedBy": one.created_by,
                    "Tags": [image.name] if at == 0 else None,
                    "Size": one.size_bytes,
                    "Comment": one.comment,
                }
                for at, one in enumerate(past)
            ]
        )

    async def tag(call: Call) -> Answer:
        repository = call.query.get("repo", "")
        if re.fullmatch(r"[0-9a-f]{64}", repository):
            raise BadParameter(f"invalid repository name ({repository}), cannot specify 64-byte hexadecimal strings")
        if ":" in call.query.get("tag", ""):
            raise BadParameter("invalid tag format")
        check_name(repository, call.query.get("tag", ""))
        name = f"{repository}:{call.query['tag']}" if call.query.get("tag") else repository
        image = await engine.threads.own(find, engine, call.words["image"])
        await engine.threads.own(store.tag, str(image.id), name)
        engine.events.tell("image", "tag", str(image.id), {"name": name})
        return Answer(201)

    async def remove(call: Call) -> Answer:
        name = call.words["image"]
        await engine.threads.own(find, engine, name)
        removed = await engine.threads.disk(lambda: store.remove(name, force=call.flag("force")))
        return document(_told(engine, removed))

    async def prune(call: Call) -> Answer:
        filters = call.filters()
        dangling = filters.pop("dangling", ["true"])
        if dangling[:1] not in (["true"], ["1"], ["false"], ["0"]):
            raise BadParameter(f"invalid filter 'dangling=[{' '.join(dangling)}]'")
        every = dangling[:1] in (["false"], ["0"])
        removed = await engine.threads.disk(lambda: store.prune(filters, all=every))
        deleted = [entry for one in removed for entry in _told(engine, one)]
        freed = sum(one.freed_bytes for one in removed)
        engine.events.tell("image", "prune", "", {"reclaimed": str(freed)})
        return document({"ImagesDeleted": deleted or None, "SpaceReclaimed": freed})

    async def save(call: Call) -> Streamed:
        name = call.words.get("image")
        names = [name] if name else call.all("names")
        for one in names:
            if await engine.threads.own(engine.store.find, one) is None:
                raise NotFound(f"No such image: {one}")
        return await saved(engine, names)

    @cancellable
    async def load(call: Call) -> Streamed:
        archive = await received(engine, call)

        def load_it(progress: Any, _cancellation: Any) -> str:
            with archive:
                images = store.load(archive)
            for image in images:
                engine.tell_later("image", "load", str(image.id), {"name": image.name})
            return "\n".join(f"Loaded image: {image.name}" for image in images)

        return await follow(engine, "loads of images", load_it, stream=True)

    @cancellable
    async def search(call: Call) -> Answer:
        from rung.image import search as look

        term = call.query.get("term", "")
        if not term:
            raise BadParameter("no search term was given")
        try:
            limit = call.number("limit", 25) or 25
        except BadParameter as error:
            raise BadParameter(f"invalid limit specified: {error}") from None
        if not 1 <= limit <= 100:
            raise BadParameter(f"limit {limit} is outside the range of [1, 100]")
        if strange := call.filters().keys() - {"is-automated", "is-official", "stars"}:
            raise BadParameter(f"invalid filter '{min(strange)}'")
        with cancelling() as cancellation:
            how: dict[str, Any] = {"insecure": insecure(f"{term}/x"), "cancellation": cancellation}
            found = await engine.threads.apart("searches in registries", lambda: look(term, limit, **how))
        return document(
            [
                {
                    "name": one.name,
                    "description": one.description,
                    "star_count": one.stars,
                    "is_official": one.is_official,
                    "is_automated": False,
                }
                for one in found
            ]
        )

    @cancellable
    async def auth(call: Call) -> Answer:
        try:
            asked = await call.document(AUTH)
        except BadParameter as error:  # Docker's own endpoint reads it by itself
            raise EngineError(str(error).removeprefix("invalid JSON: ")) from None
        return document(await engine.threads.apart("logins to registries", login, asked or {}))

    return {
        "GET /images/json": list_them,
        "GET /images/search": search,
        "POST /images/load": load,
        "POST /images/prune": prune,
        "GET /images/get": save,
        "GET /images/{image}/json": inspect,
        "GET /images/{image}/history": history,
        "GET /images/{image}/get": save,
        "POST /images/{image}/tag": tag,
        "DELETE /images/{image}": remove,
        "POST /auth": auth,
    }


def find(engine: Engine, name: str) -> Image:
    """Raises ``NotFound`` in Docker's words."""
    check_name(name)
    found = engine.store.find(name)
    if found is None:
        raise NotFound(f"No such image: {shown(name)}")
    return found


def check_name(name: str, tag: str = "") -> None:
    """Raises ``BadParameter`` for what can be no image's name, in Docker's words."""
    bare = name.partition("@")[0]
    path = bare if ":" not in bare.rpartition("/")[2] else bare.rpartition(":")[0]
    full = path if "/" in path else f"library/{path}"
    if re.fullmatch(r"[\w./:-]+", path) and path.rpartition("/")[2] != path.rpartition("/")[2].lower():
        raise BadParameter(f"invalid reference format: repository name ({full}) must be lowercase")
    if path and not re.fullmatch(r"[\w./:\[\]-]+", path):
        raise BadParameter("invalid reference format")
    if tag and ":" not in tag and not re.fullmatch(r"\w[\w.-]{0,127}", tag):
        raise BadParameter("invalid tag format")


def shown(name: str) -> str:
    """A name with the tag that it means."""
    if len(name) == 64 and not set(name) - set("0123456789abcdef"):
        return f"sha256:{name}"
    bare = ":" not in name.rpartition("/")[2] and "@" not in name
    is_id = len(name) in (12, 64) and not set(name) - set("0123456789abcdef")
    return f"{name}:latest" if bare and not is_id and not name.startswith("sha256:") else name


def summary(one: Summary) -> dict[str, Any]:
    """An entry of the list."""
    return {
        "Containers": -1,
        "Created": int(seconds_of(one.created) or 0),
        "Id": one.id,
        "Labels": one.labels or None,
        "ParentId": "",
        "RepoDigests": list(one.repo_digests),
        "RepoTags": list(one.repo_tags),
        "SharedSize": -1,
        "Size": one.size_bytes,
    }


def with_virtual_size(one: dict[str, Any]) -> dict[str, Any]:
    """As versions before 1.44 have it."""
    return {**one, "VirtualSize": one["Size"]}


def _told(engine: Engine, removed: Removed) -> list[dict[str, str]]:
    for name in removed.untagged:
        engine.events.tell("image", "untag", name, {"name": name})
    for key in removed.deleted[:1]:
        engine.events.tell("image", "delete", key, {"name": key})
    return [{"Untagged": name} for name in removed.untagged] + [{"Deleted": key} for key in removed.deleted]


async def saved(engine: Engine, names: list[str]) -> Streamed:
    """An archive, streamed while it is written."""
    from rung.engine.docker.progress import Piped

    pieces = Piped(engine, f"saves of images {' '.join(names)}", lambda file: engine.store.save(names, file))
    return Streamed(pieces, "application/x-tar")


async def received(engine: Engine, call: Call) -> Any:
    """A body as a file: unnamed, on the data's disk."""
    import tempfile

    file = await engine.threads.own(lambda: tempfile.TemporaryFile(dir=engine.places.data))
    try:
        async for piece in call.body():
            await engine.threads.apart("uploads", file.write, piece)  # a disk that is behind holds writers up
        file.seek(0)
    except BaseException:
        file.close()
        raise
    return file
