"""Errors about documents that break a standard.

    SpecError      the field is named by its path, as people write it

The one place where the sentence ``document: field: reason (what to do)`` is put together.
"""

from __future__ import annotations

from rung.errors import RungError


class SpecError(RungError):
    """A field of a document breaks the document's standard.

    ``str()`` reads ``config.json: linux.namespaces[2].type: "pidd" is not a namespace (...)``;
    ``field`` is empty where the document as a whole is wrong."""

    def __init__(self, field: str, reason: str, hint: str = "", *, document: str = "config.json") -> None:
        super().__init__(f"{document}:" if field else document, field, reason, hint)
        self.document = document
        self.field = field


def shown(value: object) -> str:
    """A value as JSON would write it, short enough for a sentence."""
    if type(value) is str:
        text = value if len(value) <= 60 else value[:57] + "..."
        plain = text.replace("\\", "\\\\").replace('"', '\\"')
        return '"' + "".join(c if c.isprintable() else f"\\u{ord(c):04x}" for c in plain) + '"'
    if type(value) is int:
        return str(value) if abs(value) < 1 << 80 else "a huge number"
    if type(value) is float:
        return repr(value)
    words = {True: "true", False: "false", None: "null"}
    if value is None or type(value) is bool:
        return words[value]
    return "a list" if type(value) is list else "an object"
