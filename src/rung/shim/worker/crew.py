"""A worker's life: threads that each wait for a request, until the zygote has gone.

Rule: a thread that takes a request leaves another one waiting: a container whose hook, file system or cgroup does not
answer is in nobody's way. What has been begun is finished.
"""

from __future__ import annotations

import gc
from _signal import SIG_DFL, SIGCHLD, signal  # type: ignore[import-not-found]
from _socket import AF_UNIX, SOCK_SEQPACKET, socket
from _thread import allocate_lock, start_new_thread
from select import POLLIN, poll
from time import sleep

from rung import posix
from rung.kernel.heap import keep_heap_small
from rung.shim.worker.brain import serve

THREADS_MAX = 32
#: Where all of those are busy, and none has ended within so many milliseconds, as many more begin; up to so many.
STALLED_MS, THREADS_LIMIT = 100, 512
#: As ``ps`` shows it (proc_pid_comm(5)).
NAME = "rung-worker"
#: What containers of the engine's need seldom, or commands alone, is not kept in memory.
RARE = (
    "rung.kernel.idmap",
    "rung.runtime.cli",
    "rung.runtime.warm.server",
    "rung.runtime.warm.worker",
    "rung.spec.cdi",
    "rung.spec.plain_yaml",
    "rung.spec.runtime.config",
)
_FINISHING_S = 0.02


def work(listening: socket, zygote: socket) -> None:
    """Be a worker until the other end of ``zygote`` has gone. Requests wait until everything is imported."""
    import rung
    from rung.runtime import import_all, sealed_init

    signal(SIGCHLD, SIG_DFL)
    keep_heap_small()
    _be_called(NAME)
    posix.chdir("/")  # what the engine was started in is nobody's to hold
    sealed_init()
    import_all(posix.dirname(posix.dirname(rung.__file__)), RARE)
    gc.collect()
    gc.freeze()
    Crew(listening).run(zygote)


def _be_called(name: str) -> None:
    fd = posix.open("/proc/self/comm", posix.O_WRONLY | posix.O_CLOEXEC)
    try:
        posix.write(fd, name.encode())
    finally:
        posix.close(fd)


class Crew:
    """The threads of this process."""

    def __init__(self, listening: socket) -> None:
        self._listening = listening
        self._lock = allocate_lock()
        self._threads = self._busy = self._done = 0
        self._full_reader, self._full_writer = posix.pipe2(posix.O_CLOEXEC | posix.O_NONBLOCK)

    def run(self, zygote: socket) -> None:
        """Returns when the zygote has gone and nothing is being done any more."""
        self._hire()
        waiting = poll()
        waiting.register(zygote.fileno(), POLLIN)
        waiting.register(self._full_reader, POLLIN)
        done = -1
        while zygote.fileno() not in (found := dict(waiting.poll(STALLED_MS if self._is_full else None))):
            if self._full_reader in found:
                posix.read(self._full_reader, 4096)
            elif done == self._done:  # all of them wait for something that does not come
                with self._lock:
                    for _ in range(THREADS_MAX):
                        self._hire()
            done = self._done
        while self._busy:
            sleep(_FINISHING_S)

    @property
    def _is_full(self) -> bool:
        return THREADS_MAX <= self._busy == self._threads < THREADS_LIMIT

    def _say_full(self) -> None:
        try:
            posix.write(self._full_writer, b".")
        except BlockingIOError:
            return  # it has been said

    def _hire(self) -> None:
        self._threads += 1
        start_new_thread(self._work, ())

    def _work(self) -> None:
        leaves = False
        try:
            while not leaves:
                connection = self._accepted()
                try:
                    serve(connection)
                finally:
                    connection.close()
                    with self._lock:
                        self._busy -= 1
                        self._done += 1
                        leaves = self._threads > THREADS_MAX  # it was hired for one operation
                        self._threads -= leaves
        finally:  # a bug, which Python prints: it has cost one operation and this thread, and another one goes on
            if not leaves:
                self._replace()

    def _replace(self) -> None:
        with self._lock:
            self._threads -= 1
            self._hire()

    def _accepted(self) -> socket:
        while True:
            try:
                fd, _ = self._listening._accept()  # type: ignore[attr-defined]
            except OSError:  # who asked has gone (ECONNABORTED), or there are no more descriptors for now
                sleep(_FINISHING_S)
                continue
            with self._lock:
                self._busy += 1
                if self._busy == self._threads < THREADS_MAX:
                    self._hire()
                elif self._is_full:
                    self._say_full()
            return socket(AF_UNIX, SOCK_SEQPACKET, 0, fd)
