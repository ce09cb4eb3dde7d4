"""Which trace a message belongs to, as it travels between processes: W3C Trace Context.

``traceparent: 00-<trace id, 32 hex digits>-<span id of the sender, 16>-<flags>``. ``tracestate`` is the vendors' own
list: in ``rung=...`` a client on the same host says what it is and when it began, so that the engine, which keeps the
story, can tell of the client without another request.
"""

from __future__ import annotations

from rung import posix
from rung.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

_DIGITS = frozenset("0123456789abcdef")
PARENT, STATE = "traceparent", "tracestate"
#: The longest name of a client that is kept.
_NAME_LIMIT = 64
_own: list[tuple[str, str]] = []


class Context(Record):
    """A trace, and the span in it that comes before what is told of next."""

    trace_id: str
    span_id: str

    @property
    def header(self) -> str:
        """As ``traceparent`` has it; it is recorded (flag 01)."""
        return f"00-{self.trace_id}-{self.span_id}-01"


class Client(Record):
    """What a client has said of itself."""

    name: str
    began_ns: int


def fresh(size: int = 8) -> str:
    """An id that nobody else has."""
    return posix.urandom(size).hex()


def parse(header: str | None) -> Context | None:
    """None where there is none, or one that is not by the rules: "the vendor creates a new trace" then.

    "Vendors MUST ... parse as 00 where the version is higher" and longer; ff is forbidden, and so are ids of zeros."""
    parts = (header or "").strip().split("-")
    if len(parts) < 4 or len(parts[0]) != 2 or (parts[0] == "00" and len(parts) != 4):
        return None
    version, trace_id, span_id, flags = parts[:4]
    if (len(trace_id), len(span_id), len(flags)) != (32, 16, 2) or not _DIGITS.issuperset("".join(parts[:4])):
        return None
    if version == "ff" or not trace_id.strip("0") or not span_id.strip("0"):
        return None
    return Context(trace_id, span_id)


def client_of(state: str | None) -> Client | None:
    """What ``tracestate`` says of a client of Rung's; None where it says nothing."""
    for member in (state or "").split(","):
        key, _, value = member.strip().partition("=")
        name, _, began = value.rpartition("@")
        if key == "rung" and name and began.isdecimal() and len(began) < 20:
            return Client(name[:_NAME_LIMIT].replace("_", " "), int(began))
    return None


def beside(given: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """A request's own headers with those of this process, unless the caller is in a trace of its own."""
    own = () if any(key.lower() == PARENT for key, _ in given) else headers()
    return [*own, *given]


def headers(name: str = "", began_ns: int = 0) -> list[tuple[str, str]]:
    """What every request of this process carries. ``name`` and ``began_ns`` (monotonic) on the first call say what
    the process is, ``rung run``, and when it began; a process that never says so is ``python``."""
    if not _own or name:
        from time import monotonic_ns

        value = "".join(c if c.isalnum() or c in "-./" else "_" for c in (name or "python")[:_NAME_LIMIT])
        _own[:] = [
            (PARENT, Context(fresh(16), fresh()).header),
            (STATE, f"rung={value}@{began_ns or monotonic_ns()}"),
        ]
    return list(_own)
