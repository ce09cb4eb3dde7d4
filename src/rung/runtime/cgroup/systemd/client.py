"""The client's side of a D-Bus connection: bytes in, events out. Pure.

D-Bus specification, "Authentication Protocol" and "Message Bus": a NUL byte, then SASL lines, then messages. The
mechanism is EXTERNAL with an empty identity, so that the server takes the one that the kernel tells it: inside a
user namespace we do not know our uid as the server sees it. Everything is sent at once and the answers are
checked as they come: the server reads in order.
"""

from __future__ import annotations

from rung.runtime.cgroup.systemd import message
from rung.runtime.cgroup.systemd.marshal import Malformed

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from rung.runtime.cgroup.systemd.message import Message

GREETING = b"\0AUTH EXTERNAL\r\nDATA\r\nBEGIN\r\n"
_ANSWERS = ("DATA", "OK ")
_LONGEST_LINE = 16384  # "maximum length of a line"


class Rejected(Exception):
    """The server does not let this user in."""


class Client:
    """Numbers calls, and cuts what comes into messages."""

    def __init__(self) -> None:
        self._buffer = b""
        self._lines_due = list(_ANSWERS)
        self._serial = 0

    def greet(self) -> bytes:
        """The first bytes to send."""
        return GREETING

    def call(
        self, destination: str, path: str, interface: str, member: str, signature: str = "", values: Sequence[Any] = ()
    ) -> tuple[int, bytes]:
        """``(serial, bytes to send)`` of a method call; its answer's ``reply_to`` is the serial."""
        self._serial += 1
        return self._serial, message.call(self._serial, destination, path, interface, member, signature, values)

    def receive(self, data: bytes) -> list[Message]:
        """What is complete now. Raises ``Rejected`` and ``Malformed``."""
        self._buffer += data
        while self._lines_due:
            line, found, rest = self._buffer.partition(b"\r\n")
            if not found:
                if len(line) > _LONGEST_LINE:
                    raise Malformed("an endless line while authenticating")
                return []
            if not line.startswith(self._lines_due[0].encode()):
                raise Rejected(line.decode("ascii", "replace"))
            self._lines_due.pop(0)
            self._buffer = rest
        found_messages = []
        while (length := message.size(self._buffer)) and len(self._buffer) >= length:
            found_messages.append(message.parse(self._buffer[:length]))
            self._buffer = self._buffer[length:]
        return found_messages
