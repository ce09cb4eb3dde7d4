"""DNS messages as bytes: a question in, an answer out. Pure. RFC 1035 section 4."""

from __future__ import annotations

from ipaddress import IPv6Address, ip_address
from struct import pack, unpack_from

from rung.record import Record

A, PTR, AAAA, IN = 1, 12, 28, 1
NO_ERROR, SERVER_FAILURE, NAME_ERROR = 0, 2, 3
TTL_S = 600


class Question(Record):
    """One question of a query. ``end``: where the message goes on behind it."""

    id: int
    flags: int
    name: str
    kind: int
    end: int


def parse(message: bytes) -> Question | None:
    """The question of a query; None for what is no query with one question."""
    if len(message) < 12:
        return None
    number, flags, count, _, _, _ = unpack_from(">HHHHHH", message)
    if flags & 0x8000 or count != 1:
        return None
    labels, at = [], 12
    while at < len(message) and message[at]:
        length = message[at]
        if length > 63 or at + 1 + length > len(message):
            return None
        labels.append(message[at + 1 : at + 1 + length].decode("ascii", "replace"))
        at += 1 + length
    if at + 5 > len(message):
        return None
    kind, _ = unpack_from(">HH", message, at + 1)
    return Question(number, flags, ".".join(labels), kind, at + 5)


def answer(message: bytes, question: Question, records: list[bytes], code: int = NO_ERROR) -> bytes:
    """A whole answer: the question again, then the records. Recursion is offered."""
    flags = 0x8080 | (question.flags & 0x0100) | code
    head = pack(">HHHHHH", question.id, flags, 1, len(records), 0, 0)
    return head + message[12 : question.end] + b"".join(records)


def address_record(address: str) -> bytes:
    """An A or AAAA record (RFC 3596) for the question's name (a pointer to it)."""
    data = ip_address(address).packed
    return pack(">HHHIH", 0xC00C, A if len(data) == 4 else AAAA, IN, TTL_S, len(data)) + data


def pointer_record(name: str) -> bytes:
    """A PTR record for the question's name."""
    data = b"".join(bytes((len(part),)) + part.encode() for part in name.split(".")) + b"\0"
    return pack(">HHHIH", 0xC00C, PTR, IN, TTL_S, len(data)) + data


def reverse_address(name: str) -> str:
    """``4.3.2.1.in-addr.arpa`` -> ``1.2.3.4``, and IPv6's 32 digits (RFC 3596); empty where it is none."""
    lowered = name.lower()
    if lowered.endswith(".ip6.arpa"):
        digits = lowered.removesuffix(".ip6.arpa").split(".")[::-1]
        right = len(digits) == 32 and all(len(one) == 1 and one in "0123456789abcdef" for one in digits)
        return str(IPv6Address(int("".join(digits), 16))) if right else ""
    if not lowered.endswith(".in-addr.arpa"):
        return ""
    parts = lowered.removesuffix(".in-addr.arpa").split(".")[::-1]
    return ".".join(parts) if len(parts) == 4 and all(part.isdecimal() and int(part) < 256 for part in parts) else ""
