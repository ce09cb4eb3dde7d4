"""D-Bus messages: calls to bytes, bytes to what came. Pure.

D-Bus specification, "Message Protocol": a header ``yyyyuua(yv)`` padded to 8, then the body; the fields of the
header say where to, of what, in answer to which serial.
"""

from __future__ import annotations

from rung.record import Record
from rung.runtime.cgroup.systemd.marshal import Malformed, Reader, Variant, marshal, types

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import Any

CALL, RETURN, ERROR, SIGNAL = 1, 2, 3, 4
PATH, INTERFACE, MEMBER, ERROR_NAME, REPLY_SERIAL, DESTINATION, SENDER, SIGNATURE = range(1, 9)
_FIXED_SIZE = 16
_VERSION = 1
_LONGEST = 1 << 27  # "maximum length of a message"
_ORDERS = {0x6C: "<", 0x42: ">"}  # l, B


class Message(Record):
    """One message that came. ``error``: the name of an ERROR; ``reply_to``: the serial it answers."""

    kind: int
    serial: int
    reply_to: int = 0
    path: str = ""
    interface: str = ""
    member: str = ""
    error: str = ""
    body: list[Any] = []


def call(
    serial: int,
    destination: str,
    path: str,
    interface: str,
    member: str,
    signature: str = "",
    values: Sequence[Any] = (),
) -> bytes:
    """A method call. ``destination`` "": the peer itself, where there is no bus."""
    fields = {PATH: Variant("o", path), INTERFACE: Variant("s", interface), MEMBER: Variant("s", member)}
    if destination:
        fields[DESTINATION] = Variant("s", destination)
    return encode(CALL, serial, fields, signature, values)


def encode(
    kind: int, serial: int, fields: Mapping[int, Variant], signature: str = "", values: Sequence[Any] = ()
) -> bytes:
    """Any message."""
    body = marshal(signature, values)
    given = [*fields.items()] + ([(SIGNATURE, Variant("g", signature))] if signature else [])
    head = marshal("yyyyuua(yv)", (0x6C, kind, 0, _VERSION, len(body), serial, given))
    return head + bytes(-len(head) % 8) + body


def size(data: bytes) -> int:
    """How long the message is that begins here; 0 while that cannot be said. Raises ``Malformed``."""
    if len(data) < _FIXED_SIZE:
        return 0
    order = _ORDERS.get(data[0])
    if order is None or data[3] != _VERSION:
        raise Malformed("this is no D-Bus message")
    body, _, fields = Reader(data, order, 4).read("uuu")
    whole: int = _FIXED_SIZE + fields + -fields % 8 + body
    if whole > _LONGEST:
        raise Malformed(f"a message of {whole} bytes is too long")
    return whole


def parse(data: bytes) -> Message:
    """A whole message. Raises ``Malformed``."""
    order = _ORDERS[data[0]]
    reader = Reader(data, order)
    _, kind, _, _, _, serial, pairs = reader.read("yyyyuua(yv)")
    fields = {number: variant.value for number, variant in pairs}
    reader.align(8)
    signature = fields.get(SIGNATURE, "")
    if not isinstance(signature, str):
        raise Malformed("the signature is no signature")
    return Message(
        kind,
        serial,
        fields.get(REPLY_SERIAL, 0),
        fields.get(PATH, ""),
        fields.get(INTERFACE, ""),
        fields.get(MEMBER, ""),
        fields.get(ERROR_NAME, ""),
        reader.read(signature) if types(signature) else [],
    )
