"""``/commit``: an image of a container."""

from __future__ import annotations

import asyncio
from contextlib import suppress

from rung.engine.docker.answers import Answer, document
from rung.engine.docker.archive import HIDDEN
from rung.engine.docker.bodies import CONTAINER
from rung.engine.docker.images import check_name
from rung.engine.docker.system import is_delegated
from rung.engine.errors import BadParameter, Conflict, EngineError
from rung.engine.lifecycle.stop import pause, unpause
from rung.errors import RungError
from rung.image import parse_changes

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rung.engine.container import Container
    from rung.engine.docker.call import Call
    from rung.engine.docker.routes import Table
    from rung.engine.engine import Engine

#: Commits that read and write the disk at the same time.
AT_ONCE = 4
#: ``parse_changes``'s names of fields -> the configuration's own
_FIELDS = {
    "cmd": "Cmd",
    "entrypoint": "Entrypoint",
    "env": "Env",
    "exposed_ports": "ExposedPorts",
    "labels": "Labels",
    "stop_signal": "StopSignal",
    "user": "User",
    "volumes": "Volumes",
    "working_dir": "WorkingDir",
}
#: What of a container's configuration is the run's and no image's.
_OF_THE_RUN = ("AttachStderr", "AttachStdin", "AttachStdout", "Image", "OpenStdin", "StdinOnce", "Tty")


def table(engine: Engine) -> Table:
    """The endpoints of this file."""

    turns = asyncio.Semaphore(AT_ONCE)

    async def commit_now(container: Container, asked: tuple[Any, ...], *, pauses: bool) -> str:
        if pauses:
            try:
                await pause(engine, container)
            except Conflict:  # it has ended meanwhile
                pauses = False
        try:
            with engine.counts.timed("commit"):
                return await engine.threads.apart("commits", _commit, engine, container, *asked)
        finally:
            if pauses:
                with suppress(Conflict):  # somebody has killed it
                    await unpause(engine, container)

    async def commit(call: Call) -> Answer:
        wanted = call.query.get("container", "")
        if not wanted:
            raise BadParameter('invalid name or ID supplied: ""')
        container = engine.containers.get(wanted)
        check_name(call.query.get("repo", ""), call.query.get("tag", ""))
        repository, tag = call.query.get("repo", ""), call.query.get("tag", "")
        name = f"{repository}:{tag}" if repository and tag else repository
        given = await call.document(CONTAINER) or {}
        try:
            config = configuration(container, given, call.all("changes"))
        except RungError as error:
            raise BadParameter(str(error)) from None
        words = {"author": call.query.get("author", ""), "comment": call.query.get("comment", "")}
        pauses = call.flag("pause", True) and container.state.status == "running" and _can_pause(engine)
        async with turns:  # before it is frozen: one whose turn has not come goes on
            made = await commit_now(container, (name, config, words), pauses=pauses)
        attributes = {**container.attributes(), "imageID": made, "imageRef": name, "comment": words["comment"]}
        engine.events.tell("container", "commit", container.id, attributes)
        return document({"Id": made}, 201)

    return {"POST /commit": commit}


def _can_pause(engine: Engine) -> bool:
    """An ordinary user's engine without cgroups cannot: the container goes on meanwhile."""
    return engine.outside is None or is_delegated()


def configuration(container: Container, given: dict[str, Any], changes: list[str]) -> dict[str, Any]:
    """The image's ``config``: the container's, what came with the request over it, and then the changes."""
    found = {key: value for key, value in container.config.items() if key not in _OF_THE_RUN and value}
    if found.get("Hostname") == container.short_id:
        del found["Hostname"]
    found.update({key: value for key, value in given.items() if value and key not in _OF_THE_RUN})
    for name, value in parse_changes(changes).items():
        if name not in _FIELDS:
            continue
        field = _FIELDS[name]
        plain: Any = list(value) if isinstance(value, tuple) else value
        if field in ("ExposedPorts", "Volumes"):  # sets, which Go writes as objects of nothing
            plain = {one: {} for one in value}
        elif field == "Labels":
            plain = dict(value)
        found[field] = {**(found.get(field) or {}), **plain} if isinstance(plain, dict) else plain
        if field == "Env":
            kept = {word.partition("=")[0]: word for word in [*(container.config.get("Env") or ()), *plain]}
            found[field] = list(kept.values())
    return found


def _commit(engine: Engine, container: Container, name: str, config: dict[str, Any], words: dict[str, str]) -> str:
    from tempfile import TemporaryFile

    from rung.engine.files.layer import pack_layer

    rootfs = engine.store.rootfs(container.id)
    if rootfs is None:
        raise EngineError(f"container {container.short_id} has lost its root file system")
    hidden = HIDDEN | {one["destination"] for one in container.mounts}
    with TemporaryFile(dir=engine.places.data) as layer:
        pack_layer(rootfs.changes, layer, hidden)
        layer.seek(0)
        command = " ".join(config.get("Cmd") or ())
        image = engine.store.get(container.image)
        made = engine.store.commit(image, layer, name, config, created_by=command, **words)
    return str(made.id)
