"""Where a stream goes, by its address: a FIFO, a file, a logging program, or nowhere.

containerd gives ``stdin``, ``stdout`` and ``stderr`` as the path of a FIFO or as an address: ``file:///path`` (appended
to), ``binary:///path?key=value`` (a program that reads both outputs as its descriptors 3 and 4, and closes 5 when it is
ready; containerd, core/runtime/v2/README.md#logging).
"""

from __future__ import annotations

from rung import posix
from rung.record import Record
from rung.shim.errors import BadRequest, ShimError
from rung.shim.spawn import spawn

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.undo import Undo

#: How long a logging program may take until it says that it is ready.
READY_S = 10.0


class Outputs(Record):
    """Descriptors to write a process's two outputs to; -1 is nowhere. ``logger`` is a program's pid, or 0."""

    stdout: int = -1
    stderr: int = -1
    logger: int = 0


def open_outputs(stdout: str, stderr: str, container_id: str, namespace: str, undo: Undo) -> Outputs:
    """Open both. Raises ``ShimError``."""
    if stdout.startswith("binary://"):
        return _start_logger(stdout, container_id, namespace, undo)
    found = []
    for address in (stdout, stderr):
        fd = _open_output(address) if address else -1
        if fd >= 0:
            undo.push(posix.close, fd)
        found.append(fd)
    return Outputs(found[0], found[1])


def _open_output(address: str) -> int:
    scheme, marked, path = address.rpartition("://")
    flags = posix.O_CLOEXEC | posix.O_NONBLOCK
    try:
        if marked and scheme == "file":
            posix.makedirs(posix.dirname(path), exist_ok=True)
            return posix.open(path, posix.O_WRONLY | posix.O_CREAT | posix.O_APPEND | flags, 0o644)
        if marked and scheme != "fifo":
            raise BadRequest("stream", f'"{address}"', f"has an unknown scheme {scheme}", "file, fifo or binary")
        # Both ends, so that there is always a reader: one that comes late, or again, misses nothing.
        return posix.open(path, posix.O_RDWR | flags)
    except OSError as error:
        raise ShimError("open stream", f'"{address}"', error.strerror or "") from None


def open_input(address: str) -> tuple[int, int]:
    """``(the FIFO to read from, a writing end of it)``: the second keeps the first from ending between two
    writers; close it, and the input ends with its last writer. Raises ``ShimError``."""
    path = address.removeprefix("fifo://")
    flags = posix.O_CLOEXEC | posix.O_NONBLOCK
    try:
        reader = posix.open(path, posix.O_RDONLY | flags)
        try:
            return reader, posix.open(path, posix.O_WRONLY | flags)
        except OSError:
            posix.close(reader)
            raise
    except OSError as error:
        raise ShimError("open stream", f'"{address}"', error.strerror or "") from None


def _start_logger(address: str, container_id: str, namespace: str, undo: Undo) -> Outputs:
    from select import POLLIN, poll

    argv = _logger_command(address)
    out, err, ready = (posix.pipe2(posix.O_CLOEXEC) for _ in range(3))
    for fd in (out[1], err[1]):
        undo.push(posix.close, fd)
    environment = {**posix.environment(), "CONTAINER_ID": container_id, "CONTAINER_NAMESPACE": namespace}
    try:
        pid = spawn(argv, environment, {3: out[0], 4: err[0], 5: ready[1]})
    except OSError as error:
        posix.close(ready[0])
        raise ShimError("start logger", f'"{argv[0]}"', error.strerror or "") from None
    finally:
        for fd in (out[0], err[0], ready[1]):
            posix.close(fd)
    waiter = poll()
    waiter.register(ready[0], POLLIN)
    came = waiter.poll(int(READY_S * 1000))
    posix.close(ready[0])
    if not came:
        posix.kill(pid, 9)
        reason = f"it was not ready after {READY_S:g} s"
        raise ShimError("start logger", f'"{argv[0]}"', reason, "it must close descriptor 5")
    return Outputs(out[1], err[1], pid)


def _logger_command(address: str) -> list[str]:
    """``binary:///usr/bin/log?-o=x&-v`` as a program's arguments."""
    from urllib.parse import parse_qsl, urlsplit

    parts = urlsplit(address)
    if not parts.path.startswith("/"):
        raise BadRequest("stream", f'"{address}"', "names no program", "binary:///path/of/it")
    words = [parts.path]
    for key, value in parse_qsl(parts.query, keep_blank_values=True):
        words += [key, value] if value else [key]
    return words
