"""Progress of long work: bars on a terminal, one line for each change in a pipe.

Rule: nothing is drawn more often than ten times a second; what was drawn last is true.
"""

from __future__ import annotations

import shutil
import sys
import threading
from time import monotonic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import TracebackType
    from typing import TextIO

    from rung.image import Event

_EVERY_S = 0.1
_BAR = 30


class Lines:
    """For pipes and files: a line whenever something enters another state."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self._states: dict[str, str] = {}
        self._lock = threading.Lock()

    def __enter__(self) -> Lines:
        return self

    def __call__(self, event: Event) -> None:
        with self._lock:
            if event.id and self._states.get(event.id) == event.text:
                return
            self._states[event.id] = event.text
            print(f"{event.id}: {event.text}" if event.id else event.text, file=self.stream, flush=True)

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass


class Bars:
    """For terminals: a line for each layer, redrawn in place; messages above them."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self._events: dict[str, Event] = {}
        self._drawn = 0
        self._next = 0.0
        self._lock = threading.Lock()

    def __enter__(self) -> Bars:
        return self

    def __call__(self, event: Event) -> None:
        with self._lock:
            if not event.id:
                self._draw(event.text)
                return
            before = self._events.get(event.id)
            if event.text.startswith("note:"):
                self._draw(f"{event.id}: {event.text}")
                return
            self._events[event.id] = event
            if before is None or before.text != event.text or monotonic() >= self._next:
                self._draw()

    def _draw(self, message: str | None = None) -> None:
        columns = shutil.get_terminal_size().columns
        out = [f"\x1b[{self._drawn}A"] if self._drawn else []
        if message is not None:
            out.append(f"\r\x1b[2K{message[: columns - 1]}\n")
        out += [f"\r\x1b[2K{_line(event)[: columns - 1]}\n" for event in self._events.values()]
        self.stream.write("".join(out))
        self.stream.flush()
        self._drawn = len(self._events)
        self._next = monotonic() + _EVERY_S

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._lock:
            if self._events:
                self._draw()


class Quiet:
    """Nothing at all."""

    def __enter__(self) -> Quiet:
        return self

    def __call__(self, event: Event) -> None:
        pass

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass


def watch(stream: TextIO = sys.stderr, *, quiet: bool = False) -> Lines | Bars | Quiet:
    """What suits the stream, as a context that takes events."""
    if quiet:
        return Quiet()
    return Bars(stream) if stream.isatty() else Lines(stream)


def _line(event: Event) -> str:
    if not event.total or event.done >= event.total:
        return f"{event.id}: {event.text}"
    filled = int(_BAR * event.done / event.total)
    bar = "=" * filled + ">" + " " * (_BAR - filled)
    return f"{event.id}: {event.text} [{bar}] {event.done / 1e6:.1f}MB/{event.total / 1e6:.1f}MB"
