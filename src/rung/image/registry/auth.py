"""Who we are to a registry: challenges, credentials, token requests. Pure.

RFC 9110 section 11 (challenges) and the distribution project's token specification
(``Bearer realm=...,service=...,scope=...``; ``POST`` with OAuth 2 for identity tokens).
"""

from __future__ import annotations

import re
from base64 import b64encode
from urllib.parse import quote, urlencode

from rung import jsonc
from rung.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

CLIENT_ID = "rung"
#: The user that a credential helper names beside an identity token.
TOKEN_USER = "<token>"

_TOKEN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_SCHEME = re.compile(rf"\s*({_TOKEN})(?:\s+|$)")
_PARAMETER = re.compile(rf'\s*({_TOKEN})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|({_TOKEN}))\s*(?:,|$)')


class Credentials(Record):
    """A user and a password, or an identity token (docker's ``identitytoken``)."""

    user: str = ""
    password: str = ""
    identity_token: str = ""

    @property
    def basic(self) -> str:
        """The value of an Authorization header."""
        return basic(self.user, self.password)

    def __repr__(self) -> str:
        return f"Credentials({self.user!r}, ...)"  # never into a log


def basic(user: str, password: str) -> str:
    """RFC 7617."""
    return "Basic " + b64encode(f"{user}:{password}".encode()).decode()


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


def scopes_for(challenge: Challenge, wanted: Sequence[str]) -> list[str]:
    """What we want, and what the registry says it takes: it knows better, but not of a mount's source."""
    kept: list[str] = []
    for one in [*challenge.parameters.get("scope", "").split(), *wanted]:
        if not any(_covers(other, one) for other in kept):
            kept = [other for other in kept if not _covers(one, other)] + [one]
    return kept


def _covers(said: str, wanted: str) -> bool:
    name, _, actions = said.rpartition(":")
    wanted_name, _, wanted_actions = wanted.rpartition(":")
    return name == wanted_name and set(wanted_actions.split(",")) <= set(actions.split(","))


def token_query(
    challenge: Challenge, scopes: Sequence[str], credentials: Credentials | None, *, offline: bool = False
) -> str:
    """The URL to ask for a token with GET; ``offline`` asks for an identity token too."""
    query = [("scope", scope) for scope in scopes]
    if service := challenge.parameters.get("service"):
        query.insert(0, ("service", service))
    if credentials and credentials.user:
        query.append(("account", credentials.user))
    if offline:
        query += [("client_id", CLIENT_ID), ("offline_token", "true")]
    realm = challenge.parameters.get("realm", "")
    return f"{realm}{'&' if '?' in realm else '?'}{urlencode(query, quote_via=quote)}" if query else realm


def refresh_form(challenge: Challenge, scopes: Sequence[str], credentials: Credentials) -> bytes:
    """The form to POST for a token with an identity token (RFC 6749 section 6)."""
    form = {
        "grant_type": "refresh_token",
        "service": challenge.parameters.get("service", ""),
        "client_id": CLIENT_ID,
        "scope": " ".join(scopes),
        "refresh_token": credentials.identity_token,
    }
    return urlencode(form).encode()


class Token(Record):
    """``refresh`` is an identity token, empty where none was given."""

    access: str
    refresh: str = ""


def parse_token(data: bytes | None) -> Token | None:
    """What a token service answered; None where there is no token in it that may be sent."""
    try:
        document = jsonc.loads(data or b"")
        access, refresh = document.get("token") or document.get("access_token"), document.get("refresh_token")
    except (ValueError, AttributeError):
        return None
    if not isinstance(access, str) or not access or any(ord(c) < 33 or ord(c) > 126 for c in access):
        return None
    return Token(access, refresh if isinstance(refresh, str) else "")


def pull_scope(repository: str) -> str:
    """What reading a repository needs."""
    return f"repository:{repository}:pull"


def push_scope(repository: str) -> str:
    """What writing into a repository needs."""
    return f"repository:{repository}:pull,push"
