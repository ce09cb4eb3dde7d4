"""crun's ``--regex``: one command on many containers."""

from __future__ import annotations

import re

from rung.errors import RungError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.runtime import Runtime


def chosen(runtime: Runtime, word: str) -> list[str]:
    """The ids that the regular expression is found in."""
    try:
        pattern = re.compile(word)
    except re.error as error:
        raise RungError("use --regex", f'"{word}"', f"is no regular expression: {error}") from None
    return [container_id for container_id in runtime.ids() if pattern.search(container_id)]
