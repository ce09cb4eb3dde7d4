"""Who has the children: rung-init and hooks are born to a container's *parent*.

The kernel ties much to a process's parent: what it inherits (limits, cgroup, session, keyring,
security context), who may wait for it, who it is handed to when the parent ends, whose death
ends it. Usually that is this process. In the warm way (``warm/``) it is the launcher that the
caller started, and this process only says what to start.

Rule: nothing in the runtime calls ``posix_spawn`` or ``waitpid`` for a container but through here.
"""

from __future__ import annotations

from _thread import _local

from rung import posix

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Protocol

    class Signals(Protocol):
        """Signals on their way to a process that is waited for (``signals.Forwarder``)."""

        def send_to(self, pidfd: int) -> None: ...

        def stop(self) -> None: ...


class ColdOnly(BaseException):
    """This can only be done by the process that the caller started itself; nothing has been done."""


class Parent:
    """This process. ``name``: what it is called below /proc."""

    name = "self"

    def spawn(
        self,
        program: str | int,
        argv: Sequence[str],
        env: dict[str, str],
        fds: Sequence[tuple[int, int]],
        *,
        default_signals: bool = False,
    ) -> int:
        """Start a program (a path, or a descriptor of it): its pid. ``fds``: ``(ours, its)``; no number
        on the right may come later on the left. Raises ``OSError``."""
        return posix.posix_spawn(
            f"/proc/self/fd/{program}" if isinstance(program, int) else program,
            list(argv),
            env,
            file_actions=[(posix.POSIX_SPAWN_DUP2, ours, its) for ours, its in fds],
            setsigdef=range(1, 32) if default_signals else (),
        )

    def wait(self, pid: int) -> int:
        """Wait for a child: its status as ``waitpid`` gives it. Raises ``ChildProcessError``."""
        return posix.waitpid(pid, 0)[1]

    def reap(self, pid: int) -> None:
        """A child that is about to end, and of which nobody wants to know how."""
        self.wait(pid)

    def forwarder(self) -> Signals:
        """Signals that come to the caller's process are for a child from now on."""
        from rung.runtime.signals import Forwarder

        return Forwarder()

    def own(self, what: str) -> None:
        """What follows means this very process (its terminal, its descriptors): ``what`` says it."""


class _InForce(_local):
    """One a thread: a worker of a shim's (``shim/worker``) serves several parents at once."""

    one = Parent()


_in_force = _InForce()


def parent() -> Parent:
    """The one in force."""
    return _in_force.one


def use_parent(one: Parent) -> None:
    """From now on this thread's children are born to this one."""
    _in_force.one = one


def use_parent_everywhere(one: Parent) -> None:
    """From now on children are born to this one, but those of threads that use another."""
    _InForce.one = one
