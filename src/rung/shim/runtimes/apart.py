"""Rung's own runtime, its work done by a worker: the shim's memory stays small (``rung.shim.worker``).

What wants the shim's own process (a restore, a checkpoint: CRIU's), and what no worker takes, is done here.
"""

from __future__ import annotations

from rung.shim.runtimes import Checkpoint, Settings, Started
from rung.shim.worker.hands import Unserved, WorkerGone, ask

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rung.shim.runtimes.own import Own
    from rung.shim.stdio.streams import Ends


class Apart:
    """One container of Rung's runtime. ``settings.worker``: where workers are asked for."""

    name = "rung"

    def __init__(self, container_id: str, settings: Settings) -> None:
        self._id = container_id
        self._settings = settings
        self.parent = ""
        self._story = ""

    def _own(self) -> Own:
        from rung.shim.runtimes.own import Own

        own = Own(self._id, self._settings)
        own.parent = self.parent
        if self._story:
            own.keep_story(self._story)
        return own

    def _ask(self, operation: str, *arguments: Any, ends: Ends | None = None, **named: Any) -> Any:
        request: dict[str, Any] = {
            "operation": operation, "id": self._id, "settings": self._settings.__dict__, "parent": self.parent,
            "story": self._story, "arguments": arguments, "named": named,
        }
        fds: tuple[int, ...] = ()
        if ends is not None:
            request["terminal"] = ends.terminal
            fds = () if ends.terminal else (ends.stdin, ends.stdout, ends.stderr)
        try:
            found, console = ask(self._settings.worker, request, fds)
        except Unserved:
            given = arguments if ends is None else (*arguments, ends)
            return getattr(self._own(), operation)(*given, **named)
        return found if ends is None else Started(found, console)

    def create(self, bundle: str, ends: Ends, checkpoint: str = "") -> Started:
        if checkpoint:
            return self._own().create(bundle, ends, checkpoint)
        try:
            started: Started = self._ask("create", bundle, ends=ends)
        except WorkerGone:
            self._own().delete(force=True)
            raise
        return started

    def start(self) -> None:
        self._ask("start")

    def exec(self, process: dict[str, Any], ends: Ends) -> Started:
        started: Started = self._ask("exec", process, ends=ends)
        return started

    def kill(self, signal: int, *, all: bool) -> None:
        self._ask("kill", signal, all=all)

    def pause(self) -> None:
        self._ask("pause")

    def resume(self) -> None:
        self._ask("resume")

    def update(self, resources: dict[str, Any]) -> None:
        self._ask("update", resources)

    def checkpoint(self, options: Checkpoint) -> None:
        self._own().checkpoint(options)

    def pids(self) -> list[int]:
        found: list[int] = self._ask("pids")
        return found

    def stats(self) -> dict[str, Any]:
        found: dict[str, Any] = self._ask("stats")
        return found

    def delete(self, *, force: bool) -> None:
        try:
            self._ask("delete", force=force)
        except WorkerGone:  # it may have come to its end, or to its half
            self._own().delete(force=True)

    def keep_story(self, directory: str) -> None:
        self._story = directory  # goes along with what is asked next: the delete
