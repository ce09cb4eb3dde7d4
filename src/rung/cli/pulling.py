"""Pull an image through the engine, its progress on stderr."""

from __future__ import annotations

import sys

from rung.cli.progress import watch
from rung.errors import RungError
from rung.image import Event

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rung.cli.link.engine import Engine


def pull(engine: Engine, image: str, platform: str = "", *, quiet: bool = False) -> None:
    """Until it is there. Raises ``RungError``."""
    name, _, digest = image.partition("@")
    head, slash, last = name.rpartition("/")
    last, _, tag = last.partition(":")
    query: dict[str, Any] = {"fromImage": f"{head}{slash}{last}", "tag": digest or tag or "latest"}
    query["platform"] = platform
    with watch(sys.stderr, quiet=quiet) as progress:
        for line in engine.stream("POST", "/images/create", **query).documents():
            if "error" in line:
                raise RungError("pull", image, str(line["error"]))
            progress(event(line))


def event(line: dict[str, Any]) -> Event:
    """A line of Docker's progress."""
    detail = line.get("progressDetail") or {}
    return Event(
        id=str(line.get("id") or ""),
        text=str(line.get("status") or ""),
        done=int(detail.get("current") or 0),
        total=int(detail.get("total") or 0),
    )
