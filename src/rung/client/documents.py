"""JSON documents one behind the other, a line each: events, statistics, the progress of a pull."""

from __future__ import annotations

from rung import jsonc

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class Documents:
    """Takes them apart."""

    def __init__(self) -> None:
        self._rest = b""

    def receive(self, data: bytes) -> list[Any]:
        """Those that are whole. The end of the stream (no data) ends the last one. Raises ``ValueError``."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        if not data:
            lines.append(self._rest)
            self._rest = b""
        return [jsonc.loads(line) for line in lines if line.strip()]
