"""One engine: its parts, put together, and its life from start to stop.

Rule: this file makes and joins; what a part does stands in the part's own file. Operations on containers are functions
of ``lifecycle/`` that take the engine.
"""

from __future__ import annotations

import asyncio
import os
from contextvars import copy_context

from rung.engine.counts import Counts
from rung.engine.database import Database
from rung.engine.errors import EngineError
from rung.engine.events import Events
from rung.engine.files.shown import Shown
from rung.engine.leases import Leases
from rung.engine.network.networks import Networks
from rung.engine.registry import Containers
from rung.engine.remap import directory, is_remapped, remapped
from rung.engine.shims.zygote import Zygote
from rung.engine.stories import Stories
from rung.engine.threads import Threads
from rung.engine.volumes import Volumes
from rung.engine.waiting import Waiting
from rung.image import Store
from rung.kernel.idmap import user_namespace
from rung.trace.spans import leave

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Coroutine
    from typing import Any

    from rung.engine.container import Container
    from rung.engine.execs import Exec
    from rung.engine.network.ports import Host
    from rung.engine.places import Places
    from rung.engine.remap import Ids
    from rung.engine.running import Running
    from rung.engine.serving.settings import Settings
    from rung.image import Image

#: Programs that reap and pass signals on (``--init``): Docker's own names for tini and catatonit.
INITS = ("/usr/libexec/docker/docker-init", "/usr/bin/docker-init", "/usr/bin/tini-static", "/usr/bin/catatonit")
#: Between two tries to write down what there was no room for.
PAY_S = 1.0


class Engine:
    """See the module."""

    def __init__(self, places: Places, settings: Settings | None = None, outside: Host | None = None) -> None:
        from rung.engine.serving.settings import Settings

        #: The host's network, where this one is not it (an ordinary user's engine).
        self.outside = outside
        #: IDs of containers that are not in the host's user namespace; None: all are.
        self.remap = remapped(settings.userns_remap) if settings is not None and settings.userns_remap else None
        self._owners = -1
        if self.remap is not None:
            places = places.replace(data=directory(places.data, self.remap))
        places.make()
        self.places = places
        for path in (places.containers, places.volumes):
            if self.remap is not None:
                os.chown(path, 0, self.remap.root[1])
        #: What it was told; replaced as a whole when it is told anew.
        self.settings = settings or Settings(data=places.data, run=places.run, cgroup=places.cgroup)
        self.database = Database(places.database)
        self.store = Store(places.data)
        self.events = Events()
        self.counts = Counts()
        self.containers = Containers(self.database)
        self.containers.owing = self._owe
        self._owes = False
        self.threads = Threads()
        self.zygote = Zygote(places.workers)
        self.stories = Stories(self)
        self.shown = Shown(self)
        self.networks = Networks(self)
        self.volumes = Volumes(self)
        self.leases = Leases(self)
        #: Images that containers were made of, by how they were asked for.
        self.images_known: dict[str, Image] = {}
        #: Those that have a shim, by id.
        self.running: dict[str, Running] = {}
        #: Containers whose last run's shim is still ending, by id.
        self.ending: dict[str, asyncio.Task[None]] = {}
        #: Execs of containers that run, by id.
        self.execs: dict[str, Exec] = {}
        self.loop: asyncio.AbstractEventLoop | None = None
        self._waiting: dict[str, Waiting] = {}
        self._early: dict[str, list[Callable[[str], Awaitable[None]]]] = {}
        self._tasks: set[asyncio.Task[Any]] = set()
        self.is_stopping = False

    async def start(self) -> None:
        """Be ready: the zygote is warm, and what the database says is what is true."""
        from rung.engine.lifecycle.reconcile import reconcile

        self.loop = asyncio.get_running_loop()
        await self.zygote.start()
        await reconcile(self)
        await self.networks.resume()
        await self.leases.resume()

    async def stop(self) -> None:
        """End; containers and leases go on."""
        self.is_stopping = True
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        for running in self.running.values():
            running.client.close()
        self.stories.flush_now()
        await self.networks.stop()
        await self.zygote.close()
        self.threads.close()
        self.store.close()
        self.database.close()

    def ids(self, container: Container) -> Ids | None:
        """Its IDs, where it is in a user namespace."""
        return self.remap if self.remap is not None and is_remapped(container.host) else None

    def owners(self, container: Container) -> int:
        """The user namespace whose files its files are shown as: a descriptor, -1 for the host's."""
        ids = self.ids(container)
        if ids is None:
            return -1
        if self._owners < 0:
            self._owners = user_namespace(ids.uids, ids.gids)
        return self._owners

    def give(self, container: Container, path: str, *, group_only: bool = False) -> None:
        """A file of the engine's is the container's root's, or its group's."""
        ids = self.ids(container)
        if ids is not None:
            os.chown(path, -1 if group_only else ids.root[0], ids.root[1])

    def init_program(self) -> str:
        """What is process 1 of a container that wants an init (``--init``). Raises ``EngineError``."""
        for path in INITS:
            if os.access(path, os.X_OK):
                return path
        raise EngineError(f"no init program: install one of {', '.join(INITS)}")

    def waiting(self, container_id: str) -> Waiting:
        """Those that wait for something of a container."""
        return self._waiting.setdefault(container_id, Waiting())

    def forget_waiting(self, container_id: str) -> None:
        """It is gone: nobody can wait for it any more."""
        self._waiting.pop(container_id, None)
        self._early.pop(container_id, None)

    def join_early(self, container_id: str, join: Callable[[str], Awaitable[None]]) -> None:
        """A client that wants a container's streams before it has any: called with the attach socket's path."""
        self._early.setdefault(container_id, []).append(join)

    async def joins(self, container_id: str, path: str) -> None:
        """A container has its streams: early clients get them."""
        if early := self._early.pop(container_id, ()):
            await asyncio.gather(*(join(path) for join in early))

    def call_soon(self, work: Callable[..., object], *args: object) -> None:
        """Something for the engine's own thread, from any."""
        assert self.loop is not None
        self.loop.call_soon_threadsafe(work, *args)

    def tell_later(self, kind: str, action: str, id: str, attributes: dict[str, str]) -> None:
        """An event, told from a thread."""
        self.call_soon(self.events.tell, kind, action, id, attributes)

    def later(self, work: Coroutine[Any, Any, Any], what: str) -> asyncio.Task[Any]:
        """Something that goes on by itself. If it fails that is a bug, and is said."""
        aside = copy_context()
        aside.run(leave)  # it is no part of the request that it goes on from
        task = asyncio.get_running_loop().create_task(work, name=what, context=aside)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _owe(self) -> None:
        if not self._owes:
            self._owes = True
            self.later(self._pay(), "writing down what there was no room for")

    async def _pay(self) -> None:
        """What has happened and could not be written down is tried again, until it can."""
        while not self.containers.save_rest():
            await asyncio.sleep(PAY_S)
        self._owes = False

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            asyncio.get_running_loop().call_exception_handler(
                {"message": f"{task.get_name()} failed", "exception": error, "task": task}
            )
