"""``/volumes``."""

from __future__ import annotations

from rung.engine.docker.answers import Answer, document, empty
from rung.engine.docker.bodies import VOLUME
from rung.engine.docker.filters import carries
from rung.engine.docker.leases import lease_of
from rung.engine.errors import BadParameter, Conflict, NotFound, StalledError, Unavailable
from rung.engine.volumes import ANONYMOUS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.engine.docker.call import Call
    from rung.engine.docker.routes import Table
    from rung.engine.engine import Engine
    from rung.engine.volumes import Volume


def table(engine: Engine) -> Table:
    """The endpoints of this file."""
    volumes = engine.volumes

    async def list_them(call: Call) -> Answer:
        return document({"Volumes": [one.view() for one in chosen(engine, call.filters())], "Warnings": None})

    async def create(call: Call) -> Answer:
        asked = await call.document(VOLUME) or {}
        lease, _ = lease_of(engine, call)
        names = str(asked.get("Name") or ""), str(asked.get("Driver") or "")
        made = volumes.create(
            *names, asked.get("DriverOpts"), asked.get("Labels"), lease=lease.id if lease is not None else ""
        )
        engine.leases.settle(lease)
        return document(made.view(), 201)

    async def inspect(call: Call) -> Answer:
        return document(volumes.get(call.words["name"]).view())

    async def remove(call: Call) -> Answer:
        try:
            await volumes.remove(volumes.get(call.words["name"]))
        except NotFound:
            if not call.flag("force"):
                raise
        return empty()

    async def prune(call: Call) -> Answer:
        filters = call.filters()
        given = filters.pop("all", ["false"])
        every = _switch(
            given, f"invalid filter 'all': strconv.ParseBool: parsing \"{given[0]}\": invalid syntax"
        )
        deleted, freed = [], 0
        for one in chosen(engine, filters):
            if (every or ANONYMOUS in one.labels) and not one.options and not volumes.users(one):
                freed += await volume_bytes(engine, one)
                try:
                    await volumes.remove(one)
                except Conflict:  # taken meanwhile
                    continue
                deleted.append(one.name)
        engine.events.tell("volume", "prune", "", {"reclaimed": str(freed)})
        return document({"VolumesDeleted": deleted, "SpaceReclaimed": freed})

    async def update(call: Call) -> Answer:
        raise Unavailable("volume update only valid for cluster volumes, but swarm is unavailable")

    return {
        "PUT /volumes/{name}": update,
        "GET /volumes": list_them,
        "POST /volumes/create": create,
        "POST /volumes/prune": prune,
        "GET /volumes/{name}": inspect,
        "DELETE /volumes/{name}": remove,
    }


#: How long the files of one volume may take to be counted.
COUNT_S = 60.0


async def volume_bytes(engine: Engine, volume: Volume) -> int:
    """Bytes of a volume's files; -1 where its file system does not answer."""
    try:
        subject = f"the files of volume {volume.name}"
        return await engine.threads.apart(subject, tree_bytes, volume.mountpoint, deadline_s=COUNT_S)
    except StalledError:
        return -1


def tree_bytes(path: str) -> int:
    """Bytes of all files below a directory."""
    import os

    total = 0
    for place, _, names in os.walk(path):
        for name in names:
            try:
                total += os.lstat(os.path.join(place, name)).st_size
            except FileNotFoundError:
                continue
    return total


def _switch(words: list[str], refused: str) -> bool:
    """Raises ``BadParameter`` for what is neither yes nor no."""
    if words[:1] in (["true"], ["1"]):
        return True
    if words[:1] in (["false"], ["0"]):
        return False
    raise BadParameter(refused)


def chosen(engine: Engine, filters: dict[str, list[str]]) -> list[Volume]:
    """Those that fit. Raises ``BadParameter``."""
    found = list(engine.volumes)
    for name, words in filters.items():
        if name == "dangling":
            free = _switch(words, f"invalid filter 'dangling=[{' '.join(words)}]'")
            found = [one for one in found if (not engine.volumes.users(one)) == free]
        elif name == "driver":
            found = [one for one in found if "local" in words]
        elif name == "name":
            found = [one for one in found if any(word in one.name for word in words)]
        elif name == "label":
            found = [one for one in found if carries(one.labels, words)]
        elif name == "label!":
            found = [one for one in found if not any(carries(one.labels, [word]) for word in words)]
        else:
            raise BadParameter(f"invalid filter '{name}'")
    return found
