"""Signals by name, and passing on those that we get to a process that we wait for.

The C module ``_signal`` serves: ``signal`` builds enumerations and costs 4 ms.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]

from rung.errors import RungError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import FrameType
    from typing import Any

#: Not passed on: about our own children, terminal and pipes; faults of our own; Python's.
OURS = frozenset(
    (
        _signal.SIGCHLD,
        _signal.SIGURG,
        _signal.SIGPIPE,
        _signal.SIGWINCH,
        _signal.SIGTTIN,
        _signal.SIGTTOU,
        _signal.SIGSEGV,
        _signal.SIGBUS,
        _signal.SIGFPE,
        _signal.SIGILL,
        _signal.SIGKILL,
        _signal.SIGSTOP,
    )
)


def signal_number(text: str) -> int:
    """The signal of ``9``, ``KILL``, ``sigkill`` or ``RTMIN+3``. Raises RungError."""
    if text.lstrip("-").isdecimal():
        return int(text)
    name = text.upper()
    name, plus, offset = (name if name.startswith("SIG") else f"SIG{name}").partition("+")
    found = getattr(_signal, name, None)
    if not isinstance(found, int) or name.startswith("SIG_") or (plus and not offset.isdecimal()):
        raise RungError("unknown signal", f'"{text}"', "", "use a number or a name like TERM")
    return int(found) + int(offset or "0")


class Forwarder:
    """Signals that come to this process go to the one that it waits for.

    What comes before there is one is kept and delivered then. Signals that our caller
    ignores (``nohup``) stay ignored."""

    def __init__(self) -> None:
        self._pidfd = -1
        self._kept: list[int] = []
        self._before: list[tuple[int, Any]] = []
        for signal in range(1, _signal.NSIG):
            if signal not in OURS and signal not in (32, 33):  # those two are libc's own
                self._catch(signal)

    def _catch(self, signal: int) -> None:
        before = _signal.getsignal(signal)
        if before != _signal.SIG_IGN:
            _signal.signal(signal, self._receive)
            self._before.append((signal, before))

    def _receive(self, signal: int, _frame: FrameType | None) -> None:
        if self._pidfd < 0:
            self._kept.append(signal)
            return
        try:
            _signal.pidfd_send_signal(self._pidfd, signal)
        except ProcessLookupError:
            return  # it has just ended, which its waiter is about to learn

    def send_to(self, pidfd: int) -> None:
        """From now on signals go to this process."""
        self._pidfd = pidfd
        while self._kept:
            self._receive(self._kept.pop(0), None)

    def stop(self) -> None:
        """Signals do again what they did before."""
        while self._before:
            _signal.signal(*self._before.pop())
        self._pidfd = -1
