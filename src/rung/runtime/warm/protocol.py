"""What launcher and server say to each other: bytes in, values out (``launcher/warm.c`` has the other side).

One message is one record of a SOCK_SEQPACKET socket; numbers are 32 bits, in the machine's own order,
as both ends are one machine's; strings end with NUL; a list is its length and its strings.
"""

from __future__ import annotations

from struct import pack, unpack_from

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

MESSAGE_MAX = 128 * 1024
#: The descriptors of hello: stdin, stdout, stderr, the working directory, the pipe that ends with the caller.
HELLO_FDS = 5

ACCEPTED, COLD, HOLD, RELEASE = b"a", b"c", b"h", b"u"


class Hello:
    """What the caller was started with."""

    __slots__ = ("environment", "umask", "words")

    def __init__(self, message: bytes) -> None:
        (self.umask,) = unpack_from("=I", message)
        self.words, at = _strings(message, 4)
        pairs, _ = _strings(message, at)
        self.environment = dict(pair.partition(b"=")[::2] for pair in pairs)


def _strings(message: bytes, at: int) -> tuple[list[bytes], int]:
    (count,) = unpack_from("=I", message, at)
    parts = message[at + 4 :].split(b"\0", count)
    if len(parts) != count + 1:
        raise ValueError("a message that ends too early")
    return parts[:count], len(message) - len(parts[count])


def spawn(
    question: int, program: str, argv: Sequence[str], env: Iterable[tuple[str, str]], targets: Sequence[int], *,
    program_is_first: bool, default_signals: bool,
) -> bytes:
    """Start a program; the answer names the ``question``. The descriptors go along, in the order of ``targets``; where
    ``program_is_first``, the program's own before them."""
    variables = [f"{name}={value}" for name, value in env]
    return b"".join(
        (
            pack(f"=ciii{len(targets)}i", b"s", question, default_signals, program_is_first, *targets),
            _encode((program,)),
            pack("=i", len(argv)),
            _encode(argv),
            pack("=i", len(variables)),
            _encode(variables),
        )
    )


def _encode(strings: Iterable[str]) -> bytes:
    return b"".join(text.encode("utf-8", "surrogateescape") + b"\0" for text in strings)


def wait(question: int, pid: int) -> bytes:
    """Wait for a process."""
    return pack("=cii", b"w", question, pid)


def forward() -> bytes:
    """Signals are for the process whose pidfd goes along."""
    return b"p"


def end(status: int) -> bytes:
    """The command has ended."""
    return pack("=ci", b"x", status)


def answer(message: bytes) -> tuple[int, int]:
    """The launcher's answer: the question, and a pid or a status or ``-errno``."""
    question, value = unpack_from("=ii", message)
    return int(question), int(value)
