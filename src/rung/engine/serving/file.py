"""``daemon.json`` on the disk."""

from __future__ import annotations

from rung import jsonc
from rung.engine.errors import EngineError
from rung.engine.serving.settings import CONFIG_FILE

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


def config_file() -> str:
    """Where it is, if nothing else is said."""
    return CONFIG_FILE


def read_file(path: str, *, needed: bool = False) -> dict[str, Any]:
    """Its object; an empty one where there is no file, unless it is needed. Raises ``EngineError``."""
    try:
        with open(path, "rb") as file:
            text = file.read()
    except FileNotFoundError:
        if not needed:
            return {}
        raise EngineError(f"{path}: there is no such file") from None
    except OSError as error:
        raise EngineError(f"{path}: {error.strerror}") from None
    try:
        found = jsonc.loads(text) if text.strip() else {}
    except (ValueError, UnicodeDecodeError) as error:
        raise EngineError(f"{path}: this is no JSON: {error}") from None
    if not isinstance(found, dict):
        raise EngineError(f"{path}: it must be one JSON object")
    return found
