"""What goes wrong with cgroups. What the kernel's refusals mean is in hints.py."""

from __future__ import annotations

from rung.runtime.errors import RuntimeFailure


class CgroupError(RuntimeFailure):
    """A cgroup cannot be made, limited, entered, frozen or removed.

    ``errno`` is the kernel's answer, 0 where Rung itself refused."""

    def __init__(
        self, operation: str, object: str = "", reason: str = "", hint: str = "", errno: int = 0
    ) -> None:
        super().__init__(operation, object, reason, hint)
        self.errno = errno


def failed(operation: str, error: OSError, hint: str = "") -> CgroupError:
    """A system call on a cgroup's directory or file failed."""
    from rung.runtime.cgroup.hints import hint_for

    number = error.errno or 0
    hint = hint or hint_for("", number)
    return CgroupError(operation, str(error.filename or ""), error.strerror or "", hint, number)
