# Made by tools/unasync.py from the file of the same name in aio/.
"""A box for code that nobody trusts: a container that lives as long as the block, or this process.

Its first process (``init=``) reads the standard input that this client holds: whatever ends the client closes the
connection, the input ends, the process ends, and the engine removes the container; before it has started, a lease of
the connection on which it was created does (``rung.engine.leases``). It is a shell, because a first
process must reap what others leave, and begins again when the box's own kill hits the ``cat`` that reads for it.

A command that runs out of time is killed with everything else in the box, as the box's own user: nothing with
more rights than the code itself has is ever run from the box's files. What cannot be killed so takes the box with it.
"""

from __future__ import annotations

import contextlib
import time

from rung.client import tars, words
from rung.client.blocking.container import Container
from rung.client.blocking.containers import Containers
from rung.client.blocking.streams import Collected, Output
from rung.client.errors import ApiError, ClientError, Conflict, ExecFailed, NotFound, TooLarge

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any, Self, TypedDict, Unpack

    class Limits(TypedDict, total=False):
        """What a sandbox takes beside its image."""

        memory: str | int
        cpus: float
        pids: int
        network: str
        timeout: float | None
        user: str
        workdir: str
        environment: Mapping[str, str]
        output_limit: int
        init: Sequence[str]
        options: words.CreateWords


#: Seconds for the box's own errands: killing what is left of a command.
_ERRAND_S = 30.0
_INIT = ("sh", "-c", "until cat; do :; done")
_KILL_ALL = ["sh", "-c", "kill -9 -1"]


class Sandbox:
    """``with`` opens and removes it. ``timeout`` is for each command, in seconds; ``output_limit`` bytes of each
    of its streams are kept; ``options`` are words of ``containers.create``, for what has no word here."""

    def __init__(
        self,
        containers: Containers,
        image: str,
        *,
        memory: str | int = "512m",
        cpus: float = 1.0,
        pids: int = 256,
        network: str = "none",
        timeout: float | None = 60.0,
        user: str = "",
        workdir: str = "",
        environment: Mapping[str, str] | None = None,
        output_limit: int = 16 << 20,
        init: Sequence[str] = _INIT,
        options: words.CreateWords | None = None,
    ) -> None:
        self._containers, self._image = containers, image
        self._timeout, self._output_limit = timeout, output_limit
        self._asked: dict[str, Any] = {
            "entrypoint": list(init),
            "mem_limit": memory,
            "memswap_limit": memory,
            "nano_cpus": int(cpus * 1e9),
            "pids_limit": pids,
            "network": network,
            "user": user,
            "working_dir": workdir,
            "environment": environment,
            "cap_drop": ["ALL"],
            "security_opt": ["no-new-privileges"],
            "stdin_open": True,
            "stdin_once": True,
            "auto_remove": True,
            "log_config": {"Type": "none"},
            **(options or {}),
        }
        self._container: Container | None = None
        self._life: Output | None = None
        self.files = Files(self)

    @property
    def container(self) -> Container:
        """The box as a container. Raises ``ClientError`` where it is not open."""
        if self._container is None:
            raise ClientError("use", f"the sandbox of {self._image}", "it is not open")
        return self._container

    def __enter__(self) -> Self:
        asked: Any = self._asked
        made, held = self._containers.create_held(self._image, [], asked, until_start=True)
        with held:  # up to the start, which the end of this connection would forestall
            self._container = self._containers.known(made)
            try:
                self._life = self._container.attach(stdin=True, stdout=False, stderr=False)
                self._container.start()
            except BaseException:
                self.close()
                raise
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()

    def close(self) -> None:
        """Remove it. Leaving the block does."""
        container, self._container = self._container, None
        life, self._life = self._life, None
        try:
            if container is not None:
                with contextlib.suppress(NotFound, Conflict):  # it is being removed by itself
                    container.remove(force=True, v=True)
        finally:
            if life is not None:
                life.close()

    def exec(
        self,
        argv: str | Sequence[str],
        *,
        check: bool = False,
        input: bytes | str | None = None,
        timeout: float | None = None,
        environment: Mapping[str, str] | None = None,
        workdir: str | None = None,
    ) -> words.Result:
        """Run a command in it. ``timeout``: other than the box's. ``check``: raises ``ExecFailed`` where it fails."""
        command = words.argv(argv)
        limit_s = self._timeout if timeout is None else timeout
        kept = Collected(self._output_limit)
        begun = time.monotonic()
        deadline = None if limit_s is None else begun + limit_s
        exit_code: int | None = None
        asks: dict[str, Any] = {"environment": environment, "workdir": workdir, "stdin": input is not None}
        with self.container.exec_open(command, **asks) as run:
            try:
                if input is not None:
                    run.output.feed(input.encode() if isinstance(input, str) else input)
                run.output.collect(kept, deadline)
                exit_code = run.exit_code()
            except TimeoutError:
                self._kill_everything()
        duration_s = time.monotonic() - begun
        result = words.Result(exit_code, kept.stdout, kept.stderr, duration_s, exit_code is None, kept.truncated)
        if check and result.exit_code != 0:
            raise ExecFailed(command, result)
        return result

    def _kill_everything(self) -> None:
        try:
            with self.container.exec_open(_KILL_ALL) as run:
                run.output.collect(Collected(0), time.monotonic() + _ERRAND_S)
                if run.exit_code() in (0, 137):
                    return
        except (ApiError, TimeoutError):
            pass
        self.close()


class Files:
    """Files of the box, read and written through the engine: no program of the box is trusted with it."""

    def __init__(self, box: Sandbox) -> None:
        self._box = box

    def write(self, path: str, data: bytes | str, *, mode: int = 0o644) -> None:
        """A file, made or overwritten; its folder is there already."""
        folder, _, name = path.rpartition("/")
        content = data.encode() if isinstance(data, str) else data
        self._box.container.put_archive(folder or "/", tars.packed(name, content, mode))

    def read(self, path: str, *, limit: int = 64 << 20) -> bytes:
        """What a file holds. Raises ``NotFound``, and ``TooLarge`` beyond ``limit`` bytes."""
        found = tars.only_file(self._archive(path, limit))
        if found is None:
            raise ClientError("read", path, "it is no file")
        return found

    def list(self, path: str = "/", *, limit: int = 64 << 20) -> list[tars.Entry]:
        """What is in a folder. Raises ``NotFound``, and ``TooLarge`` where all of it has more than ``limit`` bytes."""
        return tars.listed(self._archive(path, limit))

    def _archive(self, path: str, limit: int) -> bytes:
        pieces, _ = self._box.container.get_archive(path)
        data = pieces.read(limit)
        if len(data) > limit:
            raise TooLarge("read", path, f"more than {limit} bytes")
        return data


def sandbox(image: str, *, base_url: str | None = None, **limits: Unpack[Limits]) -> Sandbox:
    """``with sandbox("python", memory="256m", timeout=5) as box``."""
    from rung.client.blocking.client import Client

    return Client(base_url).sandbox(image, **limits)
