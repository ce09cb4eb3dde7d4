"""What a container's log is asked to be: the drivers there are, and their options, checked as Docker checks them.

``local`` is kept as json-file is: what differs is on the disk only. Raises ``BadParameter`` in Docker's words.
"""

from __future__ import annotations

import re

from rung.engine.errors import BadParameter
from rung.engine.sizes import size_bytes
from rung.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

    from rung.engine.container import Container

DEFAULT = "json-file"
_SIZES = ("max-size", "max-file", "compress")
_MARKS = ("labels", "labels-regex", "env", "env-regex", "tag")
#: driver -> its own options
DRIVERS: dict[str, tuple[str, ...]] = {"json-file": (*_SIZES, *_MARKS), "local": _SIZES, "none": ()}
#: Of the daemon's own: how the output reaches a driver.
_COMMON = ("mode", "max-buffer-size")
#: ``local``'s own, where nothing is said: moby's daemon/logger/local.
_LOCAL = {"max-size": "20m", "max-file": "5", "compress": "true"}


class Log(Record):
    """What is written: the largest file (0: any size), how many, whether those that are full are compressed."""

    size_bytes: int = 0
    files: int = 1
    compress: bool = False


def driver_of(host: Mapping[str, Any]) -> str:
    """Which one keeps a container's log."""
    return str((host.get("LogConfig") or {}).get("Type") or DEFAULT)


def check(host: Mapping[str, Any]) -> None:
    """Everything of ``LogConfig``."""
    driver, given = driver_of(host), (host.get("LogConfig") or {}).get("Config") or {}
    if driver not in DRIVERS:
        raise BadParameter(f'error looking up logging plugin {driver}: plugin "{driver}" not found')
    if driver == "none":
        return
    mode = given.get("mode") or "blocking"
    if mode not in ("blocking", "non-blocking"):
        raise BadParameter(f"logger: logging mode not supported: {mode}")
    if given.get("max-buffer-size"):
        if mode != "non-blocking":
            raise BadParameter("logger: max-buffer-size option is only supported with 'mode=non-blocking'")
        size_bytes(given["max-buffer-size"])
    for name in given:
        if name not in DRIVERS[driver] and name not in _COMMON:
            where = "json-file log driver" if driver == "json-file" else f"log driver {driver}"
            raise BadParameter(f"unknown log opt '{name}' for {where}")


def log_of(host: Mapping[str, Any]) -> Log:
    """What its options come to; read when it is started, as with Docker. ``files`` 0: no log at all."""
    driver = driver_of(host)
    if driver == "none":
        return Log(files=0)
    given = {**(_LOCAL if driver == "local" else {}), **((host.get("LogConfig") or {}).get("Config") or {})}
    size = size_bytes(given["max-size"]) if given.get("max-size") else 0
    if size < 0:
        raise BadParameter("max-size should be a positive number")
    files = _number(given.get("max-file") or "1")
    compress = _flag(given.get("compress") or "false")
    if compress and driver == "json-file" and (files == 1 or not size):
        raise BadParameter("compress cannot be true when max-file is less than 2 or max-size is not set")
    return Log(size, files, compress and files > 1)


def _number(text: str) -> int:
    try:
        found = int(text)
    except ValueError:
        raise BadParameter(f'strconv.Atoi: parsing "{text}": invalid syntax') from None
    if found < 1:
        raise BadParameter("max-file cannot be less than 1")
    return found


def _flag(text: str) -> bool:
    if text in ("1", "t", "T", "TRUE", "true", "True"):
        return True
    if text in ("0", "f", "F", "FALSE", "false", "False"):
        return False
    raise BadParameter(f'strconv.ParseBool: parsing "{text}": invalid syntax')


def attributes(container: Container) -> dict[str, str]:
    """``attrs`` of each record (json-file only): labels and variables that its options name, and its tag."""
    host, config = container.host, container.config
    given = (host.get("LogConfig") or {}).get("Config") or {}
    if driver_of(host) != "json-file":
        return {}
    variables = dict(word.partition("=")[::2] for word in config.get("Env") or ())
    found = {}
    for option, values in (("labels", config.get("Labels") or {}), ("env", variables)):
        names = [name for name in str(given.get(option) or "").split(",") if name]
        pattern = given.get(f"{option}-regex")
        matching = re.compile(pattern) if pattern else None
        for name, value in values.items():
            if name in names or (matching is not None and matching.search(name)):
                found[name] = value
    if given.get("tag"):
        found["tag"] = tag(given["tag"], container)
    return dict(sorted(found.items()))


def tag(template: str, container: Container) -> str:
    """``{{.Name}}/{{.ID}}``: Docker's words for a container. Raises ``BadParameter``."""
    words = {
        "ID": container.short_id,
        "FullID": container.id,
        "Name": container.name,
        "ImageName": container.image_name,
        "ImageID": container.image.removeprefix("sha256:")[:12],
        "ImageFullID": container.image,
        "DaemonName": "docker",
    }

    def word(match: re.Match[str]) -> str:
        if match[1] not in words:
            raise BadParameter(f"log tag {template}: there is no {match[0]}: use one of {', '.join(words)}")
        return words[match[1]]

    return re.sub(r"\{\{\s*\.?([^}]*?)\s*\}\}", word, template)
