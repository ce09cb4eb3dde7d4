"""Whose name a request pulls and pushes in: ``X-Registry-Auth``, and ``/auth``, which tries a login.

The header is base64 (URL's alphabet) of ``{"username", "password", "identitytoken", "serveraddress"}``.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode
from binascii import Error

from rung import jsonc
from rung.engine.errors import BadParameter
from rung.image import Credentials

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from rung.engine.docker.call import Call

#: Without a user there is no login, and no kept login of root's is to be used for a client.
NOBODY = Credentials()


def credentials_of(call: Call) -> Credentials:
    """Those that came with a request. Raises ``BadParameter``."""
    text = call.request.get("x-registry-auth")
    if not text:
        return NOBODY
    try:
        found = jsonc.loads(urlsafe_b64decode(text + "=" * (-len(text) % 4)) or b"{}")
        return _credentials(found)
    except (Error, ValueError, AttributeError):
        raise BadParameter("invalid X-Registry-Auth header: it is no JSON in base64") from None


def _credentials(given: Mapping[str, Any]) -> Credentials:
    user, password = str(given.get("username") or ""), str(given.get("password") or "")
    return Credentials(user, password, str(given.get("identitytoken") or ""))


def login(given: Mapping[str, Any]) -> dict[str, str]:
    """Try a login, and keep nothing: keeping is the client's. Raises what the registry says."""
    from rung.image import try_login

    token = try_login(str(given.get("serveraddress") or ""), _credentials(given))
    return {"Status": "Login Succeeded", "IdentityToken": token}
