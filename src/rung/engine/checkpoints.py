"""Checkpoints of a container: its processes as files, below its own directory or one that the client names.

Saving and restoring is the runtime's (``runtime/checkpoint``), asked through the shim; this file says where, and what
there is. Rule: a name is one word, so that no path leads elsewhere.
"""

from __future__ import annotations

import os
import re
import shutil

from rung.engine.errors import Conflict, EngineError
from rung.engine.shims.client import ShimRefused
from rung.spec.shim.bootstrap import CheckpointOptions
from rung.spec.shim.common import Anything

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.engine.container import Container
    from rung.engine.engine import Engine

OPTIONS_URL = "containerd.runc.v1.CheckpointOptions"
_CHARACTERS = "[a-zA-Z0-9][a-zA-Z0-9_.-]"
_NAME = re.compile(f"{_CHARACTERS}+")


def folder(engine: Engine, container: Container, given: str = "") -> str:
    """Where a container's checkpoints are; ``given``: a client's own directory."""
    return f"{given}/{container.id}/checkpoints" if given else f"{engine.places.bundle(container.id)}/checkpoints"


def names(engine: Engine, container: Container, given: str = "") -> list[str]:
    """Those that there are."""
    try:
        with os.scandir(folder(engine, container, given)) as found:
            return sorted(one.name for one in found if one.is_dir(follow_symlinks=False))
    except FileNotFoundError:
        return []


def find(engine: Engine, container: Container, name: str, given: str = "", *, called: str) -> str:
    """The directory of one. Raises ``EngineError``, which has the container as it is ``called``."""
    path = f"{folder(engine, container, given)}/{name}"
    if not _NAME.fullmatch(name) or not os.path.isdir(path):
        raise EngineError(f"checkpoint {name} does not exist for container {called}")
    return path


async def create(
    engine: Engine, container: Container, name: str, given: str = "", *, ends: bool, called: str
) -> None:
    """Save it; it goes on unless it ``ends`` by that."""
    running = engine.running.get(container.id)
    if running is None:
        raise Conflict(f"container {container.id} is not running")
    if container.terminal:
        raise EngineError("checkpoint not support on containers with tty")
    if not _NAME.fullmatch(name):
        raise EngineError(f"Invalid checkpoint ID ({name}), only {_CHARACTERS} are allowed")
    path = f"{folder(engine, container, given)}/{name}"
    before = f"cannot checkpoint container {called}"
    try:
        os.makedirs(path, 0o700)
    except FileExistsError:
        said = f"checkpoint with name {name} already exists for container {called}"
        raise EngineError(f"{before}: {said}") from None
    options = Anything(type_url=OPTIONS_URL, value=CheckpointOptions(exit=ends).encode())
    try:
        await running.client.call("Checkpoint", id=container.id, path=path, options=options)
    except ShimRefused as error:
        await engine.threads.own(shutil.rmtree, path)
        raise EngineError(f"{before}: {error}") from None
    engine.events.tell("container", "checkpoint", container.id, container.attributes())


def remove(path: str) -> None:
    """Take one away: what ``find`` has found."""
    shutil.rmtree(path)
