"""Reading fields out of a JSON document so that every error names the field.

Rule: nothing here knows a standard; a ``Fields`` is one JSON object, its path in the
document, and typed access. ``null`` counts as absent, because Docker writes it so.
"""

from __future__ import annotations

from rung import jsonc
from rung.spec.errors import SpecError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any

_KINDS = {str: "a string", int: "a number", dict: "an object", list: "a list", bool: "true or false"}


class Fields:
    """One object of a document."""

    def __init__(self, value: Any, document: str, path: str = "") -> None:
        self.document = document
        self.path = path
        if not isinstance(value, dict):
            raise self.broken("", f"must be an object, not {value!r:.60}")
        self.value: dict[str, Any] = value

    @classmethod
    def load(cls, data: bytes, document: str) -> Fields:
        """The object that a JSON document is."""
        try:
            value = jsonc.loads(data)
        except (ValueError, RecursionError) as error:
            raise SpecError("", f"is not JSON: {error}", document=document) from None
        return cls(value, document)

    def broken(self, name: str, reason: str, hint: str = "") -> SpecError:
        """The error that says what is wrong with a field."""
        field = ".".join(part for part in (self.path, name) if part)
        return SpecError(field, reason, hint, document=self.document)

    def _get(self, name: str, kind: type, required: bool) -> Any:
        value = self.value.get(name)
        if value is None:
            if required:
                raise self.broken(name, "is missing")
            return None
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise self.broken(name, f"must be {_KINDS[kind]}, not {value!r:.60}")
        return value

    def text(self, name: str, default: str | None = None) -> str:
        """A string; required where no default is given."""
        value = self._get(name, str, default is None)
        return str(default) if value is None else str(value)

    def number(self, name: str, default: int | None = None) -> int:
        """A whole number; required where no default is given."""
        value = self._get(name, int, default is None)
        return int(default or 0) if value is None else int(value)

    def flag(self, name: str) -> bool:
        """A truth value; absent is false."""
        return bool(self._get(name, bool, False))

    def object(self, name: str) -> Fields | None:
        """A nested object, if it is there."""
        value = self._get(name, dict, False)
        return None if value is None else Fields(value, self.document, self._below(name))

    def required_object(self, name: str) -> Fields:
        """A nested object that must be there."""
        return Fields(self._get(name, dict, True), self.document, self._below(name))

    def items(self, name: str, *, required: bool = False) -> Iterator[tuple[str, Any]]:
        """A list's values, each with its path in the document."""
        for at, value in enumerate(self._get(name, list, required) or ()):
            yield self._below(f"{name}[{at}]"), value

    def objects(self, name: str, *, required: bool = False) -> Iterator[Fields]:
        """A list of objects."""
        for path, value in self.items(name, required=required):
            yield Fields(value, self.document, path)

    def texts(self, name: str) -> tuple[str, ...]:
        """A list of strings; absent is empty."""
        values = []
        for path, value in self.items(name):
            if not isinstance(value, str):
                raise SpecError(path, f"must be a string, not {value!r:.60}", document=self.document)
            values.append(value)
        return tuple(values)

    def text_map(self, name: str) -> dict[str, str]:
        """An object of strings; absent is empty."""
        value: dict[str, Any] = self._get(name, dict, False) or {}
        for key, text in value.items():
            if not isinstance(text, str):
                raise self.broken(f"{name}.{key}", f"must be a string, not {text!r:.60}")
        return dict(value)

    def keys(self, name: str) -> tuple[str, ...]:
        """The keys of an object that stands for a set (``{"80/tcp": {}}``)."""
        return tuple(self._get(name, dict, False) or ())

    def _below(self, name: str) -> str:
        return f"{self.path}.{name}" if self.path else name
