"""The zygote: a process that has the shim imported, and forks one for whoever asks.

A fork costs a millisecond and shares its memory with its siblings, where a started program costs twenty and its own.
It is asked over a socket of packets: a request is a line of JSON (``Keep``) with the shim-to-be's listening socket;
the answer is the shim's pid. The zygote ends with the connection, its shims do not.

Rule: it does nothing but fork: no thread, no file and no lock of its own is there to be inherited.
"""

from __future__ import annotations

import gc
from _socket import AF_UNIX, CMSG_SPACE, MSG_CMSG_CLOEXEC, SCM_RIGHTS, SOCK_SEQPACKET, SOL_SOCKET, socket

from rung import jsonc, posix


def main(fd: int) -> None:
    """Serve requests on the connection ``fd`` until it is closed."""
    _import_everything()
    connection = socket(AF_UNIX, SOCK_SEQPACKET, 0, fd)
    _ignore_children()
    gc.collect()
    gc.freeze()  # what is imported stays, and stays shared with the forks
    connection.send(b"ready")
    while True:
        message, control, _, _ = connection.recvmsg(1 << 16, CMSG_SPACE(4), MSG_CMSG_CLOEXEC)
        if not message:
            return
        listening = next(
            int.from_bytes(data[:4], "little") for level, kind, data in control if (level, kind) == _RIGHTS
        )
        pid = posix.fork()
        if not pid:
            connection.close()
            _become(message, listening)
        posix.close(listening)
        connection.send(str(pid).encode())


_RIGHTS = (SOL_SOCKET, SCM_RIGHTS)


def _ignore_children() -> None:
    """Nobody waits for shims that end before the zygote: the kernel takes them."""
    from _signal import SIG_IGN, SIGCHLD, signal  # type: ignore[import-not-found]

    signal(SIGCHLD, SIG_IGN)


def _become(message: bytes, listening: int) -> None:
    from rung.shim.keeper import Keep, keep

    try:
        keep(Keep(**jsonc.loads(message)), listening)
    finally:
        posix._exit(0)


def _import_everything() -> None:
    """All that a shim of a container's whole life touches, so that it is shared."""
    import ctypes  # noqa: F401 - mounts are made through it
    import traceback  # noqa: F401

    import rung
    import rung.shim.keeper
    import rung.shim.metrics
    import rung.shim.runtimes.own
    import rung.shim.runtimes.program
    from rung.kernel.libc import library
    from rung.runtime import import_all

    library()
    import_all(posix.dirname(posix.dirname(rung.__file__)))


if __name__ == "__main__":
    main(3)
