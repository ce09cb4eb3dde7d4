"""CDI, the Container Device Interface: what a vendor's specification does to a container's configuration. Pure.

https://github.com/cncf-tags/container-device-interface, SPEC.md, versions 0.3.0 to 1.1.0: a device is named
``VENDOR/CLASS=NAME``; its edits, and those of its whole specification before them, change an OCI configuration.
"""

from __future__ import annotations

import re

from rung.record import Record
from rung.spec.errors import SpecError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping
    from typing import Any

    #: path -> type, major, minor
    Look = Callable[[str], tuple[str, int, int]]

VERSIONS = ("0.3.0", "0.4.0", "0.5.0", "0.6.0", "0.7.0", "0.8.0", "1.0.0", "1.1.0")
HOOKS = ("prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop")
_KIND = re.compile(r"[A-Za-z]([A-Za-z0-9._-]*[A-Za-z0-9])?/[A-Za-z]([A-Za-z0-9._-]*[A-Za-z0-9])?")
_NAME = re.compile(r"[A-Za-z0-9]([A-Za-z0-9._:-]*[A-Za-z0-9])?")
_EDITS = ("env", "deviceNodes", "netDevices", "hooks", "mounts", "intelRdt", "additionalGids")


class Specification(Record):
    """One file's. ``edits`` are every device's."""

    kind: str
    edits: Mapping[str, Any]
    devices: Mapping[str, Mapping[str, Any]]


def _wrong(field: str, reason: str) -> SpecError:
    return SpecError(field, reason, document="CDI specification")


def is_qualified(name: str) -> bool:
    """Whether it is a device's whole name."""
    kind, equals, device = name.partition("=")
    return bool(equals and _KIND.fullmatch(kind) and _NAME.fullmatch(device))


def parse(document: object) -> Specification:
    """A specification. Raises ``SpecError`` naming the field."""
    if not isinstance(document, dict):
        raise _wrong("specification", "must be an object")
    version = str(document.get("cdiVersion") or "")
    if version.removeprefix("v") not in VERSIONS:
        raise _wrong("cdiVersion", f"{version!r} is not known: use one of {', '.join(VERSIONS)}")
    kind = str(document.get("kind") or "")
    if not _KIND.fullmatch(kind):
        raise _wrong("kind", f"{kind!r} must be VENDOR/CLASS")
    devices: dict[str, Mapping[str, Any]] = {}
    for at, one in enumerate(_list(document, "devices")):
        name = str(one.get("name") or "") if isinstance(one, dict) else ""
        if not _NAME.fullmatch(name):
            raise _wrong(f"devices[{at}].name", f"{name!r} is no device's name")
        if name in devices:
            raise _wrong(f"devices[{at}].name", f"{name} is there twice")
        devices[name] = _edits(one.get("containerEdits"), f"devices[{at}].containerEdits")
    if not devices:
        raise _wrong("devices", "must have one at least")
    return Specification(kind, _edits(document.get("containerEdits"), "containerEdits"), devices)


def _list(document: Mapping[str, Any], name: str) -> list[Any]:
    found = document.get(name)
    if found is not None and not isinstance(found, list):
        raise _wrong(name, "must be a list")
    return found or []


def _edits(value: object, field: str) -> Mapping[str, Any]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise _wrong(field, "must be an object")
    unknown = sorted(set(value) - set(_EDITS))
    if unknown:
        raise _wrong(f"{field}.{unknown[0]}", "is no edit that is known")
    needed = {"deviceNodes": ("path",), "mounts": ("hostPath", "containerPath"), "hooks": ("hookName", "path")}
    for name, keys in needed.items():
        for at, one in enumerate(_list(value, name)):
            for key in keys:
                if not isinstance(one, dict) or not isinstance(one.get(key), str) or not one[key]:
                    raise _wrong(f"{field}.{name}[{at}].{key}", "must be a string")
    for at, one in enumerate(_list(value, "env")):
        if not isinstance(one, str) or "=" not in one[1:]:
            raise _wrong(f"{field}.env[{at}]", "must be NAME=VALUE")
    for at, one in enumerate(_list(value, "hooks")):
        if one["hookName"] not in HOOKS:
            raise _wrong(f"{field}.hooks[{at}].hookName", f"{one['hookName']} is none of {', '.join(HOOKS)}")
    return value


def inject(config: dict[str, Any], names: Iterable[str], known: Iterable[Specification], look: Look) -> list[str]:
    """Change a configuration as the devices want it; the names of those that nobody has, in which case nothing is
    changed. Of two specifications that have a device the later one counts."""
    found: list[tuple[Specification, Mapping[str, Any]]] = []
    lacking = []
    specifications = list(known)
    for name in names:
        kind, _, device = name.partition("=")
        has = [one for one in specifications if one.kind == kind and device in one.devices]
        if has:
            found.append((has[-1], has[-1].devices[device]))
        else:
            lacking.append(name)
    if lacking:
        return lacking
    done: list[Specification] = []
    for specification, edits in found:
        if not any(one is specification for one in done):
            done.append(specification)
            apply(config, specification.edits, look)
        apply(config, edits, look)
    return []


def apply(config: dict[str, Any], edits: Mapping[str, Any], look: Look) -> None:
    """One set of edits, in the specification's order. ``look`` says what a node of the host's is."""
    process, linux = config.setdefault("process", {}), config.setdefault("linux", {})
    for word in edits.get("env") or ():
        name = word.partition("=")[0]
        process["env"] = [one for one in process.get("env") or () if one.partition("=")[0] != name] + [word]
    for node in edits.get("deviceNodes") or ():
        _device(process, linux, node, look)
    for one in edits.get("netDevices") or ():
        linux.setdefault("netDevices", {})[one["hostInterfaceName"]] = {"name": one["name"]}
    if edits.get("mounts"):
        added = [_mount(one) for one in edits["mounts"]]
        places = {one["destination"] for one in added}
        kept = [one for one in config.get("mounts") or () if one["destination"] not in places]
        config["mounts"] = sorted([*kept, *added], key=lambda one: _depth(str(one["destination"])))
    for one in edits.get("hooks") or ():
        hook = {name: one[name] for name in ("path", "args", "env", "timeout") if one.get(name) is not None}
        config.setdefault("hooks", {}).setdefault(one["hookName"], []).append(hook)
    if edits.get("intelRdt"):
        linux["intelRdt"] = dict(edits["intelRdt"])
    user = process.setdefault("user", {})
    for gid in edits.get("additionalGids") or ():
        if gid and gid not in user.get("additionalGids", ()):
            user.setdefault("additionalGids", []).append(gid)


def _depth(path: str) -> int:
    return path.count("/") if path != "/" else 0


def _mount(one: Mapping[str, Any]) -> dict[str, Any]:
    kind = {"type": one["type"]} if one.get("type") else {}
    options = list(one.get("options") or ())
    if not kind and not {"bind", "rbind"} & set(options):  # a source of the host's can be shown in no other way
        options.insert(0, "rbind")
    return {"destination": one["containerPath"], "source": one["hostPath"], **kind, "options": options}


def _device(process: Mapping[str, Any], linux: dict[str, Any], node: Mapping[str, Any], look: Look) -> None:
    kind, major, minor = str(node.get("type") or ""), node.get("major"), node.get("minor")
    if not kind or (major is None and kind != "p"):
        kind, major, minor = look(str(node.get("hostPath") or node["path"]))
    made: dict[str, Any] = {"path": node["path"], "type": kind, "major": major or 0, "minor": minor or 0}
    if node.get("fileMode") is not None:
        made["fileMode"] = node["fileMode"]
    for name in ("uid", "gid"):  # those of the process, where the specification says nothing
        value = node.get(name)
        value = (process.get("user") or {}).get(name) or None if value is None else value
        if value is not None:
            made[name] = value
    kept = [one for one in linux.get("devices") or () if one["path"] != node["path"]]
    linux["devices"] = [*kept, made]
    if kind in ("b", "c"):
        rule = {"allow": True, "type": kind, "major": made["major"], "minor": made["minor"]}
        rules = linux.setdefault("resources", {}).setdefault("devices", [])
        rules.append({**rule, "access": node.get("permissions") or "rwm"})
