"""Which request is whose: method and path, with ``{words}``, to the handler.

A word may hold slashes only where it is the image's (``{image}``), whose names have them.
"""

from __future__ import annotations

import re

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rung.engine.docker.server import Handler

    Table = dict[str, Handler]


class Routes:
    """Built once; ``find`` for each request."""

    def __init__(self, *tables: Table) -> None:
        self._exact: dict[tuple[str, str], Handler] = {}
        self._patterns: list[tuple[str, re.Pattern[str], Handler]] = []
        for table in tables:
            for key, handler in table.items():
                method, path = key.split(" ")
                if "{" in path:
                    self._patterns.append((method, _pattern(path), handler))
                else:
                    self._exact[method, path] = handler

    def find(self, method: str, path: str) -> tuple[Handler, dict[str, str]] | None:
        """The handler and the path's words. HEAD is answered as GET where it has no handler of its own."""
        for asked in (method, "GET") if method == "HEAD" else (method,):
            exact = self._exact.get((asked, path))
            if exact is not None:
                return exact, {}
            for known, pattern, handler in self._patterns:
                match = pattern.fullmatch(path) if known == asked else None
                if match is not None:
                    return handler, match.groupdict()
        return None


def _pattern(path: str) -> re.Pattern[str]:
    parts: Callable[[re.Match[str]], str] = lambda match: (  # noqa: E731
        f"(?P<{match[1]}>.+)" if match[1] == "image" else f"(?P<{match[1]}>[^/]+)"
    )
    return re.compile(re.sub(r"\{(\w+)\}", parts, path))
