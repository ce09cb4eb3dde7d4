"""Progress of long work: bars, rates and totals on a terminal, one line for each change in a pipe.

Rule: nothing is drawn more often than ten times a second; what was drawn last is true.
"""

from __future__ import annotations

import sys
from _thread import allocate_lock  # threading's Lock, without threading
from time import monotonic

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Collection
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
        self._lock = allocate_lock()

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
    """For terminals: a line for each layer, redrawn in place, below them what all have brought; messages above."""

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self._events: dict[str, Event] = {}
        self._sizes: dict[str, _Moved] = {}
        self._drawn = 0
        self._next = 0.0
        self._lock = allocate_lock()

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
            if event.total:
                self._sizes.setdefault(event.id, _Moved(event)).add(event)
            if before is None or before.text != event.text or monotonic() >= self._next:
                self._draw()

    def _draw(self, message: str | None = None) -> None:
        import shutil  # brings bz2 and lzma along, which a pipe need not wait for

        columns, rows = shutil.get_terminal_size()
        out = [f"\x1b[{self._drawn}A"] if self._drawn else []
        if message is not None:
            out.append(f"\r\x1b[2K{message[: columns - 1]}\n")
        lines = [self._line(event) for event in _fitting(list(self._events.values()), rows - 3)]
        if len(self._sizes) > 1:
            lines.append(_total(self._sizes.values()))
        out += [f"\r\x1b[2K{line[: columns - 1]}\n" for line in lines]
        self.stream.write("".join(out))
        self.stream.flush()
        self._drawn = len(lines)
        self._next = monotonic() + _EVERY_S

    def _line(self, event: Event) -> str:
        if not event.total or event.done >= event.total:
            return f"{event.id}: {event.text}"
        filled = int(_BAR * event.done / event.total)
        bar = "=" * filled + ">" + " " * (_BAR - filled)
        rate = self._sizes[event.id].rate
        return f"{event.id}: {event.text} [{bar}] {event.done / 1e6:.1f}MB/{event.total / 1e6:.1f}MB{rate}"

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


def _fitting(events: list[Event], rows: int) -> list[Event]:
    """As many as a screen holds, those that move before those that rest: what has scrolled away cannot be redrawn."""
    if len(events) <= rows:
        return events
    order = sorted(range(len(events)), key=lambda at: not 0 < events[at].done < events[at].total)
    return [events[at] for at in sorted(order[: max(1, rows)])]


class _Moved:
    """Bytes of one thing, and since when they move. What was there before the first event does not count
    towards the rate: a download may go on where another one stopped."""

    def __init__(self, first: Event) -> None:
        self._first, self.began = first.done, monotonic()
        self.done, self.total, self.ended = first.done, first.total, self.began

    def add(self, event: Event) -> None:
        if event.done != self.done:
            self.done, self.ended = event.done, monotonic()

    @property
    def brought(self) -> int:
        return max(0, self.done - self._first)

    @property
    def rate(self) -> str:
        return _rate(self.brought, self.ended - self.began)


def _rate(size_bytes: int, seconds: float) -> str:
    return f" {size_bytes / seconds / 1e6:.1f}MB/s" if seconds > _EVERY_S else ""


def _total(moved: Collection[_Moved]) -> str:
    done, total = sum(one.done for one in moved), sum(one.total for one in moved)
    seconds = max(one.ended for one in moved) - min(one.began for one in moved)
    return f"Total: {done / 1e6:.1f}MB/{total / 1e6:.1f}MB{_rate(sum(one.brought for one in moved), seconds)}"
