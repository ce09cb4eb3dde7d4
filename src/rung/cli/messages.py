"""The messages of an engine's long work: bars on a terminal, in a pipe a line each, as docker's client prints them.

Source: docker's pkg/jsonmessage. In a pipe, messages that only count bytes are left out.
"""

from __future__ import annotations

from rung.errors import RungError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any, TextIO

    from rung.image import Event


def show(messages: Iterable[Any], stream: TextIO, *, quiet: bool = False) -> None:
    """Print them until the work is done. Raises ``RungError`` where it has failed."""
    if not quiet and stream.isatty():
        _draw(messages, stream)
        return
    for message in _checked(messages):
        text = line(message)
        if text and not quiet:
            stream.write(text)
            stream.flush()


def line(message: dict[str, Any]) -> str:
    """What a pipe gets of a message; empty where that is nothing. Pure."""
    if "stream" in message:
        return str(message["stream"])
    detail = message.get("progressDetail") or {}
    if "status" not in message or detail.get("current") or detail.get("total"):
        return ""
    name = f"{message['id']}: " if message.get("id") else ""
    return f"{name}{message['status']}\n"


def event(message: dict[str, Any]) -> Event:
    """A message as what draws bars takes it."""
    from rung.image import Event

    detail = message.get("progressDetail") or {}
    return Event(
        id=str(message.get("id") or ""),
        text=str(message.get("status") or message.get("stream") or "").rstrip("\n"),
        done=int(detail.get("current") or 0),
        total=int(detail.get("total") or 0),
    )


def _draw(messages: Iterable[Any], stream: TextIO) -> None:
    from rung.cli.progress import Bars

    with Bars(stream) as bars:
        for message in _checked(messages):
            if "status" in message or "stream" in message:
                bars(event(message))


def _checked(messages: Iterable[Any]) -> Iterable[dict[str, Any]]:
    for message in messages:
        if "error" in message:
            raise RungError(str(message["error"]))
        yield message
