"""An image's configuration: what runs in it, for which platform, from which layers.

OCI image specification, config.md; ``Healthcheck``, ``Shell`` and ``OnBuild`` are
Docker's additions to it.
"""

from __future__ import annotations

from rung.record import Record
from rung.spec.image.digest import Digest
from rung.spec.image.fields import Fields
from rung.spec.image.platform import Platform

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any


class HistoryEntry(Record):
    """How a layer (or, with ``empty_layer``, a change of the configuration) came to be."""

    created: str = ""
    created_by: str = ""
    comment: str = ""
    author: str = ""
    empty_layer: bool = False


class ImageConfig(Record):
    """The configuration as typed data. ``created`` is RFC 3339 or empty; ``healthcheck`` is
    Docker's object as it stands, times in nanoseconds; ``parent``, of Docker's first format, is the
    image that this one was committed from."""

    platform: Platform
    diff_ids: tuple[Digest, ...]
    created: str = ""
    author: str = ""
    user: str = ""
    env: tuple[str, ...] = ()
    entrypoint: tuple[str, ...] = ()
    cmd: tuple[str, ...] = ()
    working_dir: str = ""
    volumes: tuple[str, ...] = ()
    exposed_ports: tuple[str, ...] = ()
    labels: tuple[tuple[str, str], ...] = ()
    stop_signal: str = ""
    shell: tuple[str, ...] = ()
    on_build: tuple[str, ...] = ()
    healthcheck: dict[str, Any] | None = None
    history: tuple[HistoryEntry, ...] = ()
    parent: str = ""

    def to_json(self) -> dict[str, Any]:
        """The configuration as a JSON value, for images made here."""
        running: dict[str, Any] = {
            "User": self.user,
            "ExposedPorts": {port: {} for port in self.exposed_ports},
            "Env": list(self.env),
            "Entrypoint": list(self.entrypoint),
            "Cmd": list(self.cmd),
            "Volumes": {volume: {} for volume in self.volumes},
            "WorkingDir": self.working_dir,
            "Labels": dict(self.labels),
            "StopSignal": self.stop_signal,
            "Shell": list(self.shell),
            "OnBuild": list(self.on_build),
            "Healthcheck": self.healthcheck,
        }
        value: dict[str, Any] = {
            "created": self.created,
            "author": self.author,
            "parent": self.parent,
            "architecture": self.platform.architecture,
            "variant": self.platform.variant,
            "os": self.platform.os,
            "config": {key: item for key, item in running.items() if item},
            "rootfs": {"type": "layers", "diff_ids": [str(one) for one in self.diff_ids]},
            "history": [_history_json(entry) for entry in self.history],
        }
        return {key: item for key, item in value.items() if item or key == "config"}


def parse_config(data: bytes, document: str = "image config") -> ImageConfig:
    """An image's configuration; raises ``SpecError`` naming the field of ``document``."""
    fields = Fields.load(data, document)
    rootfs = fields.required_object("rootfs")
    if rootfs.text("type") != "layers":
        raise rootfs.broken("type", f'must be "layers", not "{rootfs.text("type"):.60}"')
    diff_ids = tuple(
        Digest.parse(value, field=path, document=document) for path, value in rootfs.items("diff_ids")
    )
    running = fields.object("config") or Fields({}, document, "config")
    healthcheck = running.object("Healthcheck")
    return ImageConfig(
        platform=Platform(
            os=fields.text("os"),
            architecture=fields.text("architecture"),
            variant=fields.text("variant", ""),
            os_version=fields.text("os.version", ""),
        ),
        diff_ids=diff_ids,
        created=fields.text("created", ""),
        author=fields.text("author", ""),
        parent=fields.text("parent", ""),
        user=running.text("User", ""),
        env=running.texts("Env"),
        entrypoint=running.texts("Entrypoint"),
        cmd=running.texts("Cmd"),
        working_dir=running.text("WorkingDir", ""),
        volumes=running.keys("Volumes"),
        exposed_ports=running.keys("ExposedPorts"),
        labels=tuple(running.text_map("Labels").items()),
        stop_signal=running.text("StopSignal", ""),
        shell=running.texts("Shell"),
        on_build=running.texts("OnBuild"),
        healthcheck=dict(healthcheck.value) if healthcheck else None,
        history=tuple(_history(entry) for entry in fields.objects("history")),
    )


def _history(fields: Fields) -> HistoryEntry:
    return HistoryEntry(
        created=fields.text("created", ""),
        created_by=fields.text("created_by", ""),
        comment=fields.text("comment", ""),
        author=fields.text("author", ""),
        empty_layer=fields.flag("empty_layer"),
    )


def _history_json(entry: HistoryEntry) -> dict[str, Any]:
    return {name: value for name, value in entry.__dict__.items() if value}
