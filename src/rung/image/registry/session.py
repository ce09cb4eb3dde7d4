"""``rung login`` and ``rung logout``: a login is tried before it is kept.

The registry is asked as docker asks it: ``GET /v2/``, and where it wants a token, for an
identity token too (``offline_token``), which is then kept instead of the password.
"""

from __future__ import annotations

from rung.image.errors import RegistryError
from rung.image.registry import auth, logins
from rung.image.registry.auth import Credentials
from rung.image.registry.client import Registry
from rung.image.registry.pace import Pace
from rung.image.registry.refusal import denied, refusal, unreachable
from rung.image.registry.transport import TRANSIENT
from rung.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.image.registry.host import Host
    from rung.image.registry.limits import Limits


class LoggedIn(Record):
    """``kept_by``: a credential helper's name, or the file that now holds the secret unencrypted."""

    registry: str
    kept_by: str
    is_encrypted: bool


def registry_of(server: str) -> str:
    """``https://host/v1/`` and ``host`` as a registry's name; docker's hub for an empty one."""
    host = server.split("://", 1)[-1].split("/", 1)[0]
    return "docker.io" if logins.login_key(host or "docker.io") == logins.HUB else host


def login(
    server: str, user: str, password: str, *, insecure: bool = False, limits: Limits | None = None
) -> LoggedIn:
    """Try a login and keep it where docker does. Raises ``RegistryError``."""
    domain = registry_of(server)
    given = Credentials(user, password)
    with Registry(domain, insecure=insecure, credentials=given, limits=limits) as registry:
        try:
            kept = _tried(registry.origin, given)
        except TRANSIENT as error:
            raise unreachable(domain, error) from error
    where = logins.store(domain, kept)
    return LoggedIn(domain, where, not where.endswith("/config.json"))


def try_login(server: str, given: Credentials, *, insecure: bool = False) -> str:
    """Try a login without keeping it: the identity token that came of it, or empty. Raises ``RegistryError``."""
    domain = registry_of(server)
    with Registry(domain, insecure=insecure, credentials=given) as registry:
        try:
            return _tried(registry.origin, given).identity_token
        except TRANSIENT as error:
            raise unreachable(domain, error) from error


def logout(server: str) -> bool:
    """Forget a login; whether there was one."""
    return logins.erase(registry_of(server))


def stored_login(server: str) -> Credentials | None:
    """A kept login, None where there is none. Raises ``RegistryError``."""
    return logins.find(registry_of(server))


def stored_user(server: str) -> str:
    """The user of a kept login, empty where there is none."""
    found = logins.find(registry_of(server))
    return found.user if found and found.user != auth.TOKEN_USER else ""


def _tried(host: Host, given: Credentials) -> Credentials:
    """What is to be kept of a login that works."""
    challenge, status = host.challenge()
    if challenge is None and status != 401:
        return given  # it lets everybody in: as docker, whatever was typed is kept
    if challenge is None:
        raise RegistryError("login", host.name, "wants a login of a kind that is not known here")
    if challenge.scheme == "basic":
        header, kept = given.basic, given
    else:
        token = host.token(challenge, [], given, offline=True)
        header = f"Bearer {token.access}"
        kept = Credentials(given.user, "", token.refresh) if token.refresh else given
    pace = Pace(host.limits, host.limits.document_s)
    with host.request("GET", "", (), {"Authorization": header}, pace) as response:
        if response.status == 401:
            raise denied(host.name, 401, "wrong user or password", is_logged_in=False)
        if response.status != 200:
            raise refusal(response, host.name, host.name, is_logged_in=True)
    return kept
