"""Rung's runtime as a library, in the bench's own warm process."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

from bundles import Ground


class Library:
    """One container after another through ``rung.runtime.Runtime``."""

    def __init__(self, runtime: Any, bundle: Path) -> None:
        self.runtime = runtime
        self.bundle = bundle

    @classmethod
    def where_it_works(cls, ground: Ground, state: Path) -> Library | None:
        """None, with a word why, where the package is not installed beside the bench."""
        try:
            from rung.runtime import Runtime
        except ImportError as error:
            print(f"library row left out: {error}")
            return None
        return cls(Runtime(str(state)), ground.bundle("library", ["/bin/true"]))

    def one_life(self) -> None:
        """Create, start, wait, delete."""
        container = self.runtime.create("library", str(self.bundle))
        container.start()
        status = container.wait()
        container.delete()
        if status != 0:
            raise RuntimeError(f"/bin/true ended with {status}")


@contextmanager
def unrecorded() -> Iterator[None]:
    """Nothing is written down for ``rung explain``: no spans, no file of them, and in the ledger no room for
    rung-init's system calls, whose times are not taken then."""
    from rung.runtime.container import Container
    from rung.runtime.plan import wire
    from rung.trace import Trace

    off = nullcontext()

    def nothing(*_: object) -> Any:
        return off

    changed: list[tuple[Any, str, Any]] = [
        (wire, "CALL_CAPACITY", 0),
        (Trace, "span", nothing),
        (Container, "save_trace", nothing),
        (Container, "_append_trace", nothing),
    ]
    before = [(place, name, getattr(place, name)) for place, name, _ in changed]
    try:
        for place, name, value in changed:
            setattr(place, name, value)
        yield
    finally:
        for place, name, value in before:
            setattr(place, name, value)
