"""A blob that is served while it is still being downloaded."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator


class Download:
    """A file that grows."""

    fd: int

    def parts(self, start: int, end: int) -> Iterator[tuple[int, int]]:
        """Ranges as they become there."""
        raise NotImplementedError
