"""Who we are to a registry: challenges, credentials, token requests. Pure.

RFC 9110 section 11 (challenges), the distribution project's token specification
(``Bearer realm=...,service=...,scope=...``), and docker's ``config.json``.
"""

from __future__ import annotations

import binascii
import re
from base64 import b64decode, b64encode
from urllib.parse import quote, urlencode

from rung.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_SCHEME = re.compile(rf"\s*({_TOKEN})(?:\s+|$)")
_PARAMETER = re.compile(rf'\s*({_TOKEN})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|({_TOKEN}))\s*(?:,|$)')
_DOCKER_HUB = ("https://index.docker.io/v1/", "index.docker.io", "docker.io", "registry-1.docker.io")


class Credentials(Record):
    """A user and a password, or an identity token (docker's ``identitytoken``)."""

    user: str = ""
    password: str = ""
    identity_token: str = ""

    @property
    def basic(self) -> str:
        """The value of an Authorization header."""
        return "Basic " + b64encode(f"{self.user}:{self.password}".encode()).decode()

    def __repr__(self) -> str:
        return f"Credentials({self.user!r}, ...)"  # never into a log


class Challenge(Record):
    """One challenge of a ``WWW-Authenticate`` header; ``scheme`` in lower case."""

    scheme: str
    parameters: dict[str, str]


def parse_challenges(header: str) -> list[Challenge]:
    """The challenges of a header; what does not parse ends the list."""
    found: list[Challenge] = []
    at = 0
    while at < len(header):
        parameter = _PARAMETER.match(header, at)
        if parameter and found:
            value = re.sub(r"\\(.)", r"\1", parameter[2]) if parameter[2] is not None else parameter[3]
            found[-1].parameters[parameter[1].lower()] = value
            at = parameter.end()
            continue
        scheme = _SCHEME.match(header, at)
        if not scheme:
            break
        found.append(Challenge(scheme[1].lower(), {}))
        at = scheme.end()
    return found


def choose_challenge(challenges: list[Challenge]) -> Challenge | None:
    """Bearer before Basic; None where neither is offered."""
    for scheme in ("bearer", "basic"):
        for challenge in challenges:
            if challenge.scheme == scheme:
                return challenge
    return None


def token_query(challenge: Challenge, scope: str, credentials: Credentials | None) -> str:
    """The URL to ask for a token with GET."""
    query = [("scope", challenge.parameters.get("scope") or scope)]
    if service := challenge.parameters.get("service"):
        query.insert(0, ("service", service))
    if credentials and credentials.user:
        query.append(("account", credentials.user))
    realm = challenge.parameters.get("realm", "")
    return f"{realm}{'&' if '?' in realm else '?'}{urlencode(query, quote_via=quote)}"


def pull_scope(repository: str) -> str:
    """What reading a repository needs."""
    return f"repository:{repository}:pull"


def credentials_for(config: Mapping[str, Any], domain: str) -> Credentials | None:
    """What a docker ``config.json`` says about a registry; None where nothing."""
    auths = config.get("auths")
    if not isinstance(auths, dict):
        return None
    names = _DOCKER_HUB if domain == "docker.io" else (domain,)
    for key, entry in auths.items():
        plain = key.split("://", 1)[-1].split("/", 1)[0]
        if (key in names or plain in names) and isinstance(entry, dict):
            return _entry(entry)
    return None


def _entry(entry: dict[str, Any]) -> Credentials | None:
    token = entry.get("identitytoken")
    user, password = entry.get("username"), entry.get("password")
    auth = entry.get("auth")
    if isinstance(auth, str) and auth:
        try:
            user, _, password = b64decode(auth, validate=True).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return None
    if isinstance(token, str) and token:
        return Credentials(str(user or ""), "", token)
    if isinstance(user, str) and isinstance(password, str) and user:
        return Credentials(user, password.rstrip("\0"))
    return None
