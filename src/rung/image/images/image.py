"""One named image of the store, as the rungs above and the commands see it."""

from __future__ import annotations

from rung import jsonc
from rung.image.store.metadata import DANGLING
from rung.spec.image import Descriptor, Digest, Platform, Reference

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from rung.image.content import Content
    from rung.image.store.metadata import ImageRow
    from rung.spec.image import ImageConfig, Manifest


class Image:
    """One image of the store under one of its names. ``size_bytes`` is that of its unpacked files;
    ``dangling``: its name is another image's now, and it is called ``<none>@sha256:...``."""

    def __init__(self, content: Content, row: ImageRow) -> None:
        self._content = content
        self.row = row
        self.dangling = row.name.startswith(DANGLING)
        self.reference = _nameless(row) if self.dangling else Reference.parse(row.name)
        self.digest = Digest.parse(row.target)
        self.manifest_digest = Digest.parse(row.manifest)
        self.id = Digest.parse(row.config)
        self.platform = Platform.parse(row.platform)
        self.created = row.created
        self.size_bytes = row.unpacked
        self.labels = row.labels
        self._manifest: Manifest | None = None
        self._config: ImageConfig | None = None
        self._data = b""

    @property
    def name(self) -> str:
        """The name as people write it (``debian:trixie``)."""
        return self.reference.familiar

    @property
    def manifest(self) -> Manifest:
        """The manifest, read from the store once."""
        if self._manifest is None:
            self._manifest = self._content.manifest(self.manifest_digest, self.row.media_type)
        return self._manifest

    @property
    def config(self) -> ImageConfig:
        """The configuration, typed: ``env``, ``cmd``, ``entrypoint``, ``working_dir``, ``user`` ..."""
        if self._config is None:
            self._config = self._content.config(self.manifest)
        return self._config

    @property
    def run_config(self) -> dict[str, Any]:
        """The configuration's ``config`` object as it stands, in Docker's and OCI's words."""
        return dict(self.document.get("config") or {})

    @property
    def document(self) -> dict[str, Any]:
        """The whole configuration as it stands, unknown fields too."""
        self._data = self._data or self._content.blobs.read(self.id)
        return dict(jsonc.loads(self._data))

    @property
    def descriptor(self) -> Descriptor:
        """Of the manifest."""
        return Descriptor(self.row.media_type, self.manifest_digest, self.row.manifest_size, self.platform)

    def __repr__(self) -> str:
        return f"Image({self.name!r}, {self.id.short!r})"


def names(rows: Sequence[ImageRow]) -> list[ImageRow]:
    """The rows worth showing: a digest is not where the repository has a tag for the same image."""
    tagged = {(_repository(row.name), row.config) for row in rows if "@" not in row.name}
    return [row for row in rows if "@" not in row.name or (_repository(row.name), row.config) not in tagged]


def _repository(name: str) -> str:
    bare = name.partition("@")[0]
    return bare[: bare.rfind(":")] if ":" in bare[bare.rfind("/") + 1 :] else bare


def _nameless(row: ImageRow) -> Reference:
    return Reference("docker.io", "library/<none>", "", Digest.parse(row.manifest))
