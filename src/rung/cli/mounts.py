"""``-v``, ``--mount``, ``--device`` and ``--gpus`` as the API has them. Pure but for the caller's directory."""

from __future__ import annotations

from rung import posix
from rung.cli.numbers import size_bytes
from rung.errors import RungError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from typing import Any

_TRUE = ("", "1", "t", "true", "TRUE", "True", "T")


def volumes(given: Iterable[str]) -> tuple[list[str], list[str]]:
    """Those with a source, and those that only name a place. A relative path (``./x``) is the caller's."""
    binds, anonymous = [], []
    for word in given:
        source, colon, rest = word.partition(":")
        if not colon:
            anonymous.append(word)
            continue
        if source[:1] in (".", "~"):
            source = posix.abspath(
                source.replace("~", posix.getenv("HOME"), 1) if source[0] == "~" else source
            )
        binds.append(f"{source}:{rest}")
    return binds, anonymous


def mount(word: str) -> dict[str, Any]:
    """``type=bind,src=/a,dst=/b,readonly``. Raises ``RungError``."""
    found: dict[str, Any] = {"Type": "volume"}
    options: dict[str, dict[str, Any]] = {}
    for part in _fields(word):
        key, equals, value = part.partition("=")
        key = key.lower()
        if key in ("readonly", "ro"):
            found["ReadOnly"] = value in _TRUE
        elif key == "volume-nocopy":
            options.setdefault("VolumeOptions", {})["NoCopy"] = value in _TRUE
        elif key == "bind-nonrecursive":
            options.setdefault("BindOptions", {})["NonRecursive"] = value in _TRUE
        elif not equals:
            raise RungError(f"invalid field '{part}' must be a key=value pair")
        else:
            _field(key, value, found, options)
    if not found.get("Target"):
        raise RungError("target is required")
    return {**found, **options}


def _fields(word: str) -> list[str]:
    """A line of comma-separated values; quotes keep commas together (RFC 4180)."""
    if '"' not in word:
        return word.split(",")
    found, quoted = [""], False
    for each in word:
        if each == '"':
            quoted = not quoted
        elif each == "," and not quoted:
            found.append("")
        else:
            found[-1] += each
    return found


def _field(key: str, value: str, found: dict[str, Any], options: dict[str, dict[str, Any]]) -> None:
    if key == "type":
        found["Type"] = value.lower()
    elif key in ("source", "src"):
        found["Source"] = posix.abspath(value) if value[:1] == "." else value
    elif key in ("target", "dst", "destination"):
        found["Target"] = value
    elif key == "consistency":
        found["Consistency"] = value
    elif key == "bind-propagation":
        options.setdefault("BindOptions", {})["Propagation"] = value
    elif key == "volume-driver":
        options.setdefault("VolumeOptions", {}).setdefault("DriverConfig", {})["Name"] = value
    elif key in ("volume-opt", "volume-label"):
        name, _, setting = value.partition("=")
        into = options.setdefault("VolumeOptions", {})
        if key == "volume-opt":
            into.setdefault("DriverConfig", {}).setdefault("Options", {})[name] = setting
        else:
            into.setdefault("Labels", {})[name] = setting
    elif key == "volume-subpath":
        options.setdefault("VolumeOptions", {})["Subpath"] = value
    elif key == "tmpfs-size":
        options.setdefault("TmpfsOptions", {})["SizeBytes"] = _size(key, value)
    elif key == "tmpfs-mode":
        options.setdefault("TmpfsOptions", {})["Mode"] = int(value, 8)
    else:
        raise RungError(f"unexpected key '{key}' in '{key}={value}'")


def _size(key: str, value: str) -> int:
    try:
        return size_bytes(value)
    except ValueError as error:
        raise RungError(f"invalid value for {key}", "", str(error)) from None


def device(word: str) -> dict[str, str]:
    """``outside[:inside[:rwm]]``, ``outside:rwm``, or the name of a CDI device. Raises ``RungError``."""
    parts = word.split(":")
    outside = inside = parts[0]
    allowed = "rwm"
    if len(parts) == 2 and set(parts[1]) <= set("rwm"):
        allowed = parts[1]
    elif len(parts) in (2, 3):
        inside, allowed = parts[1], parts[2] if len(parts) == 3 else allowed
    elif len(parts) > 3:
        raise RungError("invalid device specification", "", word)
    return {"PathOnHost": outside, "PathInContainer": inside, "CgroupPermissions": allowed}


def gpus(word: str) -> dict[str, Any]:
    """``all``, a number, or ``device=0,1``."""
    if word == "all":
        return {"Count": -1, "Capabilities": [["gpu"]]}
    if word.isdecimal():
        return {"Count": int(word), "Capabilities": [["gpu"]]}
    name, _, value = word.strip('"').partition("=")
    if name == "device":
        return {"DeviceIDs": value.split(","), "Capabilities": [["gpu"]]}
    raise RungError("invalid argument", f'"{word}" for "--gpus" flag', "", "all, a number or device=ID")
