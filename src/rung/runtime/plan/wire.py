"""A plan as bytes, and the ledger that comes back: the interface to rung-init.

One file holds both. rung-init maps it shared: it reads the steps and writes, as it
goes, when each step began, every system call with its result and duration, and what
failed. So recording costs no system call, survives ``kill -9``, and the runtime, a
debugger or ``rung explain`` can read how far an init came at any time.

All integers are little-endian; offsets count from the file's start::

    header  magic "RUNGPLAN" | u32 version | u32 file size | u32 steps | u32 steps offset
            | u32 ledger offset | u32 call capacity | i32 slot[8] (inherited fds, -1 none)
            | i32 control fd (-1 none) | i32 first preserved-fd limit (0: none)   = 72 bytes
    step    u16 code | u16 0 | u32 payload length | payload          (8-byte aligned)
      u, i  8 bytes          s, b  u32 length | bytes | NUL | pad to 8
      S     u32 count | u32 0 | that many s      U  u32 count | u32 0 | that many u
    ledger  u32 state | i32 pid | u32 current step | u32 calls
            | i32 error errno | u32 error step | i32 error call (-1: none) | u32 notes
            | u64 epoch ns (CLOCK_MONOTONIC) | char error[256] | char note[256]   = 552 bytes
            | u64 began[steps] (ns after epoch, 0: not reached) | call[capacity]
    call    u16 step | i16 number | i32 result | u64 began (ns after epoch)
            | u32 took ns (saturated) | u32 0                                      = 24 bytes

``state``: 0 not begun, 1 outer running, 2 inner running, 3 ready (waiting for start),
4 executing the workload, 5 failed. ``pid`` is the inner process as the outer sees it.
``result`` is the call's value, or the negated errno. ``error`` names the object that the
failed step worked on, ``error call`` is the index of the call that failed; ``note`` holds
the last thing that was passed over, ``notes`` counts. ``calls`` goes on counting where the
capacity is spent: the calls beyond it are not recorded.

On the control socket (SOCK_SEQPACKET) init sends ``s`` + tag at a Sync (with a descriptor as
SCM_RIGHTS where the step has one; answered by one byte ``g``), ``n`` with the listener of a seccomp
filter as SCM_RIGHTS, ``r`` when ready, ``e`` when it has failed (its ledger is complete then).
The end of the stream means that it was killed if no ``r`` came before, else that exec
succeeded. A failure that nobody listens to any more goes to the workload's stderr.
"""

from __future__ import annotations

from _struct import Struct, pack, unpack_from

from rung.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence
    from typing import Any

    from rung.runtime.plan.steps import Step

MAGIC = b"RUNGPLAN"
VERSION = 1
CALL_CAPACITY = 2048

_HEADER = Struct("<8s6I8i2i")
_LEDGER = Struct("<IiIIiIiIQ256s256s")
_CALL = Struct("<HhiQII")

NOT_BEGUN, OUTER, INNER, READY, EXECUTING, FAILED = range(6)


#: NUL and padding behind bytes of a length of so much modulo 8.
_TAILS = [bytes(1 + -(length + 5) % 8) for length in range(8)]


def _blob(data: bytes) -> bytes:
    length = len(data)
    return length.to_bytes(4, "little") + data + _TAILS[length & 7]


def _text(value: str) -> bytes:
    return _blob(value.encode("utf-8", "surrogateescape"))


_ENCODERS: dict[str, Callable[[Any], bytes]] = {
    "u": lambda value: value.to_bytes(8, "little"),
    "i": lambda value: value.to_bytes(8, "little", signed=True),
    "s": _text,
    "b": _blob,
    "S": lambda value: pack("<II", len(value), 0) + b"".join(map(_text, value)),
    "U": lambda value: pack(f"<II{len(value)}Q", len(value), 0, *value),
}


def encode_step(step: Step) -> bytes:
    """One step: its code, its payload's length, its payload."""
    payload = b"".join([_ENCODERS[kind](value) for kind, value in zip(step.wire, step.values())])
    return pack("<HHI", step.code, 0, len(payload)) + payload


def encode(
    steps: Sequence[Step],
    slots: dict[int, int],
    control_fd: int = -1,
    preserved_limit: int = 0,
) -> PlanFile:
    """The file for rung-init.

    ``slots`` gives the inherited descriptor of each preset slot."""
    body = b"".join(map(encode_step, steps))
    ledger_at = _HEADER.size + len(body)
    size = ledger_at + _LEDGER.size + 8 * len(steps) + _CALL.size * CALL_CAPACITY
    fds = [slots.get(slot, -1) for slot in range(8)]
    header = _HEADER.pack(
        MAGIC, VERSION, size, len(steps), _HEADER.size, ledger_at, CALL_CAPACITY, *fds, control_fd, preserved_limit
    )
    return PlanFile(header + body, size)


class PlanFile(Record):
    """What to write (``content``), and how long the file is with its zeroed ledger."""

    content: bytes
    size: int

    def whole(self) -> bytes:
        """The file's bytes."""
        return self.content + bytes(self.size - len(self.content))


class Call(Record):
    """One system call of rung-init: times in ns after the epoch of its ledger."""

    step: int
    number: int
    result: int
    began_ns: int
    took_ns: int


class Ledger(Record):
    """What rung-init wrote down."""

    state: int
    pid: int
    current: int
    error_errno: int
    error_step: int
    error_call: int
    error: str
    notes: int
    note: str
    epoch_ns: int
    began_ns: tuple[int, ...]
    calls: tuple[Call, ...]


#: What of a plan file tells where its ledger is; ``STANDING_SIZE`` bytes from there, how far its init has come.
HEAD_SIZE, STANDING_SIZE = _HEADER.size, 8


def ledger_at(head: bytes) -> int:
    """Where in the file the ledger begins."""
    at: int = _HEADER.unpack_from(head)[5]
    return at


def standing(part: bytes) -> tuple[int, int]:
    """``(state, pid)``, with which a ledger begins."""
    state, pid = unpack_from("<Ii", part)
    return state, pid


def read_ledger(file: bytes | bytearray | memoryview | Any, *, with_calls: bool = False) -> Ledger:
    """The ledger of a plan file (bytes or a map of it)."""
    _, _, _, count, _, at, capacity, *_ = _HEADER.unpack_from(file, 0)
    state, pid, current, calls, errno, bad, call, notes, epoch, error, note = _LEDGER.unpack_from(file, at)
    times_at = at + _LEDGER.size
    began: tuple[int, ...] = ()
    made: tuple[Call, ...] = ()
    if with_calls:
        began = unpack_from(f"<{count}Q", file, times_at)
        first = times_at + 8 * count
        made = tuple(
            Call(*_CALL.unpack_from(file, first + i * _CALL.size)[:5]) for i in range(min(calls, capacity))
        )
    return Ledger(
        state, pid, current, errno, bad, call, _cstr(error), notes, _cstr(note), epoch, began, made
    )


def _cstr(field: bytes) -> str:
    return field.split(b"\0", 1)[0].decode("utf-8", "replace")


def decode_steps(file: bytes) -> Iterable[tuple[int, bytes]]:
    """``(code, payload)`` of each step of a plan file."""
    _, _, _, count, at, *_ = _HEADER.unpack_from(file, 0)
    for _ in range(count):
        code, _zero, length = unpack_from("<HHI", file, at)
        yield code, bytes(file[at + 8 : at + 8 + length])
        at += 8 + length


def decode(file: bytes) -> tuple[Step, ...]:
    """The steps of a plan file. Raises ``ValueError`` for one that this version cannot read."""
    from rung.runtime.plan import steps

    if file[: len(MAGIC)] != MAGIC or unpack_from("<I", file, len(MAGIC))[0] != VERSION:
        raise ValueError("not a plan of this version of Rung")
    kinds = {kind.code: kind for kind in steps.kinds()}
    return tuple(kinds[code](*_fields(kinds[code].wire, payload)) for code, payload in decode_steps(file))


def _fields(letters: str, payload: bytes) -> Iterable[Any]:
    at = 0
    for letter in letters:
        if letter in "ui":
            yield unpack_from("<Q" if letter == "u" else "<q", payload, at)[0]
            at += 8
        elif letter in "sb":
            data, at = _take_blob(payload, at)
            yield data if letter == "b" else data.decode("utf-8", "surrogateescape")
        else:
            (count,) = unpack_from("<I", payload, at)
            at += 8
            items: list[Any] = []
            for _ in range(count):
                if letter == "U":
                    items.append(unpack_from("<Q", payload, at)[0])
                    at += 8
                else:
                    data, at = _take_blob(payload, at)
                    items.append(data.decode("utf-8", "surrogateescape"))
            yield tuple(items)


def _take_blob(payload: bytes, at: int) -> tuple[bytes, int]:
    (length,) = unpack_from("<I", payload, at)
    return payload[at + 4 : at + 4 + length], at + 4 + length + 1 + -(length + 5) % 8
