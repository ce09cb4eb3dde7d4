"""A bundle's configuration, as far as the shim looks into it: the runtime checks it."""

from __future__ import annotations

from rung import jsonc
from rung.files import read_file
from rung.shim.errors import BadRequest, ShimError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def read_config(bundle: str) -> dict[str, Any]:
    """The whole document."""
    path = f"{bundle}/config.json"
    try:
        return document(read_file(path), path)
    except OSError as error:
        raise ShimError("read", f'"{path}"', error.strerror or "") from None


def document(given: bytes, what: str) -> dict[str, Any]:
    """A JSON object. Raises ``BadRequest``."""
    try:
        found = jsonc.loads(given)
    except ValueError as error:
        raise BadRequest(what, "", f"is not JSON: {error}") from None
    if not isinstance(found, dict):
        raise BadRequest(what, "", "must be a JSON object")
    return found


def shares_pids(config: dict[str, Any]) -> bool:
    """Whether its processes live in a PID namespace that does not end with its init."""
    namespaces = (config.get("linux") or {}).get("namespaces") or ()
    return not any(one.get("type") == "pid" and not one.get("path") for one in namespaces)
