"""What ``rung explain`` tells of containers of the engine: kept a directory each, below the run directory.

    RUN/stories/ID/spans    of clients, requests and the engine's own steps       (this file)
                   shim     of the container's shims                              (shim/story.py)
                   plan, trace   of the last run's runtime and rung-init, once it is over; before, the runtime has them

Rule: nothing is written before a request is answered: spans are collected, and written a moment later by a thread.
Bounded: ``LIMIT_BYTES`` a container, ``KEPT`` containers beyond those that are there. A story that is lost (the engine
was killed, the disk is full) costs nobody more than the story.
"""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from time import monotonic_ns, time_ns

from rung import jsonc
from rung.engine.errors import NotFound
from rung.engine.telemetry import Export
from rung.record import Record
from rung.trace.spans import CLIENT, ENGINE, Node, Root, enter, leave
from rung.trace.w3c import client_of, parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from rung.engine.engine import Engine

KEPT = 50
LIMIT_BYTES = 128 << 10
FLUSH_S = 0.2
_ID_DIGITS = frozenset("0123456789abcdef")


class Told(Record):
    """A story. ``epoch_ns``: when the monotonic clock's zero was, since 1970."""

    id: str
    name: str
    epoch_ns: int
    nodes: list[Node]


class Stories:
    """One engine's."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._path = engine.places.stories
        self._new: dict[str, list[Node]] = {}
        self._names: dict[str, str] = {}
        self._due = False
        #: Measured once, so that a span that is told twice is the same.
        self._epoch_ns = time_ns() - monotonic_ns()
        self._export = Export(engine.settings.otlp) if engine.settings.otlp else None

    def take(self, root: Root, agent: str = "", state: str = "") -> None:
        """A request is over. ``agent`` and ``state``: what its client says of itself."""
        if not root.subject:
            return
        nodes = self._new.setdefault(root.subject, [])
        if not nodes and (name := self._engine.containers.name_of(root.subject)):
            self._names[root.subject] = name
        nodes += root.ended
        client = _client(root, agent, state)
        if client is not None:
            nodes.append(client)
        if not self._due:
            self._due = True
            self._engine.later(self._flush_soon(), "writing stories")

    @contextmanager
    def telling(self, what: str, container_id: str, object: str = "", after: str = "") -> Iterator[None]:
        """Something that the engine does for a container unasked. ``after``: the ``traceparent`` of what led to it."""
        root = Root(what, parse(after))
        root.layer, root.object = ENGINE, object
        root.about(container_id)
        enter(root)
        try:
            yield
        finally:
            leave()
            root.close()
            self.take(root)

    async def _flush_soon(self) -> None:
        from asyncio import sleep

        await sleep(FLUSH_S)
        await self.flush()

    async def flush(self) -> None:
        """Write what is new."""
        self._due = False
        if self._new:
            await self._engine.threads.own(self._write, *self._taken())

    def flush_now(self) -> None:
        """The same, from the end of the engine."""
        if self._new:
            self._write(*self._taken())

    def _taken(self) -> tuple[dict[str, list[Node]], dict[str, str], set[str]]:
        """What is to be written, the names of those that it is of, and which containers there are."""
        taken = self._new, self._names, self._engine.containers.ids()
        self._new, self._names = {}, {}
        return taken

    def _write(self, new: dict[str, list[Node]], names: dict[str, str], living: set[str]) -> None:
        for container_id, nodes in new.items():
            try:
                _append(f"{self._path}/{container_id}", nodes, names.get(container_id, ""))
                if self._export is not None:
                    self._export.take(self._story(container_id, calls=False), over=container_id not in living)
            except OSError:
                continue
        if not new.keys() <= living:
            self._prune(living)

    def _prune(self, living: set[str]) -> None:
        gone = [name for name in _listed(self._path) if name not in living]
        gone.sort(key=lambda name: -_changed(f"{self._path}/{name}"))
        for name in gone[KEPT:]:
            shutil.rmtree(f"{self._path}/{name}", ignore_errors=True)

    # --- telling --------------------------------------------------------------------------

    async def tell(self, wanted: str, *, calls: bool = False) -> Told:
        """The story of a container that is there or was; of the last one where none is named. Raises ``NotFound``."""
        await self.flush()
        return await self._engine.threads.own(self._read, wanted, calls)

    def _read(self, wanted: str, calls: bool) -> Told:
        return self._story(self._find(wanted), calls=calls)

    def _story(self, found: str, *, calls: bool) -> Told:
        from rung.runtime import nodes as made

        directory = f"{self._path}/{found}"
        nodes = [*_nodes(f"{directory}/spans"), *_nodes(f"{directory}/shim")]
        plan, trace = self._recorded(found, directory)
        nodes += made(plan, trace, calls=calls)
        return Told(found, _name(directory), self._epoch_ns, nodes)

    def _recorded(self, container_id: str, directory: str) -> tuple[bytes, bytes]:
        """Of the run that is, or was the last."""
        from rung.errors import RungError
        from rung.runtime import Runtime

        try:
            return Runtime(f"{self._engine.places.runtime}/rung").get(container_id).explanation()
        except (RungError, OSError):
            return _read(f"{directory}/plan"), _read(f"{directory}/trace")

    def _find(self, wanted: str) -> str:
        if wanted:
            try:
                return self._engine.containers.get(wanted).id
            except NotFound:
                pass
        there = sorted(_listed(self._path), key=lambda name: -_changed(f"{self._path}/{name}"))
        if not wanted and there:
            return there[0]
        for name in there:
            if wanted and (name.startswith(wanted) or _name(f"{self._path}/{name}") == wanted.removeprefix("/")):
                return name
        said = f"nothing is recorded of container {wanted}" if wanted else "nothing is recorded of any container"
        raise NotFound(f"{said}: the engine keeps the last {KEPT} beyond those that are there")


def _client(root: Root, agent: str, state: str) -> Node | None:
    """The span of who has sent a request, where nobody else has recorded it."""
    said = client_of(state) if root.sent is not None else None
    if root.layer == ENGINE or (root.sent is not None and said is None):
        return None
    name, began_ns = (said.name, min(said.began_ns, root.began_ns)) if said else (agent or "client", root.began_ns)
    return Node(CLIENT, root.trace_id, root.parent_id, "", name, "", "", began_ns, root.ended[-1].ended_ns, "")


def _append(directory: str, nodes: Iterable[Node], name: str) -> None:
    os.makedirs(directory, mode=0o700, exist_ok=True)
    path = f"{directory}/spans"
    if name and not os.path.exists(f"{directory}/name"):
        with open(f"{directory}/name", "w") as file:
            file.write(name)
    with open(path, "ab") as data:
        data.write(b"".join(jsonc.dumps(node.row()).encode() + b"\n" for node in nodes))
        size = data.tell()
    if size > LIMIT_BYTES:
        kept = _read(path)[-LIMIT_BYTES // 2 :].partition(b"\n")[2]
        with open(f"{path}.new", "wb") as data:
            data.write(kept)
        os.rename(f"{path}.new", path)


def _nodes(path: str) -> Iterator[Node]:
    for line in _read(path).splitlines():
        try:
            yield Node(*jsonc.loads(line))
        except (ValueError, TypeError):  # cut off where its writer was killed
            continue


def _name(directory: str) -> str:
    return _read(f"{directory}/name").decode(errors="replace")


def _read(path: str) -> bytes:
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError:
        return b""


def _listed(path: str) -> list[str]:
    try:
        return [name for name in os.listdir(path) if len(name) == 64 and _ID_DIGITS.issuperset(name)]
    except FileNotFoundError:
        return []


def _changed(path: str) -> int:
    try:
        return os.stat(f"{path}/spans").st_mtime_ns
    except OSError:
        return 0
