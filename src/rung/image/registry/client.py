"""One registry: addresses, redirects, authentication, and what its refusals mean.

Rule: credentials go to the registry and to the token service it names, never along
a redirect to another origin; plain HTTP is spoken to loopback addresses and to
registries that the caller calls insecure, to nobody else.
OCI Distribution 1.1, "Pull"; RFC 9110 section 15.4 (redirects).
"""

from __future__ import annotations

import ipaddress
import os
import threading
from http.client import HTTPException
from urllib.parse import urljoin, urlsplit

from rung import jsonc
from rung.image.errors import RegistryError
from rung.image.registry.auth import (
    Credentials,
    choose_challenge,
    credentials_for,
    parse_challenges,
    pull_scope,
    token_query,
)
from rung.image.registry.http import Pace, Response, exchange
from rung.image.registry.limits import Limits

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from ssl import SSLContext

_HUB_HOST = "registry-1.docker.io"
_REDIRECTS = (301, 302, 303, 307, 308)


class Registry:
    """The registry behind a reference's domain. Safe to use from several threads."""

    def __init__(
        self,
        domain: str,
        *,
        insecure: bool = False,
        credentials: Credentials | None = None,
        limits: Limits | None = None,
    ) -> None:
        self.domain = domain
        self.host = _HUB_HOST if domain == "docker.io" else domain
        self.limits = limits or Limits()
        self.credentials = credentials if credentials is not None else stored_credentials(domain)
        self.may_be_plain = insecure or is_loopback(self.host)
        self._verify = not self.may_be_plain
        self._scheme = "" if self.may_be_plain else "https"
        self._authorization: dict[str, str] = {}  # repository -> header
        self._lock = threading.Lock()

    # --- requests ----------------------------------------------------------------------

    def get(self, repository: str, path: str, headers: Mapping[str, str], pace: Pace) -> Response:
        """``GET /v2/REPOSITORY/PATH``: an answer of status 200 or 206. Raises ``RegistryError``;
        ``TRANSIENT`` errors pass, for the caller to try again."""
        url = f"{self._base()}/v2/{repository}/{path}"
        for attempt in range(2):
            authorization = self._authorization.get(repository)
            response = self._follow(url, headers, pace, authorization)
            if response.status != 401 or attempt:
                break
            with response:
                challenge = response.header("WWW-Authenticate")
            if not self._authenticate(repository, challenge, stale=authorization):
                break
        if response.status in (200, 206):
            return response
        with response:
            raise self._refusal(response, f"{self.domain}/{repository}")

    def _follow(self, url: str, headers: Mapping[str, str], pace: Pace, authorization: str | None) -> Response:
        """An answer that is no redirect."""
        origin = _origin(url)
        for _ in range(self.limits.redirects + 1):
            own = {"Authorization": authorization} if authorization and _origin(url) == origin else {}
            response = exchange("GET", url, {**headers, **own}, pace, self.limits, context=self._context())
            if response.status not in _REDIRECTS:
                return response
            with response:
                target = urljoin(url, response.header("Location"))
            scheme = urlsplit(target).scheme
            if scheme not in ("http", "https") or not urlsplit(target).hostname:
                raise RegistryError("registry", self.domain, f"redirects to {target[:200]!r}, no web address")
            if scheme == "http" and not self.may_be_plain:
                hint = "--insecure allows it"
                raise RegistryError("registry", self.domain, "redirects from https to plain http", hint)
            url = target
        reason = f"redirects more than {self.limits.redirects} times"
        raise RegistryError("registry", self.domain, reason)

    def _base(self) -> str:
        with self._lock:
            if not self._scheme:
                self._scheme = self._probe()
            return f"{self._scheme}://{self.host}"

    def _probe(self) -> str:
        """Plain or TLS, of a registry that may be either. A TLS server answers a plain request
        with a 400 that says so, or with an alert that is no HTTP."""
        pace = Pace(self.limits, self.limits.document_s)
        try:
            with exchange("GET", f"http://{self.host}/v2/", {}, pace, self.limits) as response:
                said = (response.read_all(4096) or b"") if response.status == 400 else b""
        except HTTPException:
            return "https"
        except OSError as error:
            raise unreachable(self.domain, error) from error
        return "https" if b"HTTPS" in said else "http"

    def _context(self) -> SSLContext | None:
        if self._verify:
            return None
        import ssl

        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context

    # --- authentication ----------------------------------------------------------------

    def _authenticate(self, repository: str, header: str, stale: str | None) -> bool:
        """Answer a challenge; whether it is worth trying again."""
        with self._lock:
            if self._authorization.get(repository) != stale:
                return True  # another thread has just done it
            challenge = choose_challenge(parse_challenges(header))
            if challenge is None:
                return False
            if challenge.scheme == "basic":
                if self.credentials is None or not self.credentials.user:
                    return False
                self._authorization[repository] = self.credentials.basic
            else:
                url = token_query(challenge, pull_scope(repository), self.credentials)
                self._authorization[repository] = f"Bearer {self._token(url, challenge.parameters)}"
            return self._authorization[repository] != stale

    def _token(self, url: str, parameters: Mapping[str, str]) -> str:
        parts = urlsplit(url)
        secure = parts.scheme == "https" or self.may_be_plain
        if parts.scheme not in ("http", "https") or not parts.hostname or not secure:
            raise RegistryError("registry", self.domain, f"names {url[:200]!r} as its token service")
        pace = Pace(self.limits, self.limits.document_s)
        headers, body, method = {}, None, "GET"
        if self.credentials and self.credentials.identity_token:
            method, url, body = "POST", parameters["realm"], self._refresh_form(url, parameters)
            headers["Content-Type"] = "application/x-www-form-urlencoded"
        elif self.credentials:
            headers["Authorization"] = self.credentials.basic
        try:
            with exchange(
                method, url, headers, pace, self.limits, context=self._context(), body=body
            ) as response:
                data = response.read_all(self.limits.token_bytes)
        except (OSError, HTTPException) as error:
            raise unreachable(parts.netloc, error) from error
        if response.status != 200:
            raise self._denied(response.status, f"the token service {parts.netloc} says {response.status}")
        try:
            document = jsonc.loads(data or b"")
            token = document.get("token") or document.get("access_token")
        except (ValueError, AttributeError):
            token = None
        if not isinstance(token, str) or not token or any(ord(c) < 33 or ord(c) > 126 for c in token):
            raise RegistryError("registry", self.domain, f"its token service {parts.netloc} gives no token")
        return token

    def _refresh_form(self, url: str, parameters: Mapping[str, str]) -> bytes:
        from urllib.parse import parse_qs, urlencode

        assert self.credentials is not None
        form = {
            "grant_type": "refresh_token",
            "service": parameters.get("service", ""),
            "client_id": "rung",
            "scope": parse_qs(urlsplit(url).query).get("scope", [""])[-1],
            "refresh_token": self.credentials.identity_token,
        }
        return urlencode(form).encode()

    # --- refusals ------------------------------------------------------------------------

    def _refusal(self, response: Response, object: str) -> RegistryError:
        status = response.status
        said = _message(response)
        if status in (401, 403):
            return self._denied(status, said)
        if status == 404:
            return RegistryError("pull", object, said or "not found", "check name and tag", status=404)
        if status == 429:
            hint = "wait, or log in for a higher limit"
            return RegistryError("registry", self.domain, said or "too many requests", hint, status=429)
        return RegistryError("registry", self.domain, f"answers {status}{': ' + said if said else ''}", status=status)

    def _denied(self, status: int, said: str) -> RegistryError:
        hint = "the stored login was refused" if self.credentials else "a login of docker's is used if there is one"
        reason = f"access denied{': ' + said if said else ''}"
        return RegistryError("registry", self.domain, reason, hint, status=status)


def stored_credentials(domain: str) -> Credentials | None:
    """The login that docker has stored for a registry."""
    directory = os.environ.get("DOCKER_CONFIG") or os.path.expanduser("~/.docker")
    path = os.path.join(directory, "config.json")
    try:
        with open(path, "rb") as file:
            config = jsonc.loads(file.read())
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, ValueError) as error:
        raise RegistryError("read", path, str(error)) from error
    return credentials_for(config, domain) if isinstance(config, dict) else None


def is_loopback(host: str) -> bool:
    """``localhost``, 127.0.0.0/8 and ::1, with or without a port."""
    name = urlsplit(f"//{host}").hostname or ""
    if name == "localhost":
        return True
    try:
        return ipaddress.ip_address(name).is_loopback
    except ValueError:
        return False


def unreachable(name: str, error: BaseException) -> RegistryError:
    """The sentence for a registry that cannot be talked to."""
    reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return RegistryError("registry", name, reason, "is the name right and the network up?")


def _origin(url: str) -> tuple[str, str, int]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)


def _message(response: Response) -> str:
    """What the registry itself says went wrong (``{"errors": [{"code", "message"}]}``)."""
    try:
        document = jsonc.loads(response.read_all(1 << 16) or b"")
        first = document["errors"][0]
        text = str(first.get("message") or first.get("code") or "")
    except (ValueError, LookupError, TypeError, AttributeError, OSError, HTTPException):
        return ""
    return "".join(c for c in text[:200] if c.isprintable())
