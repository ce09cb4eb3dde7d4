"""What has been done and must not stay if the next thing fails.

``contextlib.ExitStack`` for code whose start-up counts: undo is registered at the
moment of doing, runs in reverse when the block is left by an exception, and is
forgotten by ``keep()``.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from types import TracebackType


class Undo:
    """A stack of things to take back.

    An undo that fails does not stop the ones below it; the first error that broke the
    block is the one that is raised, with the later ones noted on it."""

    def __init__(self) -> None:
        self._stack: list[tuple[Callable[..., object], tuple[object, ...]]] = []
        #: What undoing may need: closed when the block ends, however it ends.
        self.held = Closing()

    def push(self, function: Callable[..., object], *args: object) -> None:
        """Call ``function(*args)`` if the block fails."""
        self._stack.append((function, args))

    def adopt(self, other: Undo) -> None:
        """Undo as well what another block has done, which is left."""
        self._stack += other._stack
        other.keep()

    def keep(self) -> None:
        """All is well: nothing is to be undone any more."""
        self._stack.clear()

    def __enter__(self) -> Undo:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self.held:
            if error is not None:
                self._take_back(error)

    def _take_back(self, error: BaseException) -> None:
        while self._stack:
            function, args = self._stack.pop()
            try:
                function(*args)
            except Exception as failure:  # noqa: BLE001 - noted on the error that is on its way
                error.add_note(f"while undoing: {failure}")


class Closing:
    """Descriptors that are closed when the block ends, however it ends."""

    def __init__(self) -> None:
        self._fds: list[int] = []

    def add(self, fd: int) -> int:
        """Close ``fd`` at the end; returns it."""
        self._fds.append(fd)
        return fd

    def close(self, fd: int) -> None:
        """Close one of them now."""
        from rung import posix

        self._fds.remove(fd)
        posix.close(fd)

    def __enter__(self) -> Closing:
        return self

    def __exit__(self, *_: object) -> None:
        from rung import posix

        while self._fds:
            posix.close(self._fds.pop())
