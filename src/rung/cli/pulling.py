"""Pull an image through the engine, in the name that is logged in at its registry."""

from __future__ import annotations

import sys

from rung.cli.image.api.names import parsed, split
from rung.cli.messages import show

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any, TextIO

    from rung.cli.link.engine import Engine


def pull(engine: Engine, image: str, platform: str = "", *, quiet: bool = False, stream: TextIO = sys.stderr) -> None:
    """Until it is there. Raises ``RungError``."""
    repository, tag = split(image)
    query: dict[str, Any] = {"fromImage": repository, "tag": tag or "latest", "platform": platform}
    answer = engine.stream("POST", "/images/create", None, registry_auth(image), **query)
    show(answer.documents(), stream, quiet=quiet)


def registry_auth(image: str) -> tuple[tuple[str, str], ...]:
    """The header with the login for an image's registry that ``docker login`` or ``rung login`` has kept."""
    from base64 import urlsafe_b64encode

    from rung import jsonc
    from rung.image import stored_login

    domain = parsed(image).domain
    found = stored_login(domain)
    login: dict[str, str] = {}
    if found:
        login = {"username": found.user, "password": found.password, "serveraddress": domain}
        if found.identity_token:
            login = {"identitytoken": found.identity_token, "serveraddress": domain}
    return (("X-Registry-Auth", urlsafe_b64encode(jsonc.dumps(login).encode()).decode()),)
