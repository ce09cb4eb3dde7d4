"""One address of a registry: redirects and authentication.

Rule: credentials go to this address and to the token service that *it* names, never
along a redirect to another origin, and a challenge of anybody else is not answered
(CVE-2020-15157: a foreign server's challenge got the registry's password). Plain HTTP is
spoken only where the endpoint says that it may be.
OCI Distribution 1.1; RFC 9110 sections 11 and 15.4.
"""

from __future__ import annotations

import threading
from urllib.parse import urljoin, urlsplit

from rung.image.errors import RegistryError
from rung.image.registry import auth
from rung.image.registry.pace import Pace
from rung.image.registry.proxy import is_loopback
from rung.image.registry.refusal import denied, unreachable
from rung.image.registry.tls import Tls
from rung.image.registry.transport import TRANSIENT, Bytes
from rung.image.registry.wire import ProtocolError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from rung.image.registry.auth import Challenge, Credentials, Token
    from rung.image.registry.hosts import Endpoint
    from rung.image.registry.limits import Limits
    from rung.image.registry.transport import Body, Response, Transport

_REDIRECTS = (301, 302, 303, 307, 308)


class Host:
    """Requests to one endpoint. Safe to use from several threads."""

    def __init__(
        self,
        endpoint: Endpoint,
        domain: str,
        transport: Transport,
        limits: Limits,
        login: Callable[[str], Credentials | None],
    ) -> None:
        self.endpoint = endpoint
        self.domain = domain
        self.limits = limits
        self._transport = transport
        self._login = login
        self._credentials: Credentials | None = None
        self._knows_credentials = False
        self._scheme = endpoint.scheme
        self._authorization: dict[tuple[str, ...], str] = {}  # scopes -> header
        self._lock = threading.Lock()

    @property
    def name(self) -> str:
        """The registry's name; a mirror's own address."""
        return self.endpoint.host if self.endpoint.is_mirror else self.domain

    def request(
        self,
        method: str,
        path: str,
        scopes: Sequence[str],
        headers: Mapping[str, str],
        pace: Pace,
        *,
        body: Body | None = None,
    ) -> Response:
        """Any answer that is neither a redirect nor a challenge that we can meet. ``path`` goes behind
        ``/v2/``; it may be a whole URL that this host has given us. ``TRANSIENT`` errors pass."""
        url = self.url(path)
        key = tuple(scopes)
        for attempt in range(2):
            authorization = self._authorization.get(key)
            response = self._follow(method, url, headers, pace, authorization, body)
            if response.status != 401 or attempt or not self._is_ours(response.url):
                break
            try:
                is_met = self._authenticate(key, response.header("WWW-Authenticate"), stale=authorization)
            except BaseException:
                response.close()
                raise
            if not is_met:
                break
            response.close()
        return response

    def challenge(self) -> tuple[Challenge | None, int]:
        """What ``GET /v2/`` answers to somebody unknown: the challenge to meet, and the status."""
        pace = Pace(self.limits, self.limits.document_s)
        with self._follow("GET", self.url(""), {}, pace, None, None) as response:
            header = response.header("WWW-Authenticate") if response.status == 401 else ""
        return auth.choose_challenge(auth.parse_challenges(header)), response.status

    def url(self, path: str) -> str:
        """Where a path of the registry's interface is."""
        if "://" in path:
            return path
        if not path.startswith("/"):
            path = f"{self.endpoint.prefix}/{path}"
        if self.endpoint.is_mirror:
            path += f"{'&' if '?' in path else '?'}ns={self.domain}"
        return f"{self.scheme()}://{self.endpoint.host}{path}"

    @property
    def is_logged_in(self) -> bool:
        """Whether there is a login for it."""
        return self.credentials() is not None

    def credentials(self) -> Credentials | None:
        """The login for this address; looked up once."""
        with self._lock:
            return self._find_credentials()

    def _find_credentials(self) -> Credentials | None:
        if not self._knows_credentials:
            self._credentials = self._login(self.name)
            self._knows_credentials = True
        return self._credentials

    # --- going there ---------------------------------------------------------------------

    def _is_ours(self, url: str) -> bool:
        parts = urlsplit(url)
        return (parts.scheme, parts.netloc) == (self._scheme, self.endpoint.host)

    def _follow(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        pace: Pace,
        authorization: str | None,
        body: Body | None,
    ) -> Response:
        """An answer that is no redirect."""
        for _ in range(self.limits.redirects + 1):
            own = dict(self.endpoint.headers) if self._is_ours(url) else {}
            if authorization and self._is_ours(url):
                own["Authorization"] = authorization
            tls = self._tls(url)
            response = self._transport.exchange(method, url, {**headers, **own}, pace, tls=tls, body=body)
            if response.status not in _REDIRECTS:
                return response
            with response:
                location = response.header("Location")
            if response.status == 303 and method not in ("GET", "HEAD"):
                method, body = "GET", None
            url = self.checked(urljoin(url, location), "redirects to")
        reason = f"redirects more than {self.limits.redirects} times"
        raise RegistryError("registry", self.name, reason)

    def elsewhere(self, url: str, headers: Mapping[str, str], pace: Pace) -> Response:
        """Get what a manifest says is at another address: as nobody, whoever asks for a login there.
        It may be plain HTTP: what comes is believed for its digest alone."""
        if not _is_web_address(url):
            raise RegistryError("registry", self.name, f"says that a layer is at {url[:200]!r}, no web address")
        return self._follow("GET", url, headers, pace, None, None)

    def checked(self, url: str, doing: str) -> str:
        """A URL that this host sends us to, if one may go there."""
        if not _is_web_address(url):
            raise RegistryError("registry", self.name, f"{doing} {url[:200]!r}, no web address")
        parts = urlsplit(url)
        if parts.scheme == "http" and not self.endpoint.may_be_plain:
            hint = "--insecure allows it"
            raise RegistryError("registry", self.name, f"{doing} plain http ({parts.netloc[:100]}) from https", hint)
        return url

    def _tls(self, url: str) -> Tls:
        """Trust for another host than this one: the same authorities; who we are is not for it."""
        if self._is_ours(url):
            return self.endpoint.tls
        tls = self.endpoint.tls
        # What is not verified on loopback, because nobody asked, is verified elsewhere.
        asked = not (is_loopback(self._hostname) and not is_loopback(urlsplit(url).hostname or ""))
        other: Tls = tls.replace(clients=(), verify=tls.verify or not asked)
        return other

    @property
    def _hostname(self) -> str:
        return urlsplit(f"//{self.endpoint.host}").hostname or ""

    def scheme(self) -> str:
        """Plain or TLS; found out once where it may be either."""
        with self._lock:
            if not self._scheme:
                self._scheme = self._probe()
            return self._scheme

    def _probe(self) -> str:
        """A TLS server answers a plain request with a 400 that says so, or with an alert that is no HTTP."""
        pace = Pace(self.limits, self.limits.document_s)
        url = f"http://{self.endpoint.host}{self.endpoint.prefix}/"
        try:
            with self._transport.exchange("GET", url, {}, pace) as response:
                said = (response.read_all(4096) or b"") if response.status == 400 else b""
        except (ProtocolError, ConnectionResetError):
            return "https"
        except OSError as error:
            raise unreachable(self.name, error) from error
        return "https" if b"HTTPS" in said else "http"

    # --- who we are ----------------------------------------------------------------------

    def _authenticate(self, key: tuple[str, ...], header: str, stale: str | None) -> bool:
        """Answer a challenge; whether it is worth trying again."""
        with self._lock:
            if self._authorization.get(key) != stale:
                return True  # another thread has just done it
            challenge = auth.choose_challenge(auth.parse_challenges(header))
            if challenge is None:
                return False
            credentials = self._find_credentials()
            if challenge.scheme == "basic":
                if credentials is None or not credentials.user or credentials.identity_token:
                    return False
                self._authorization[key] = credentials.basic
            else:
                token = self.token(challenge, auth.scopes_for(challenge, key), credentials)
                self._authorization[key] = f"Bearer {token.access}"
            return self._authorization[key] != stale

    def token(
        self, challenge: Challenge, scopes: Sequence[str], credentials: Credentials | None, *, offline: bool = False
    ) -> Token:
        """Ask the token service that the challenge names. ``offline``: for an identity token too."""
        realm = self.checked(challenge.parameters.get("realm", ""), "names as its token service")
        headers, body = {}, None
        if credentials and credentials.identity_token:
            method, url = "POST", realm
            body = Bytes(auth.refresh_form(challenge, scopes, credentials))
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        else:
            method, url = "GET", auth.token_query(challenge, scopes, credentials, offline=offline)
            if credentials:
                headers["Authorization"] = credentials.basic
        name = urlsplit(realm).netloc
        pace = Pace(self.limits, self.limits.document_s)
        try:
            with self._transport.exchange(method, url, headers, pace, tls=self._tls(url), body=body) as response:
                data = response.read_all(self.limits.token_bytes)
        except TRANSIENT as error:
            raise unreachable(name, error) from error
        if response.status in (400, 401, 403):
            said = f"the token service {name} says {response.status}"
            raise denied(self.name, response.status, said, is_logged_in=credentials is not None)
        token = auth.parse_token(data) if response.status == 200 else None
        if token is None:
            reason = f"its token service {name} gives no token (status {response.status})"
            raise RegistryError("registry", self.name, reason, status=0 if response.status == 200 else response.status)
        return token


def _is_web_address(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that is none
        return False
