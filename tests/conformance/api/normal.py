"""An answer without what no two daemons have in common: ids, times, sizes, addresses, places."""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Any

#: Numbers of these fields are the moment's or the machine's.
NUMBERS = frozenset(
    """Created Size VirtualSize SharedSize SizeRw SizeRootFs SpaceReclaimed LayersSize BuilderSize Pid pid time timeNano
    NFd NGoroutines NEventsListener Containers Images mtime""".split()
)
#: Texts that are the daemon's own.
TEXTS = frozenset(
    "CreatedAt Mountpoint Source LogPath ResolvConfPath HostnamePath HostsPath SandboxKey".split()
)
_WORDS = (
    (re.compile(r"\b[0-9a-f]{64}\b"), "<id>"),
    (re.compile(r"\b[0-9a-f]{12}\b"), "<short>"),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)"), "<time>"),
    (re.compile(r"\b(02:42|[0-9a-f]{2}:[0-9a-f]{2})(:[0-9a-f]{2}){4}\b"), "<mac>"),
    (re.compile(r"/tmp/rungconf-[^/\s\"]*"), "<root>"),
    (re.compile(r"1\.4[57]\b"), "<api>"),
)


def text(value: str) -> str:
    """A text without them."""
    for pattern, word in _WORDS:
        value = pattern.sub(word, value)
    return value


def whole(value: Any, drop: Collection[str] = (), name: str = "") -> Any:
    """A value without them."""
    if isinstance(value, dict):
        return {text(key): whole(one, drop, key) for key, one in sorted(value.items()) if key not in drop}
    if isinstance(value, list):
        return [whole(one, drop, name) for one in value]
    if isinstance(value, str):
        return f"<{name}>" if value and name in TEXTS else text(value)
    if name in NUMBERS and isinstance(value, (int, float)) and not isinstance(value, bool):
        return "<number>"
    return value


def shape(value: Any, drop: Collection[str] = (), name: str = "") -> Any:
    """Names and types only; of a list the shape of its first."""
    if isinstance(value, dict):
        return {text(key): shape(one, drop, key) for key, one in sorted(value.items()) if key not in drop}
    if isinstance(value, list):
        return [shape(value[0], drop, name)] if value else []
    return type(value).__name__
