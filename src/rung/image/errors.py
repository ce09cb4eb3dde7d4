"""What can go wrong with images.

    ImageError             everything of this rung
    +- ImageNotFound       no such name or ID in the store
    +- ImageInUse          a container needs what was to be removed
    +- RegistryError       a registry refused, lied or fell silent
    |  +- Cancelled        a transfer was ended by who had begun it
    +- ContentError        bytes are not what their digest or size says
    +- LayerError          a layer's archive cannot or must not be unpacked
    +- ArchiveError        a file that was to be loaded is no image
    +- StoreError          the store itself: not there, not writable, no file system for it
    +- PolicyError         the policy of this machine does not admit an image
    +- SignatureError      an image is not signed as it should be
    +- BootstrapError      a base image could not be built from a distribution's archive
    +- ScanError           a vulnerability feed or the database of them cannot be used
"""

from __future__ import annotations

from rung.errors import RungError


class ImageError(RungError):
    """An operation on an image failed."""


class ImageNotFound(ImageError):
    """No such image in the store."""

    def __init__(self, name: str) -> None:
        super().__init__(f"No such image: {name}")


class ImageInUse(ImageError):
    """The image is needed by a container."""


class RegistryError(ImageError):
    """A registry refused, lied or fell silent. ``status`` is its HTTP status, or 0; ``retry_after_s``
    how long it wants to be left alone."""

    retry_after_s = 0.0

    def __init__(self, operation: str, object: str, reason: str, hint: str = "", *, status: int = 0) -> None:
        super().__init__(operation, object, reason, hint)
        self.status = status


class Cancelled(RegistryError):
    """A transfer was ended by who had begun it."""


class ContentError(ImageError):
    """Bytes are not what their digest or size says."""


class LayerError(ImageError):
    """A layer's archive cannot or must not be unpacked."""


class ArchiveError(ImageError):
    """A file that was to be loaded is no image."""


class StoreError(ImageError):
    """The store cannot do its work where it is."""


class PolicyError(ImageError):
    """The policy of this machine does not admit an image."""


class SignatureError(ImageError):
    """An image is not signed as it should be."""


class BootstrapError(ImageError):
    """A base image could not be built."""


class ScanError(ImageError):
    """A vulnerability feed, or the database of them, cannot be used."""
