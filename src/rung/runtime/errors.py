"""What can go wrong in the life of a container.

    RuntimeFailure
    +- BundleError         the bundle or its rootfs cannot be used
    +- ContainerExists     an id is taken
    +- ContainerNotFound   an id is unknown
    +- StateError          the container's state does not allow the operation
    +- StepError           rung-init failed: names step, object, call and errno
    |  +- InitKilled       it was killed: names the step it was at
    |  +- ExecError        the program could not be executed, when all else was done
    +- HookError           a hook failed
    +- CriuError           CRIU is missing, cannot do what it is asked for, or failed at it
    +- CgroupError         see runtime/cgroup
"""

from __future__ import annotations

from rung.errors import RungError


class RuntimeFailure(RungError):
    """Something on rung 1 failed."""


class BundleError(RuntimeFailure):
    """The bundle, its config.json or its root file system cannot be used."""


class ContainerExists(RuntimeFailure):
    """The id belongs to another container under this root."""


class ContainerNotFound(RuntimeFailure):
    """No container of that id under this root."""


class StateError(RuntimeFailure):
    """The operation is not allowed in the container's state (runtime.md#lifecycle)."""


class HookError(RuntimeFailure):
    """A hook could not run, ended with another status than 0, or took too long."""


class StepError(RuntimeFailure):
    """rung-init could not carry out a step of the plan."""

    def __init__(self, step: str, object: str, reason: str, errno: int) -> None:
        super().__init__(step, object, reason)
        self.errno = errno


class ExecError(StepError):
    """The last step failed. Where nobody listened any more, init has said so on its own stderr."""


class CgroupNotEntered(StepError):
    """The process could not be born into its cgroup; nothing has happened."""


class InitKilled(StepError):
    """rung-init ended by a signal before it was ready."""


class CriuError(RuntimeFailure):
    """CRIU is not there, lacks a feature, or failed: its log says more."""
