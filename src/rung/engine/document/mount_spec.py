"""What a request says of mounts, checked: ``Binds`` in their short form, ``Mounts`` as objects. Pure but for one look
whether a bind's source is there.

Raises ``EngineError`` for a bind that cannot be read (Docker answers 500) and ``BadParameter`` for a mount.
"""

from __future__ import annotations

import os

from rung.engine.errors import BadParameter, EngineError
from rung.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Mapping
    from typing import Any

PROPAGATION = ("private", "rprivate", "shared", "rshared", "slave", "rslave")
#: Words of a mode that exclude each other.
_EITHER = (
    ("ro", "rw"),
    ("z", "Z"),
    PROPAGATION,
    ("nocopy", "copy"),
    ("delegated", "cached", "consistent", "default"),
)
_OPTIONS = {"bind": "BindOptions", "volume": "VolumeOptions", "tmpfs": "TmpfsOptions"}


class Bind(Record):
    """``[SOURCE:]DESTINATION[:MODE]``; ``source`` a path of the host's, a volume's name, or empty: a new volume."""

    source: str
    destination: str
    mode: str = ""

    @property
    def words(self) -> list[str]:
        """The mode's."""
        return [word for word in self.mode.split(",") if word]


def is_mode(text: str) -> bool:
    """Whether this is a mode: known words, of each kind one."""
    words = text.split(",")
    counts = [sum(words.count(word) for word in group) for group in _EITHER]
    return bool(text) and sum(counts) == len(words) and max(counts) <= 1


def bind(text: str) -> Bind:
    """One of ``Binds``."""
    parts = text.split(":")
    if len(parts) > 3 or not parts[0]:
        raise EngineError(f"invalid volume specification: '{text}'")
    if len(parts) == 1:
        found = Bind("", parts[0])
    elif len(parts) == 2:
        found = Bind("", *parts) if is_mode(parts[1]) else Bind(*parts)
    else:
        if parts[2] and not is_mode(parts[2]):
            raise EngineError(f"invalid mode: {parts[2]}")
        found = Bind(*parts)
    try:
        kind = "bind" if found.source.startswith("/") else "volume"
        clean = _target(kind, found.destination)
    except BadParameter as error:
        raise EngineError(f"invalid volume specification: '{text}': {error}") from None
    return Bind(found.source, clean, found.mode)


def anonymous(destination: str) -> str:
    """One of an image's or a configuration's ``Volumes``."""
    clean = os.path.normpath(destination)
    if clean == "/":
        raise BadParameter("invalid volume specification: '/': destination can't be '/'")
    return clean


def check(given: Mapping[str, Any]) -> None:
    """One of ``Mounts``."""
    kind = str(given.get("Type") or "")
    if not given.get("Target"):
        raise _refused(kind, "field Target must not be empty")
    target = str(given["Target"])
    _target(kind, target)
    if kind not in _OPTIONS:
        raise _refused(kind, "mount type unknown")
    for other, name in _OPTIONS.items():
        if other != kind and name in given:
            raise BadParameter(f'{name} must not be specified on mount type "{kind}"')
    _CHECKS[kind](given, str(given.get("Source") or ""))


def _refused(kind: str, why: str) -> BadParameter:
    return BadParameter(f'invalid mount config for type "{kind}": {why}')


def _not_absolute(path: str) -> str:
    return f"invalid mount path: '{path}' mount path must be absolute"


def _target(kind: str, path: str) -> str:
    clean = os.path.normpath(path)
    if clean == "/":
        raise _refused(kind, "invalid specification: destination can't be '/'")
    if not path.startswith("/"):
        raise _refused(kind, _not_absolute(path))
    return clean


def _check_bind(given: Mapping[str, Any], source: str) -> None:
    options = given.get("BindOptions") or {}
    if not source:
        raise _refused("bind", "field Source must not be empty")
    if options.get("Propagation") and options["Propagation"] not in PROPAGATION:
        raise _refused("bind", f"invalid propagation mode: {options['Propagation']}")
    if not source.startswith("/"):
        raise _refused("bind", _not_absolute(source))
    if not os.path.lexists(source) and not options.get("CreateMountpoint"):
        raise _refused("bind", f"bind source path does not exist: {source}")


def _check_volume(given: Mapping[str, Any], source: str) -> None:
    subpath = str((given.get("VolumeOptions") or {}).get("Subpath") or "")
    if not source and subpath:
        raise _refused("volume", "must not set Subpath when using anonymous volumes")
    if not source and given.get("ReadOnly"):
        raise _refused("volume", "must not set ReadOnly mode when using anonymous volumes")
    if subpath and (subpath.startswith("/") or os.path.normpath(subpath).split("/")[0] == ".."):
        raise _refused("volume", "subpath must be a relative path within the volume")


def _check_tmpfs(given: Mapping[str, Any], source: str) -> None:
    if source:
        raise _refused("tmpfs", "field Source must not be specified")


_CHECKS = {"bind": _check_bind, "volume": _check_volume, "tmpfs": _check_tmpfs}


def check_tmpfs_paths(host: Mapping[str, Any]) -> None:
    """``Tmpfs``."""
    for path in host.get("Tmpfs") or {}:
        if not path.startswith("/"):
            raise BadParameter(_not_absolute(path))
