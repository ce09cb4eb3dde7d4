"""What the engine refuses, in the words that Docker's clients show and look for.

    EngineError            the engine's own fault, or of something below it
    +- BadParameter        the request makes no sense
    +- NotFound            there is no such thing
    +- Conflict            the thing's state, or another thing, is in the way
    +- NotModified         it is so already
    +- NotAllowed          the engine does not do this, here or at all
    +- Unavailable         not now
    +- SwitchedOff         the engine, or this container, has it switched off

``docker/errors.py`` has the table of HTTP's statuses.
"""

from __future__ import annotations

from rung.errors import RungError


class EngineError(RungError):
    """A sentence for the user."""

    def __init__(self, message: str) -> None:
        super().__init__(message)


class BadParameter(EngineError):
    """The request makes no sense."""


class NotFound(EngineError):
    """There is no such thing."""


class Conflict(EngineError):
    """Not in this state, or not beside that other thing."""


class NotModified(EngineError):
    """It is so already."""


class NotAllowed(EngineError):
    """Not here, or not at all."""


class Unavailable(EngineError):
    """Not now."""


class StalledError(EngineError):
    """A file system, a shim or a runtime has not answered in time."""


class SwitchedOff(EngineError):
    """Switched off."""
