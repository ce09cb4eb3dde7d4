"""``/images``: what the store has, as Docker shows it."""

from __future__ import annotations

from rung.engine.docker.answers import Answer, document

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rung.engine.docker.routes import Table
    from rung.engine.docker.server import Call
    from rung.engine.engine import Engine
    from rung.image import Image


def table(engine: Engine) -> Table:
    """The endpoints of this file."""

    async def list_them(call: Call) -> Answer:
        found = await engine.blocking(engine.store.images)
        return document([summary(image) for image in found])

    return {"GET /images/json": list_them}


def summary(image: Image) -> dict[str, Any]:
    """An entry of the list."""
    return {"Id": str(image.id), "RepoTags": [image.name], "Size": image.size_bytes}
