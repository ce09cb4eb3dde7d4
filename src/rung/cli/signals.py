"""Signals as something that a loop can wait for, and the numbers' names."""

from __future__ import annotations

from rung import posix

TYPE_CHECKING = False
if TYPE_CHECKING:
    import signal as _signal
    from types import TracebackType
    from typing import Any, Self
else:
    import _signal  # ``signal`` makes enumerations of it: a millisecond

#: What a client of a container passes on: not what the kernel says of the client itself (faults, CHLD, PIPE), nor
#: URG, TTIN, TTOU. WINCH becomes a new size.
NAMES = {
    1: "HUP", 2: "INT", 3: "QUIT", 10: "USR1", 12: "USR2", 14: "ALRM", 15: "TERM", 18: "CONT", 20: "TSTP",
}  # fmt: skip
WINCH = 28


class Signals:
    """While it is entered, the signals arrive at ``fd`` and do nothing else."""

    def __init__(self, numbers: tuple[int, ...]) -> None:
        self._numbers = numbers
        self._before: dict[int, Any] = {}

    def __enter__(self) -> Self:
        self.fd, self._write = posix.pipe2(posix.O_CLOEXEC | posix.O_NONBLOCK)
        self._wakeup = _signal.set_wakeup_fd(self._write)
        for number in self._numbers:
            self._before[number] = _signal.signal(number, lambda *_: None)
        return self

    def arrived(self) -> bytes:
        """The numbers, in order."""
        try:
            return posix.read(self.fd, 256)
        except BlockingIOError:
            return b""

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for number, before in self._before.items():
            _signal.signal(number, before if before is not None else _signal.SIG_DFL)
        _signal.set_wakeup_fd(self._wakeup)
        posix.close(self.fd)
        posix.close(self._write)
