"""Mounts that a container asks for, in all the ways there are: ``Binds``, ``Mounts``, ``VolumesFrom``, its image's.

A place is taken by the most explicit of them. Volumes are made where they are not there. Raises ``BadParameter`` in
Docker's words.
"""

from __future__ import annotations

import os

from rung.engine.document.mounts import Mounted
from rung.engine.errors import BadParameter, NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from rung.engine.container import Container
    from rung.engine.engine import Engine

_PROPAGATION = ("private", "rprivate", "shared", "rshared", "slave", "rslave")
_KNOWN = {"ro", "rw", "z", "Z", "nocopy", "copy", "delegated", "cached", "consistent", "volume-nocopy", *_PROPAGATION}


def asked(engine: Engine, container: Container) -> list[Mounted]:
    """All of them, by destination."""
    host, config = container.host, container.config
    found: dict[str, Mounted] = {}
    for word in host.get("VolumesFrom") or ():
        for one in _of_other(engine, word):
            found[one.destination] = one
    for text in host.get("Binds") or ():
        one = _bind(engine, text)
        if one.destination in found and not host.get("VolumesFrom"):
            raise BadParameter(f"Duplicate mount point: {one.destination}")
        found[one.destination] = one
    for given in host.get("Mounts") or ():
        one = _mount(engine, given)
        if one.destination in found and not host.get("VolumesFrom"):
            raise BadParameter(f"Duplicate mount point: {one.destination}")
        found[one.destination] = one
    for destination in config.get("Volumes") or {}:
        clean = os.path.normpath(destination)
        if clean not in found and clean not in (host.get("Tmpfs") or {}):
            found[clean] = _volume(engine, "", clean, [])
    return list(found.values())


def _bind(engine: Engine, text: str) -> Mounted:
    """``SOURCE:DESTINATION[:OPTIONS]``: a path of the host, or a volume's name."""
    parts = text.split(":")
    if len(parts) not in (2, 3) or not parts[0] or not parts[1]:
        raise BadParameter(f"invalid volume specification: '{text}'")
    source, destination = parts[0], _destination(parts[1], text)
    words = [word for word in (parts[2] if len(parts) == 3 else "").split(",") if word]
    strange = [word for word in words if word not in _KNOWN]
    if strange:
        raise BadParameter(f"invalid mode: {parts[2]}")
    if source.startswith("/"):
        if not os.path.lexists(source):
            os.makedirs(source)
        return _of_host(source, destination, words, ",".join(words))
    return _volume(engine, source, destination, words)


def _destination(path: str, text: str) -> str:
    if not path.startswith("/"):
        raise BadParameter(f"invalid volume specification: '{text}': {_not_absolute('bind', path)}")
    clean = os.path.normpath(path)
    if clean == "/":
        raise BadParameter(f"invalid volume specification: '{text}': destination can't be '/'")
    return clean


def _not_absolute(kind: str, path: str) -> str:
    return f"invalid mount config for type \"{kind}\": invalid mount path: '{path}' mount path must be absolute"


def _of_host(source: str, destination: str, words: Iterable[str], mode: str, *, recursive: bool = True) -> Mounted:
    propagation = next((word for word in words if word in _PROPAGATION), "rprivate")
    readonly = "ro" in words
    options = ["rbind" if recursive else "bind", propagation, *(["ro"] if readonly else [])]
    shown = propagation
    return Mounted(
        "bind", source, destination, tuple(options), mode=mode, writable=not readonly, propagation=shown
    )


def _volume(
    engine: Engine, name: str, destination: str, words: Iterable[str], given: Mapping[str, Any] | None = None
) -> Mounted:
    options = (given or {}).get("DriverConfig") or {}
    volume = engine.volumes.create(name, options.get("Name") or "", options.get("Options"), (given or {}).get("Labels"))
    readonly = "ro" in words
    mode = ",".join(words) or ("z" if given is not None else "")
    return Mounted(
        "volume",
        volume.mountpoint,
        destination,
        ("rbind", "rprivate", *(["ro"] if readonly else [])),
        name=volume.name,
        driver="local",
        mode=mode,
        writable=not readonly,
    )


def _mount(engine: Engine, given: Mapping[str, Any]) -> Mounted:
    """``--mount``."""
    kind, source, target = given.get("Type") or "volume", str(given.get("Source") or ""), str(given.get("Target") or "")
    if not target.startswith("/"):
        raise BadParameter(_not_absolute(kind, target))
    destination = _destination(target, target)
    words = ["ro"] if given.get("ReadOnly") else []
    if kind == "bind":
        options = given.get("BindOptions") or {}
        if not source.startswith("/"):
            raise BadParameter(_not_absolute("bind", source))
        if not os.path.lexists(source):
            if not options.get("CreateMountpoint"):
                raise BadParameter(f'invalid mount config for type "bind": bind source path does not exist: {source}')
            os.makedirs(source)
        if options.get("Propagation"):
            words.append(str(options["Propagation"]))
        return _of_host(source, destination, words, "", recursive=not options.get("NonRecursive"))
    if kind == "volume":
        options = given.get("VolumeOptions") or {}
        if options.get("Subpath"):
            raise BadParameter("a subpath of a volume cannot be mounted: mount the volume")
        return _volume(engine, source, destination, words, options)
    if kind == "tmpfs":
        options = given.get("TmpfsOptions") or {}
        more = [f"size={options['SizeBytes']}"] if options.get("SizeBytes") else []
        more += [f"mode={options['Mode']:o}"] if options.get("Mode") else []
        return Mounted("tmpfs", "", destination, ("nosuid", "nodev", "noexec", *words, *more), writable=not words)
    raise BadParameter(f'mount type unknown: "{kind}"')


def _of_other(engine: Engine, word: str) -> list[Mounted]:
    """``CONTAINER[:ro]``: all that it has."""
    name, _, mode = word.partition(":")
    try:
        other = engine.containers.get(name)
    except NotFound as error:
        raise BadParameter(str(error)) from None
    found = []
    for has in other.mounts:
        words = [mode] if mode else ([] if has["writable"] else ["ro"])
        if has["kind"] == "volume":
            found.append(_volume(engine, has["name"], has["destination"], words))
        elif has["kind"] == "bind":
            found.append(_of_host(has["source"], has["destination"], words, mode))
    return found
