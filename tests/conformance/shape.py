"""What a JSON document looks like, without its values: the contract programs rely on."""

from __future__ import annotations

from typing import Any


def shape(value: Any) -> Any:
    """Keys and kinds: an object gives its members' shapes, a list the shape of its first element."""
    if isinstance(value, dict):
        return {name: shape(member) for name, member in sorted(value.items())}
    if isinstance(value, list):
        return [shape(value[0])] if value else []
    if isinstance(value, bool):
        return "boolean"
    if value is None:
        return "null"
    return "number" if isinstance(value, (int, float)) else "string"


def lacking(wanted: Any, got: Any, path: str = "") -> list[str]:
    """Where the shape ``got`` does not give what the shape ``wanted`` has."""
    if isinstance(wanted, dict) and isinstance(got, dict):
        gone = [f"{path}.{name} is missing" for name in wanted if name not in got]
        both = [name for name in wanted if name in got]
        return gone + [line for name in both for line in lacking(wanted[name], got[name], f"{path}.{name}")]
    if isinstance(wanted, list) and isinstance(got, list):
        return lacking(wanted[0], got[0], f"{path}[]") if wanted and got else []
    return [] if wanted == got else [f"{path} is {got}, not {wanted}"]
