"""Leases: owners of what has been created on somebody's behalf; a lease's end removes what it owns.

A lease is bound to a connection (its client's: it ends when that is closed, however that happens), to a time, or to
neither (it is a record, and ends when it is deleted). Containers, networks and volumes name the lease that owns them in
their own records, so that no engine that is killed in between leaves one behind.

    kept     has a record in the database; ``rung lease ls`` shows it
    brief    of one connection and without a record: what it owns is removed when the engine starts again as well

Rule: whoever creates something under a lease calls ``settle`` when it is there: a lease that has ended meanwhile
takes it away at once. After a restart of the engine a kept lease of a connection is bound to the process that held it.
"""

from __future__ import annotations

import asyncio
import os
import sys
from time import time, time_ns

from rung.engine.errors import BadParameter, Conflict, NotFound
from rung.errors import RungError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator, Mapping
    from typing import Any

    from rung.engine.container import Container
    from rung.engine.engine import Engine

#: Containers of one lease that are removed at once.
AT_ONCE = 16
#: How long a kept lease of a connection outlives an engine where nobody knows whose process held it.
GRACE_S = 30.0
#: A container's removal is tried so often, where something else is done to it at the same time.
TRIES, PAUSE_S = 50, 0.1


class Lease:
    """One of them. Times are seconds since 1970; ``expires_s`` 0: never. ``holder``: pid and start time (clock ticks
    since boot) of the process whose connection it is bound to."""

    def __init__(
        self,
        id: str = "",
        *,
        labels: Mapping[str, str] | None = None,
        created_ns: int = 0,
        expires_s: float = 0.0,
        of_connection: bool = False,
        holder: tuple[int, int] | None = None,
    ) -> None:
        self.id = id or os.urandom(16).hex()
        self.labels = dict(labels or {})
        self.created_ns = created_ns or time_ns()
        self.expires_s, self.of_connection = expires_s, of_connection
        self.holder = tuple(holder) if holder else None
        self.is_brief = self.has_ended = False
        self.timer: asyncio.TimerHandle | None = None

    def document(self) -> dict[str, Any]:
        """What the database keeps."""
        names = ("id", "labels", "created_ns", "expires_s", "of_connection", "holder")
        return {name: getattr(self, name) for name in names}


class Leases:
    """All of one engine's."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._leases = {one["id"]: Lease(**one) for one in engine.database.all("lease")}

    def __iter__(self) -> Iterator[Lease]:
        return iter(sorted((one for one in self._leases.values() if not one.is_brief), key=lambda one: one.created_ns))

    def get(self, lease_id: str) -> Lease:
        """By its id, or the beginning of one. Raises ``NotFound``."""
        found = [one for one in self if lease_id and one.id.startswith(lease_id)]
        if len(found) != 1:
            raise NotFound(f"No such lease: {lease_id}" if not found else f"several leases begin with {lease_id}")
        return found[0]

    def create(
        self,
        *,
        labels: Mapping[str, str] | None = None,
        expires_in_s: float = 0.0,
        of_connection: bool = False,
        pid: int = 0,
    ) -> Lease:
        """A kept one. ``pid``: of the process at the other end of its connection, where that is known."""
        holder = _process(pid) if of_connection and pid else None
        lease = Lease(labels=labels, of_connection=of_connection, holder=holder)
        lease.expires_s = time() + expires_in_s if expires_in_s else 0.0
        self._engine.database.save("lease", lease.id, lease.document())
        self._leases[lease.id] = lease
        self._wind(lease)
        return lease

    def brief(self) -> Lease:
        """One of a connection that keeps no record."""
        lease = Lease(of_connection=True)
        lease.is_brief = True
        self._leases[lease.id] = lease
        return lease

    def renew(self, lease: Lease, expires_in_s: float) -> None:
        """Let it end so much later than now; 0: never by time."""
        lease.expires_s = time() + expires_in_s if expires_in_s else 0.0
        self._engine.database.save("lease", lease.id, lease.document())
        self._wind(lease)

    def hold(self, lease: Lease, pid: int) -> None:
        """A connection's lease has a new connection, of that process. Raises ``Conflict``."""
        if not lease.of_connection:
            raise Conflict(f"lease {lease.id} is bound to no connection")
        lease.holder = _process(pid) if pid else None
        self._engine.database.save("lease", lease.id, lease.document())

    def _wind(self, lease: Lease) -> None:
        if lease.timer is not None:
            lease.timer.cancel()
            lease.timer = None
        if lease.expires_s:
            loop = asyncio.get_running_loop()
            lease.timer = loop.call_later(max(0.0, lease.expires_s - time()), self.end_later, lease)

    # --- what it owns ------------------------------------------------------------------------

    def owned(self, lease: Lease) -> dict[str, list[str]]:
        """Ids of containers and networks, names of volumes."""
        engine = self._engine
        return {
            "containers": [one.id for one in engine.containers if one.lease == lease.id],
            "networks": [one.id for one in engine.networks if one.lease == lease.id],
            "volumes": [one.name for one in engine.volumes if one.lease == lease.id],
        }

    def settle(self, lease: Lease | None) -> None:
        """Something has been created under it: where it has ended meanwhile, that goes."""
        if lease is not None and lease.has_ended:
            self.end_later(lease)

    # --- the end -----------------------------------------------------------------------------

    def end_later(self, lease: Lease) -> None:
        """End it, in the background. An engine that stops ends none: it is its clients that are to have gone."""
        if not self._engine.is_stopping:
            self._engine.later(self.end(lease), f"ending lease {lease.id[:12]}")

    async def end(self, lease: Lease) -> None:
        """Remove what it owns, and then itself. What cannot be removed is said in the log, and belongs to nobody."""
        lease.has_ended = True
        if lease.timer is not None:
            lease.timer.cancel()
        owned, engine = self.owned(lease), self._engine
        turns = asyncio.Semaphore(AT_ONCE)

        async def one_by_one(container_id: str) -> None:
            async with turns:
                container = engine.containers.find(container_id)
                if container is not None:
                    await _tried(f"container {container_id[:12]}", self._remove_container(container))

        await asyncio.gather(*map(one_by_one, owned["containers"]))
        for network_id in owned["networks"]:
            await _tried(f"network {network_id[:12]}", self._remove_network(network_id))
        for name in owned["volumes"]:
            await _tried(f"volume {name}", self._remove_volume(name))
        if self._leases.pop(lease.id, None) is not None and not lease.is_brief:
            engine.database.remove("lease", lease.id)

    async def _remove_container(self, container: Container) -> None:
        from rung.engine.lifecycle.remove import remove

        for attempt in range(TRIES):
            try:
                await remove(self._engine, container, force=True, volumes=True)
                return
            except Conflict:  # it is removed, started or stopped at this moment
                if attempt == TRIES - 1:
                    raise
                await asyncio.sleep(PAUSE_S)
            if self._engine.containers.find(container.id) is not container:
                return

    async def _remove_network(self, network_id: str) -> None:
        await self._engine.networks.remove(self._engine.networks.get(network_id))

    async def _remove_volume(self, name: str) -> None:
        await self._engine.volumes.remove(self._engine.volumes.get(name))

    # --- after a start of the engine ------------------------------------------------------------

    async def resume(self) -> None:
        """What belongs to leases that are no more goes; those that are kept go on."""
        engine = self._engine
        known = set(self._leases)
        for lost in {one.lease for one in (*engine.containers, *engine.networks, *engine.volumes)} - known - {""}:
            lease = Lease(lost)
            lease.is_brief = True
            self.end_later(lease)
        for lease in list(self):
            if lease.of_connection:
                engine.later(self._outlive(lease), f"watching the holder of lease {lease.id[:12]}")
            else:
                self._wind(lease)

    async def _outlive(self, lease: Lease) -> None:
        """Until the process has ended that had its connection to the engine before."""
        holder = lease.holder
        if holder is None:
            await asyncio.sleep(GRACE_S)
        else:
            await _ended(*holder)
        if lease.holder == holder:  # nobody has taken it up meanwhile
            await self.end(lease)


def wanted(engine: Engine, text: str, brief: Callable[[], Lease]) -> tuple[Lease, bool]:
    """The lease of a request's header ``Rung-Lease: ID``, or ``connection`` (``brief()`` makes it), and whether it is
    to let go of a container that starts (``; until=start``). Raises ``BadParameter``, ``NotFound``."""
    name, *words = (part.strip() for part in text.split(";"))
    if not name or words not in ([], ["until=start"]):
        raise BadParameter(f"Rung-Lease: {text}: a lease is named by its id, or connection, and until=start may follow")
    lease = brief() if name == "connection" else engine.leases.get(name)
    if lease.has_ended:
        raise NotFound(f"No such lease: {name}")
    return lease, bool(words)


async def _tried(what: str, work: Awaitable[None]) -> None:
    try:
        await work
    except NotFound:
        return  # somebody has removed it
    except (RungError, OSError, TimeoutError) as error:
        print(f"rungd: a lease has ended, and its {what} stays: {error}", file=sys.stderr, flush=True)


def _process(pid: int) -> tuple[int, int] | None:
    """A process and when it was started (proc_pid_stat(5), field 22); None where it has ended."""
    try:
        with open(f"/proc/{pid}/stat") as file:
            return pid, int(file.read().rpartition(")")[2].split()[19])
    except (OSError, ValueError, IndexError):
        return None


async def _ended(pid: int, began: int) -> None:
    """Until that process has ended."""
    try:
        fd = os.pidfd_open(pid)
    except OSError:
        return
    try:
        if _process(pid) != (pid, began):
            return
        loop, over = asyncio.get_running_loop(), asyncio.Event()
        loop.add_reader(fd, over.set)
        try:
            await over.wait()
        finally:
            loop.remove_reader(fd)
    finally:
        os.close(fd)
