"""What launcher and server say to each other: bytes in, values out (``launcher/warm.c`` has the other side).

One message is one record of a SOCK_SEQPACKET socket; numbers are 32 bits, in the machine's own order,
as both ends are one machine's; strings end with NUL; a list is its length and its strings.
"""

from __future__ import annotations

from struct import pack, unpack_from

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

ORDER_MAX = 128 * 1024
#: The descriptors of hello: stdin, stdout, stderr, the working directory, the pipe that ends with the caller.
HELLO_FDS = 5

ACCEPTED, COLD, HOLD, RELEASE = b"a", b"c", b"h", b"u"
SPAWN, WAIT = b"s", b"w"
_SPAWN_HEAD = 13


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
            pack(f"=ciii{len(targets)}i", SPAWN, question, default_signals, program_is_first, *targets),
            _encode((program,)),
            pack("=i", len(argv)),
            _encode(argv),
            pack("=i", len(variables)),
            _encode(variables),
        )
    )


def _encode(strings: Iterable[str]) -> bytes:
    return b"".join(text.encode("utf-8", "surrogateescape") + b"\0" for text in strings)


class SpawnOrder:
    """What a caller is told to start, with ``fd_count`` descriptors that came along."""

    __slots__ = ("argv", "default_signals", "env", "program", "program_is_first", "question", "targets")

    def __init__(self, message: bytes, fd_count: int) -> None:
        _, self.question, default_signals, first = unpack_from("=ciii", message)
        self.default_signals, self.program_is_first = bool(default_signals), bool(first)
        count = fd_count - first
        self.targets = unpack_from(f"={count}i", message, _SPAWN_HEAD)
        at = _SPAWN_HEAD + 4 * count
        end = message.index(b"\0", at)
        self.program = message[at:end]
        self.argv, at = _strings(message, end + 1)
        self.env, _ = _strings(message, at)


class WaitOrder:
    """Whose end a caller is asked for."""

    __slots__ = ("pid", "question")

    def __init__(self, message: bytes) -> None:
        _, self.question, self.pid = unpack_from("=cii", message)


def read_order(message: bytes, fd_count: int) -> SpawnOrder | WaitOrder:
    """What a caller that is no launcher (``shim/worker``) is told. Raises ``ValueError``, ``struct.error``."""
    return SpawnOrder(message, fd_count) if message[:1] == SPAWN else WaitOrder(message)


def answer_order(question: int, value: int) -> bytes:
    """The caller's answer: a pid, a status, or ``-errno``."""
    return pack("=ii", question, value)


def wait(question: int, pid: int) -> bytes:
    """Wait for a process."""
    return pack("=cii", WAIT, question, pid)


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
