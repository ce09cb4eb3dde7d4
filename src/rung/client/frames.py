"""Docker's multiplexed stream: a container's stdout and stderr on one connection.

    header := [8]byte{STREAM_TYPE, 0, 0, 0, SIZE1, SIZE2, SIZE3, SIZE4}     (Engine API, "ContainerAttach")

Rule: bytes in, pieces out. A frame's payload is given out as it comes, so that a large one is never kept.
"""

from __future__ import annotations

from rung.http1.errors import Malformed

STDIN, STDOUT, STDERR = 0, 1, 2
_HEADER = 8


class Frames:
    """Takes the frames of one stream apart."""

    def __init__(self) -> None:
        self._header = bytearray()
        self._left = 0

    @property
    def whole(self) -> bool:
        """Whether no frame is incomplete."""
        return not self._header

    def receive(self, data: bytes) -> list[tuple[int, bytes]]:
        """The pieces that came, each with its stream. Raises ``Malformed``."""
        found = []
        at = 0
        while at < len(data):
            if len(self._header) < _HEADER:
                take = _HEADER - len(self._header)
                self._header += data[at : at + take]
                at += take
                if len(self._header) < _HEADER:
                    break
                self._begin()
            else:
                piece = data[at : at + self._left]
                at += len(piece)
                self._left -= len(piece)
                found.append((self._header[0], piece))
            if not self._left:
                self._header.clear()
        return found

    def _begin(self) -> None:
        if self._header[0] > STDERR or any(self._header[1:4]):
            raise Malformed(502, f"is answered with {bytes(self._header)!r}, which is no header of a frame")
        self._left = int.from_bytes(self._header[4:], "big")
