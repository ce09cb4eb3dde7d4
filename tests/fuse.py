"""A FUSE file system that answers until it is told to stall: linux/fuse.h, as far as an empty directory goes."""

from __future__ import annotations

import errno
import os
import select
import struct
import threading
from pathlib import Path

from rung.kernel import mount as kernel

_GETATTR, _OPENDIR, _READDIR, _RELEASEDIR, _INIT, _FORGET, _INTERRUPT = 3, 27, 28, 29, 26, 2, 36
_HEADER = struct.Struct("<IIQQIIII")
_REQUEST_BYTES = 1 << 18


class Stalling:
    """Mounted at ``path``. ``stall``: from then on nothing is answered; ``close``: what waits fails, and it is unmounted."""

    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir()
        self._fd = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
        kernel.mount("stalling", str(path), "fuse", 0, f"fd={self._fd},rootmode=40000,user_id=0,group_id=0,allow_other")
        self._wake, self._woken = os.pipe()
        self._is_stalled = self._is_closed = False
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        waiting = select.poll()
        waiting.register(self._wake, select.POLLIN)
        waiting.register(self._fd, select.POLLIN)
        while not self._is_closed:
            found = dict(waiting.poll())
            if self._is_stalled:
                waiting.unregister(self._fd)
                os.read(self._wake, 1)  # until it is closed
                return
            if self._fd in found:
                self._answer(os.read(self._fd, _REQUEST_BYTES))

    def _answer(self, request: bytes) -> None:
        _, opcode, unique, node, *_ = _HEADER.unpack_from(request)
        if opcode in (_FORGET, _INTERRUPT):
            return
        error, body = 0, b""
        if opcode == _INIT:
            body = struct.pack("<IIIIHHII", 7, 31, 1 << 17, 0, 12, 10, 1 << 17, 1) + bytes(32)
        elif opcode == _GETATTR and node == 1:
            body = struct.pack("<QII", 0, 0, 0) + struct.pack("<QQQQQQIIIIIIIIII", 1, 0, 0, 0, 0, 0, 0, 0, 0, 0o40755, 2, 0, 0, 0, 4096, 0)
        elif opcode == _OPENDIR:
            body = bytes(16)
        elif opcode not in (_READDIR, _RELEASEDIR):
            error = errno.ENOENT
        os.write(self._fd, struct.pack("<IiQ", 16 + len(body), -error, unique) + body)

    def stall(self) -> None:
        """Answer nothing any more."""
        self._is_stalled = True
        os.write(self._woken, b".")

    def close(self) -> None:
        """Whatever waits gets ECONNABORTED, and what comes ENOTCONN."""
        if self._is_closed:
            return
        self._is_closed = True
        os.write(self._woken, b"..")
        self._thread.join()
        os.close(self._fd)
        kernel.umount(str(self.path), kernel.MNT_DETACH)
        os.close(self._wake)
        os.close(self._woken)
