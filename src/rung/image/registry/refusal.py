"""What a registry's refusal means, as one sentence; and which refusals another try may mend.

OCI Distribution 1.1, "Error Codes"; RFC 9110 section 10.2.3 (Retry-After), RFC 6585 section 4 (429).
"""

from __future__ import annotations

from rung import jsonc
from rung.image.errors import RegistryError
from rung.image.registry.transport import TRANSIENT
from rung.image.registry.wire import is_certificate_error, is_tls_error

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rung.image.registry.limits import Limits
    from rung.image.registry.transport import Response

AGAIN = (408, 425, 429, 500, 502, 503, 504)
_ERROR_LIMIT = 1 << 16


def refusal(response: Response, registry: str, object: str, *, is_logged_in: bool) -> RegistryError:
    """The error for an answer that says no; reads the answer's body."""
    status = response.status
    said = _message(response)
    if status in (401, 403):
        return denied(registry, status, said, is_logged_in=is_logged_in)
    if status == 404:
        return RegistryError("registry", object, said or "not found", "check name and tag", status=404)
    if status == 429:
        hint = "wait, or log in for a higher limit"
        error = RegistryError("registry", registry, said or "too many requests", hint, status=429)
    else:
        error = RegistryError("registry", object, f"answers {status}{': ' + said if said else ''}", status=status)
    error.retry_after_s = parse_retry_after(response.header("Retry-After"))
    return error


def denied(registry: str, status: int, said: str, *, is_logged_in: bool) -> RegistryError:
    """Whoever we are, we may not."""
    hint = "the stored login was refused" if is_logged_in else f"rung login {registry}"
    reason = f"access denied{': ' + said if said else ''}"
    return RegistryError("registry", registry, reason, hint, status=status)


def unreachable(name: str, error: BaseException) -> RegistryError:
    """The sentence for a registry that cannot be talked to."""
    if is_certificate_error(error):
        reason = f"its certificate is not trusted: {getattr(error, 'verify_message', '') or error}"
        hint = f"put its authority's into /etc/rung/certs.d/{name}/ca.crt, or use --insecure"
        return RegistryError("registry", name, reason, hint)
    if is_tls_error(error):
        reason = str(getattr(error, "reason", "") or error).replace("_", " ").lower()
        hint = f"who we are is said by client.cert and client.key in /etc/rung/certs.d/{name}"
        return RegistryError("registry", name, f"TLS fails: {reason}", hint if "certificate" in reason else "")
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return RegistryError("registry", name, reason, "is the name right and the network up?")


def parse_retry_after(value: str) -> float:
    """Seconds; 0 where nothing (or nothing sensible) is said."""
    if value.isascii() and value.isdigit():
        return float(value[:9])
    if not value:
        return 0.0
    from email.utils import parsedate_to_datetime
    from time import time

    try:
        return max(0.0, parsedate_to_datetime(value).timestamp() - time())
    except (ValueError, TypeError, OverflowError):
        return 0.0


def _message(response: Response) -> str:
    """What the registry itself says went wrong (``{"errors": [{"code", "message"}]}``)."""
    try:
        document = jsonc.loads(response.read_all(_ERROR_LIMIT) or b"")
        first = document["errors"][0]
        text = str(first.get("message") or first.get("code") or "")
    except (ValueError, LookupError, TypeError, AttributeError, *TRANSIENT):
        return ""
    return "".join(c for c in text[:200] if c.isprintable())


class Tries:
    """How often something is tried, and how long is waited in between.

    ``pause``: waits so many seconds, or raises where the whole work was given up; ``doing``: operation
    and object of the error in the end; ``final``: errors that no other try is made after."""

    def __init__(
        self,
        limits: Limits,
        registry: str,
        pause: Callable[[float], object],
        *,
        doing: tuple[str, str] = ("", ""),
        final: tuple[type[BaseException], ...] = (),
    ) -> None:
        self._limits = limits
        self._registry = registry
        self._pause = pause
        self._doing = doing
        self._final = final
        self._left = limits.attempts

    def progressed(self) -> None:
        """The last try brought something: count anew."""
        self._left = self._limits.attempts

    def again(self, error: Exception) -> None:
        """Return when it is time for another try; raise where none is worth it."""
        problem = error if isinstance(error, RegistryError) else unreachable(self._registry, error)
        if problem.status not in (0, *AGAIN) or (isinstance(error, RegistryError) and not problem.status):
            raise error
        if isinstance(error, self._final) or is_tls_error(error) or _is_unknown_name(error):
            raise problem from error
        self._left -= 1
        if problem.retry_after_s > self._limits.retry_after_s:
            reason = f"{problem.reason}; it wants {problem.retry_after_s:.0f} seconds of rest"
            raise RegistryError(problem.operation, problem.object, reason, problem.hint, status=problem.status)
        if self._left <= 0:
            doing = self._doing if self._doing[0] else (problem.operation, problem.object)
            raise RegistryError(*doing, problem.reason, "try again later", status=problem.status) from error
        backoff = self._limits.backoff_s * 2 ** (self._limits.attempts - self._left - 1)
        self._pause(max(backoff, problem.retry_after_s))


def _is_unknown_name(error: BaseException) -> bool:
    import socket

    return isinstance(error, socket.gaierror) and error.errno != socket.EAI_AGAIN


