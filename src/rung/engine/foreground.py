"""One container in the foreground: made, started, followed to its end, and cleared away.

The bundle is a directory below the data directory; its root file system is a snapshot
of an image, or a directory that the caller names and that is used as it is.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress

from rung import jsonc
from rung.engine.config import arguments, container_config
from rung.engine.document.process import Identity
from rung.engine.records import ContainerRecord, Records
from rung.engine.users import identity
from rung.record import Record
from rung.runtime import DEFAULT_ROOT, ContainerNotFound, Foreground, Runtime, Stdio
from rung.trace import Trace
from rung.undo import Undo

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from typing import Any, Protocol

    from rung.engine.options import RunOptions
    from rung.runtime import Container

    class Rootfs(Protocol):
        """A root file system that can be put at a path and taken away."""

        def mount(self, target: str) -> None: ...

        def unmount(self) -> None: ...

        def remove(self) -> None: ...


class Source(Record):
    """Where the container's files come from: an image's snapshot, or a plain directory."""

    name: str
    config: Mapping[str, Any]
    directory: str = ""
    rootfs: Callable[[str], Rootfs] | None = None


class Workplace(Record):
    """Where this host keeps its containers."""

    data: str = "/var/lib/rung"
    state: str = DEFAULT_ROOT


def run(
    source: Source, options: RunOptions, place: Workplace, container_id: str, name: str, *, remove: bool
) -> int:
    """Run it and return the workload's exit status (128 and the signal's number)."""
    records = Records(place.data)
    trace = Trace()
    command = tuple(arguments(source.config, options))
    record = ContainerRecord(container_id, name or container_id[:12], source.name, command, time.time())
    with Foreground(terminal=options.terminal, raw_output=True) as foreground:
        with trace.span("run", f"{source.name}: {' '.join(command)}", "image-spec: conversion.md"):
            container = _start(source, options, place, record, foreground, trace)
        container.save_trace()
        try:
            status = foreground.stay(container)
        finally:
            _finish(records, record, container, source, remove=remove)
    if not remove:
        records.save(record.replace(exit_code=status, exited_s=time.time()))
    return status


def _start(
    source: Source,
    options: RunOptions,
    place: Workplace,
    record: ContainerRecord,
    foreground: Foreground,
    trace: Trace,
) -> Container:
    """Everything up to the workload's first instruction; all of it is undone where it fails."""
    records = Records(place.data)
    with Undo() as undo:
        bundle = records.add(record)
        undo.push(records.remove, record.id)
        with trace.span("prepare the root file system", source.name, "image-spec: layer.md"):
            root = _rootfs(source, bundle, record.id, undo)
        _write_config(bundle, record.id, root, source, options)
        container = _create(Runtime(place.state), record.id, bundle, options, foreground, trace)
        undo.push(_delete, container)
        foreground.receive_console()
        container.start()
        undo.keep()
    return container


def _create(
    runtime: Runtime,
    container_id: str,
    bundle: str,
    options: RunOptions,
    foreground: Foreground,
    trace: Trace,
) -> Container:
    """With the caller's output, and its input only where that was asked for."""
    null = os.open("/dev/null", os.O_RDWR | os.O_CLOEXEC)
    try:
        stdio = Stdio(0 if options.interactive else null, 1, 2)
        return runtime.create(
            container_id, bundle, stdio=stdio, console_fd=foreground.console_fd, trace=trace
        )
    finally:
        os.close(null)


def _delete(container: Container) -> None:
    with suppress(ContainerNotFound):  # a poststart hook that fails has taken it away
        container.delete(force=True)


def _rootfs(source: Source, bundle: str, container_id: str, undo: Undo) -> str:
    if source.rootfs is None:
        return os.path.abspath(source.directory)
    target = os.path.join(bundle, "rootfs")
    snapshot = source.rootfs(container_id)
    undo.push(snapshot.remove)
    snapshot.mount(target)
    undo.push(snapshot.unmount)
    return target


def _write_config(
    bundle: str, container_id: str, root: str, source: Source, options: RunOptions
) -> None:
    user = options.user or source.config.get("User") or ""
    who = identity(root, user) if user else Identity()
    config = container_config(container_id, root, source.config, options, who)
    with open(os.path.join(bundle, "config.json"), "w") as file:
        file.write(jsonc.dumps(config))


def _finish(
    records: Records, record: ContainerRecord, container: Container, source: Source, *, remove: bool
) -> None:
    """Keep what explain needs, then take down what the container used."""
    container.save_explanation(records.directory(record.id))
    container.delete(force=True)
    if source.rootfs is not None:
        snapshot = source.rootfs(record.id)
        snapshot.unmount()
        if remove:
            snapshot.remove()
    if remove:
        records.remove(record.id)


def remove(place: Workplace, wanted: str, *, force: bool) -> None:
    """Remove a container that has ended, with its files; with ``force`` one that runs too."""
    records = Records(place.data)
    record = records.find(wanted)
    try:
        container = Runtime(place.state).get(record.id)
        container.delete(force=force)
    except ContainerNotFound:
        pass  # it ended in an orderly way: the runtime has nothing of it any more
    from rung.image import Store

    Store(place.data).remove_rootfs(record.id)
    records.remove(record.id)
