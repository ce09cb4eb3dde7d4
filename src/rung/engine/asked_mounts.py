"""Mounts that a container asks for, in all the ways there are: ``Binds``, ``Mounts``, ``VolumesFrom``, its image's.

A place is taken by the most explicit of them. Volumes are made where they are not there; the host's directories by
``make_sources``, before. Raises ``BadParameter`` in
Docker's words.
"""

from __future__ import annotations

import os

from rung.engine.document import mount_spec
from rung.engine.document.mount_spec import PROPAGATION
from rung.engine.document.mounts import Mounted
from rung.engine.errors import BadParameter, NotFound

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from typing import Any

    from rung.engine.container import Container
    from rung.engine.engine import Engine


def make_sources(sources: Iterable[str]) -> None:
    """Make the host's directories that are to be bound, where they are not there. They may be on any file system."""
    for source in sources:
        if not os.path.lexists(source):
            os.makedirs(source)


def bind_sources(host: Mapping[str, Any]) -> list[str]:
    """The paths of the host that a request wants bound. Raises ``BadParameter``."""
    found = [mount_spec.bind(text).source for text in host.get("Binds") or ()]
    for given in host.get("Mounts") or ():
        mount_spec.check(given)
        if given["Type"] == "bind":
            found.append(str(given.get("Source") or ""))
    return [source for source in found if source.startswith("/")]


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
        clean = mount_spec.anonymous(destination)
        if clean not in found and clean not in (host.get("Tmpfs") or {}):
            found[clean] = _volume(engine, "", clean, [])
    return list(found.values())


def _bind(engine: Engine, text: str) -> Mounted:
    """One of ``Binds``: a path of the host, or a volume."""
    given = mount_spec.bind(text)
    if not given.source.startswith("/"):
        return _volume(engine, given.source, given.destination, given.words)
    return _of_host(given.source, given.destination, given.words, given.mode)


def _of_host(
    source: str, destination: str, words: Iterable[str], mode: str, *, recursive: bool = True
) -> Mounted:
    propagation = next((word for word in words if word in PROPAGATION), "rprivate")
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
        subpath=str((given or {}).get("Subpath") or ""),
    )


def _mount(engine: Engine, given: Mapping[str, Any]) -> Mounted:
    """``--mount``."""
    mount_spec.check(given)
    kind, source = given["Type"], str(given.get("Source") or "")
    destination = os.path.normpath(str(given["Target"]))
    words = ["ro"] if given.get("ReadOnly") else []
    if kind == "bind":
        options = given.get("BindOptions") or {}
        if options.get("Propagation"):
            words.append(str(options["Propagation"]))
        return _of_host(source, destination, words, "", recursive=not options.get("NonRecursive"))
    if kind == "volume":
        return _volume(engine, source, destination, words, given.get("VolumeOptions") or {})
    options = given.get("TmpfsOptions") or {}
    more = [f"size={options['SizeBytes']}"] if options.get("SizeBytes") else []
    more += [f"mode={options['Mode']:o}"] if options.get("Mode") else []
    more += ["=".join(one) for one in options.get("Options") or ()]
    return Mounted("tmpfs", "", destination, ("nosuid", "nodev", "noexec", *words, *more), writable=not words)


def _of_other(engine: Engine, word: str) -> list[Mounted]:
    """``CONTAINER[:ro]``: all that it has."""
    name, given, mode = word.partition(":")
    if not name or (given and not mount_spec.is_mode(mode)):
        raise BadParameter(f"invalid mode: {mode}" if name else f"invalid volumes-from specification: {word}")
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
