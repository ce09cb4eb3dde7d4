"""What a refused system call looks like: the call, what it worked on, errno's name.

Rule: every binding in this folder raises ``KernelError`` and nothing else; callers
that can do without (``ENOENT`` means "not there") look at ``errno``.
"""

from __future__ import annotations

import errno as _errno

from rung.errors import RungError
from rung.posix import fsdecode, strerror


class KernelError(RungError):
    """A system call failed. ``call`` is its name, ``arguments`` what it worked on."""

    def __init__(self, call: str, arguments: tuple[object, ...], errno: int, hint: str = "") -> None:
        name = _errno.errorcode.get(errno, str(errno))
        said = ", ".join(fsdecode(a) if isinstance(a, bytes) else str(a) for a in arguments)
        super().__init__(call, said, f"{name}, {strerror(errno)}", hint)
        self.call = call
        self.arguments = arguments
        self.errno = errno
