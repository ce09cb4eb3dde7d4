"""The zygote as the engine sees it: started with the engine, asked for shims, started again if it ends."""

from __future__ import annotations

import asyncio
import os
import socket
import sys

from rung import jsonc
from rung.engine.errors import EngineError
from rung.shim import Keep, listen

TYPE_CHECKING = False
if TYPE_CHECKING:
    from asyncio.subprocess import Process

_FD = 3
START_S = 30.0
#: One that has not forked, or ended, within this is stopped, and killed.
FORK_S, END_S = 20.0, 20.0
#: A zygote that is killed is started again; one that ends by itself each time has something wrong with it.
_TRIES = 3


class Zygote:
    """One process. ``fork`` starts it where it does not run. ``workers``: the socket where its shims find a worker."""

    def __init__(self, workers: str) -> None:
        self._workers = workers
        self._connection: socket.socket | None = None
        self._process: Process | None = None
        self._turn = asyncio.Lock()
        #: Descriptors that what it forks may have open, until it is told otherwise (setrlimit(2)); None: as many as we.
        self.nofile: int | None = None

    async def start(self) -> None:
        """Be ready to fork."""
        async with self._turn:
            await self._start()

    async def _start(self) -> socket.socket:
        if self._connection is not None:
            return self._connection
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            words = [sys.executable, "-IS", "-Xutf8", "-c", _PROGRAM, _home(), str(theirs.fileno()), self._workers]
            words += [] if self.nofile is None else [str(self.nofile)]
            self._process = await asyncio.create_subprocess_exec(
                *words, pass_fds=[theirs.fileno()], stdin=asyncio.subprocess.DEVNULL, start_new_session=True
            )
        ours.setblocking(False)
        try:
            ready = await asyncio.wait_for(asyncio.get_running_loop().sock_recv(ours, 64), START_S)
        except TimeoutError:
            self._kill()
            ready = b""
        if ready != b"ready":
            ours.close()
            raise EngineError("the zygote has not come up")
        self._connection = ours
        return ours

    async def fork(self, wanted: Keep) -> int:
        """A new shim that listens at ``wanted.socket``: its pid, 0 where the zygote was killed before it could say."""
        async with self._turn:
            for _ in range(_TRIES):
                pid = await self._fork(wanted)
                if pid or _listens(wanted.socket):
                    return pid
            raise EngineError("the zygote ends whenever it is asked: see the engine's log")

    async def _fork(self, wanted: Keep) -> int:
        connection = await self._start()
        listening = _listen(wanted.socket)
        try:
            message = jsonc.dumps(wanted.__dict__).encode()
            socket.send_fds(connection, [message], [listening])
            async with asyncio.timeout(FORK_S):
                answer = await asyncio.get_running_loop().sock_recv(connection, 64)
        except ConnectionError:  # it was killed
            answer = b""
        except TimeoutError:  # it is stopped
            self._kill()
            answer = b""
        finally:
            os.close(listening)
        if not answer:
            await self._forget()
        return int(answer or 0)

    async def _forget(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
        if self._process is not None:
            try:
                await asyncio.wait_for(self._process.wait(), END_S)
            except TimeoutError:
                self._kill()
                await self._process.wait()
            self._process = None

    def _kill(self) -> None:
        if self._process is not None and self._process.returncode is None:
            self._process.kill()

    async def close(self) -> None:
        """It ends; its shims do not."""
        await self._forget()


def _listens(path: str) -> bool:
    """Whether a shim has the listening socket: it was forked before the zygote was killed."""
    with socket.socket(socket.AF_UNIX) as found:
        try:
            found.connect(path)
        except OSError:
            return False
    return True


def _listen(path: str) -> int:
    try:
        os.unlink(path)  # a dead shim's
    except FileNotFoundError:
        pass
    return listen(path)


_PROGRAM = """
import resource, sys
for soft in sys.argv[4:]:
    resource.setrlimit(resource.RLIMIT_NOFILE, (int(soft), resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
sys.path.append(sys.argv[1])
from rung.shim.zygote import main
main(int(sys.argv[2]), sys.argv[3])
"""


def _home() -> str:
    """The directory that holds ``rung/``."""
    import rung

    return os.path.dirname(os.path.dirname(rung.__file__))
