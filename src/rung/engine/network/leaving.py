"""Interfaces of runs that are over, until the kernel has taken them away.

A container's network namespace goes with its last process, and its end of each pair of interfaces with that: the kernel
does it aside, for many namespaces at once. Removing one by request waits for a grace period of the kernel's, ten
milliseconds and more, with all of rtnetlink held meanwhile. So nobody asks, unless a namespace lives on because
another container has joined it; an address is given to nobody else before its interface has gone.
"""

from __future__ import annotations

import asyncio

from rung.engine.network import links

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterable

    from rung.engine.threads import Threads

#: Between two looks, and how long the kernel is left to itself.
LOOK_S, PATIENCE_S = 0.02, 1.0


class Leaving:
    """``background``: begins a coroutine that goes on by itself."""

    def __init__(self, threads: Threads, background: Callable[[Coroutine[None, None, None], str], object]) -> None:
        self._threads, self._background = threads, background
        #: Interface -> when it was left, whose it was, and what is to be done when it has gone.
        self._interfaces: dict[str, tuple[float, str, Callable[[], None]]] = {}
        self._changed = asyncio.Condition()
        self._watched = False

    def add(self, container_id: str, interfaces: Iterable[str], gone: Callable[[str], None]) -> None:
        """A run of a container is over. ``gone(interface)`` is called for each."""
        now = asyncio.get_running_loop().time()
        for one in interfaces:
            self._interfaces[one] = now, container_id, lambda one=one: gone(one)  # type: ignore[misc]
        if self._interfaces and not self._watched:
            self._watched = True
            self._background(self._watch(), "waiting for interfaces to go")

    async def settled(self, container_id: str = "") -> None:
        """Until those of a container have gone, or of all."""
        async with self._changed:
            await self._changed.wait_for(lambda: not self._has(container_id))

    def _has(self, container_id: str) -> bool:
        return any(not container_id or whose == container_id for _, whose, _ in self._interfaces.values())

    async def _watch(self) -> None:
        loop = asyncio.get_running_loop()
        try:
            while self._interfaces:
                await asyncio.sleep(LOOK_S)
                late = [one for one, (since, _, _) in self._interfaces.items() if loop.time() > since + PATIENCE_S]
                there = await self._threads.own(_look, late)
                for one in [one for one in self._interfaces if one not in there]:
                    self._interfaces.pop(one)[2]()
                async with self._changed:
                    self._changed.notify_all()
        finally:
            self._watched = False


def _look(late: list[str]) -> frozenset[str]:
    """Which interfaces there are, when those that are late have been removed."""
    there = links.names()
    for one in late:
        if one in there:
            links.remove(one)
    return there - frozenset(late)
