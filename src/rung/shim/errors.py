"""What a shim answers instead of an answer: a sentence and a code of ttrpc's.

    ShimError
    +- NotFound             no such task or process, or it is over
    +- AlreadyExists        the id is taken
    +- FailedPrecondition   the task's state does not allow it
    +- BadRequest           the request makes no sense

What else goes wrong below is ``UNKNOWN`` with its own sentence: ``code_of`` is the one table.
"""

from __future__ import annotations

from rung.errors import RungError
from rung.spec.shim import ttrpc


class ShimError(RungError):
    """A call to the shim failed."""

    code = ttrpc.UNKNOWN


class NotFound(ShimError):
    """No such task or process, or it has ended."""

    code = ttrpc.NOT_FOUND


class AlreadyExists(ShimError):
    """The id belongs to another one."""

    code = ttrpc.ALREADY_EXISTS


class FailedPrecondition(ShimError):
    """Not in this state."""

    code = ttrpc.FAILED_PRECONDITION


class BadRequest(ShimError):
    """What is asked for cannot be meant."""

    code = ttrpc.INVALID_ARGUMENT


def code_of(error: BaseException) -> int:
    """The code that tells an error to the caller."""
    return error.code if isinstance(error, ShimError) else ttrpc.UNKNOWN
