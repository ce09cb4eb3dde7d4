"""What the library raises.

    RungError
    +- ClientError
       +- Unreachable        no engine answers at the socket
       +- ApiError           the engine refused: its status and its sentence
       |  +- BadRequest 400  +- Forbidden 403  +- NotFound 404  +- Conflict 409  +- ServerError 5xx
       +- TransferFailed     a pull, push or load that had begun
       +- ContainerFailed    containers.run: the command's exit status was not 0
       +- ExecFailed         box.exec(check=True): the same, or it ran out of time
       +- TooLarge           a file of a sandbox that is larger than was asked for
"""

from __future__ import annotations

from rung.errors import RungError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.client.words import Result


class ClientError(RungError):
    """All of this library's."""


class Unreachable(ClientError):
    """No engine answers."""


class ApiError(ClientError):
    """The engine's refusal. ``str()`` is its sentence."""

    def __init__(self, status: int, sentence: str, request: str) -> None:
        super().__init__("", "", sentence or f"the engine answers {status} to {request}")
        self.status = status
        self.request = request


class BadRequest(ApiError):
    """400: what was asked for cannot be."""


class Forbidden(ApiError):
    """403."""


class NotFound(ApiError):
    """404: no such container, image, network, volume."""


class Conflict(ApiError):
    """409: not in the state that it is in."""


class ServerError(ApiError):
    """500 and above."""


class TransferFailed(ClientError):
    """An image was on its way."""


class ContainerFailed(ClientError):
    """A container that was run to its end has failed."""

    def __init__(self, container: str, exit_status: int, stderr: bytes) -> None:
        said = stderr.decode("utf-8", "replace").strip().rpartition("\n")[2]
        super().__init__("run", container, f"exit status {exit_status}" + (f": {said}" if said else ""))
        self.exit_status = exit_status
        self.stderr = stderr


class ExecFailed(ClientError):
    """A command in a sandbox has failed."""

    def __init__(self, argv: list[str], result: Result) -> None:
        said = result.stderr.strip().rpartition("\n")[2]
        why = "ran out of time" if result.timed_out else f"exit status {result.exit_code}"
        super().__init__("exec", " ".join(argv)[:200], why + (f": {said}" if said else ""))
        self.result = result


class TooLarge(ClientError):
    """More than the limit."""


_KINDS: dict[int, type[ApiError]] = {400: BadRequest, 403: Forbidden, 404: NotFound, 409: Conflict}


def refusal(status: int, body: bytes, request: str) -> ApiError:
    """The error that an answer says."""
    from rung import jsonc

    try:
        sentence = str(jsonc.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        sentence = body.decode("utf-8", "replace").strip()
    return _KINDS.get(status, ServerError if status >= 500 else ApiError)(status, sentence, request)


def unreachable(path: str, error: OSError) -> Unreachable:
    """Why nobody answers at ``path``, and what helps."""
    hint = "is rungd running?"
    if isinstance(error, PermissionError):
        hint = "only root and the members of its group may"
    return Unreachable("connect to", path, (error.strerror or str(error)).lower(), hint)
