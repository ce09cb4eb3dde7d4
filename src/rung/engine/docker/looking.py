"""``stats``, ``top``, ``update``, ``prune``, ``/system/df``: containers looked at from outside, limits changed."""

from __future__ import annotations

import asyncio
import os

from rung import jsonc
from rung.engine import stats
from rung.engine.docker.answers import Answer, Streamed, document
from rung.engine.docker.bodies import UPDATE
from rung.engine.docker.containers import sizes
from rung.engine.docker.filters import carries, chosen
from rung.engine.docker.images import summary as image_summary
from rung.engine.docker.images import with_virtual_size
from rung.engine.docker.system import moment_ns
from rung.engine.docker.volumes import tree_bytes, volume_bytes
from rung.engine.document import resources
from rung.engine.errors import BadParameter, Conflict, EngineError
from rung.engine.lifecycle.checks import check_policy
from rung.engine.lifecycle.remove import remove
from rung.engine.shims.client import has_ended
from rung.spec.shim.common import Anything
from rung.spec.shim.task import RESOURCES_URL

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import AsyncIterator
    from typing import Any

    from rung.engine.container import Container
    from rung.engine.docker.call import Call
    from rung.engine.docker.routes import Table
    from rung.engine.engine import Engine


def table(engine: Engine) -> Table:
    """The endpoints of this file."""

    def get(call: Call) -> Container:
        return engine.containers.get(call.words["id"])

    async def stats_of(call: Call) -> Answer | Streamed:
        container = get(call)
        if not call.flag("stream", True):
            first = None if call.flag("one-shot") else await engine.threads.own(stats.sample, engine, container, None)
            if first is not None and container.state.pid:
                await asyncio.sleep(1)
            return document(await engine.threads.own(stats.sample, engine, container, first))
        return Streamed(_stats(engine, container))

    async def top(call: Call) -> Answer:
        container = get(call)
        running = engine.running.get(container.id)
        if running is None:
            raise Conflict(f"container {container.id} is not running")
        try:
            found = await running.client.call("Pids", id=container.id)
        except EngineError:
            if not await has_ended(running.client, container.id):
                raise
            raise Conflict(f"container {container.id} is not running") from None
        pids = {one.pid for one in found.processes}
        return document(await processes(pids, call.query.get("ps_args") or "-ef"))

    async def update(call: Call) -> Answer:
        asked = await call.document(UPDATE) or {}
        container = get(call)
        check_policy(asked.get("RestartPolicy") or {})
        host = resources.update(container.host, asked)
        running = engine.running.get(container.id)
        if running is not None:
            wanted = resources.resources(host, [])
            del wanted["devices"]
            if wanted:
                given = Anything(type_url=RESOURCES_URL, value=jsonc.dumps(wanted).encode())
                try:
                    await running.client.call("Update", id=container.id, resources=given)
                except EngineError:
                    if not await has_ended(running.client, container.id):  # then the next run has them
                        raise
        container.host = host
        engine.containers.save(container)
        engine.events.tell("container", "update", container.id, container.attributes())
        return document({"Warnings": None})

    async def prune(call: Call) -> Answer:
        filters = call.filters()
        until = moment_ns("".join(filters.pop("until", [])[:1]))
        labels = {name: filters.pop(name) for name in ("label", "label!") if name in filters}
        if filters:
            raise BadParameter(f"invalid filter '{next(iter(filters))}'")
        deleted, freed = [], 0
        for one in list(chosen(engine, {"label": labels["label"]} if "label" in labels else {}, all=True)):
            if one.state.running or one.state.status == "restarting" or (until is not None and one.created_ns > until):
                continue
            if any(carries(one.labels, [word]) for word in labels.get("label!", ())):
                continue
            freed += await engine.threads.disk(written_bytes, engine, one)
            await remove(engine, one)
            deleted.append(one.id)
        engine.events.tell("container", "prune", "", {"reclaimed": str(freed)})
        return document({"ContainersDeleted": deleted or None, "SpaceReclaimed": freed})

    async def df(call: Call) -> Answer:
        wanted = call.all("type") if not call.before(1, 42) else []
        if strange := [one for one in wanted if one not in _KINDS]:
            raise BadParameter(f"unknown object type: {strange[0]}")
        found = await usage(engine, set(wanted or _KINDS))
        if call.before(1, 44):
            found["Images"] = [with_virtual_size(one) for one in found["Images"] or ()] or found["Images"]
        return document(found)

    async def build_prune(call: Call) -> Answer:
        return document({"CachesDeleted": None, "SpaceReclaimed": 0})

    return {
        "GET /containers/{id}/stats": stats_of,
        "GET /containers/{id}/top": top,
        "POST /containers/{id}/update": update,
        "POST /containers/prune": prune,
        "POST /build/prune": build_prune,
        "GET /system/df": df,
    }


_KINDS = ("container", "image", "volume", "build-cache")


async def _stats(engine: Engine, container: Container) -> AsyncIterator[bytes]:
    """One a second, as long as the container is there."""
    before = None
    while True:
        before = await engine.threads.own(stats.sample, engine, container, before)
        yield jsonc.dumps(before, compact=True).encode() + b"\n"
        await asyncio.sleep(1)
        if container.state.status in ("removing", "dead"):
            return


async def processes(pids: set[int], arguments: str) -> dict[str, Any]:
    """What the host's ps says of a container's processes. Raises ``EngineError``."""
    import shlex

    try:
        program = await asyncio.create_subprocess_exec(
            "ps",
            *shlex.split(arguments),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
    except FileNotFoundError:
        raise EngineError("ps is not installed on this machine: apt-get install procps") from None
    out, err = await program.communicate()
    if program.returncode:
        raise EngineError(f"ps {arguments}: {err.decode('utf-8', 'replace').strip()}")
    lines = out.decode("utf-8", "replace").splitlines()
    titles = lines[0].split() if lines else []
    if "PID" not in titles:
        raise EngineError("Couldn't find PID field in ps output")
    at = titles.index("PID")
    rows = [line.split(None, len(titles) - 1) for line in lines[1:]]
    return {"Titles": titles, "Processes": [row for row in rows if len(row) > at and int(row[at]) in pids]}


def written_bytes(engine: Engine, container: Container) -> int:
    """What a container has written into its root file system, and its log."""
    rootfs = engine.store.rootfs(container.id)
    log = engine.places.log(container.id)
    written = tree_bytes(rootfs.changes) if rootfs is not None else 0
    return written + (os.path.getsize(log) if os.path.exists(log) else 0)


async def usage(engine: Engine, kinds: set[str]) -> dict[str, Any]:
    """Docker's ``/system/df``; null for those that are not asked for."""
    from rung.engine.docker.containers import summary

    found = await engine.threads.disk(engine.store.usage)
    counts = {one.id: one for one in found.images}
    images, volumes, containers = [], [], []
    for one in await engine.threads.own(engine.store.summaries) if "image" in kinds else ():
        counted = counts.get(one.id)
        more = {"Containers": counted.containers, "SharedSize": counted.shared_bytes} if counted is not None else {}
        images.append({**image_summary(one), "RepoDigests": list(one.repo_digests) or None, **more})
    for volume in engine.volumes if "volume" in kinds else ():
        size = await volume_bytes(engine, volume)
        volumes.append({**volume.view(), "UsageData": {"RefCount": len(engine.volumes.users(volume)), "Size": size}})
    for container in engine.containers if "container" in kinds else ():
        written, whole = await engine.threads.disk(sizes, engine, container)
        has = {"SizeRw": written} if written else {}
        containers.append({**summary(engine, container), **has, "SizeRootFs": whole})
    return {
        "LayersSize": found.layers_bytes if "image" in kinds else 0,
        "Images": images if "image" in kinds else None,
        "Containers": containers if "container" in kinds else None,
        "Volumes": volumes if "volume" in kinds else None,
        "BuildCache": [] if "build-cache" in kinds else None,
    }
