"""The two ends of a copy, as interfaces.

A source names one manifest or index and gives the bytes below it; a destination takes blobs
first, then manifests from the bottom up, then the name. Rule: an end moves bytes and knows
its format; what is moved, and that it is what its digest says, ``copy`` sees to.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Protocol

    from rung.image.registry.upload import Open, Stream
    from rung.spec.image import Descriptor, Digest

    class Source(Protocol):
        """Where an image is."""

        def root(self) -> tuple[Descriptor, bytes]:
            """What the name stands for: a manifest or an index."""
            ...

        def manifest(self, at: Descriptor) -> bytes | None:
            """A manifest that an index names; None where it is not there."""
            ...

        def open(self, blob: Descriptor, offset: int) -> Stream:
            """A blob's bytes from ``offset`` on. From several threads."""
            ...

        def origins(self, blob: Descriptor) -> Sequence[str]:
            """Names (``registry/repository``) below which the blob is known to be too."""
            ...

        def referrers(self, subject: Digest) -> Sequence[Descriptor]:
            """Manifests whose subject this one is."""
            ...

        def close(self) -> None:
            """Done with it."""
            ...

    class Destination(Protocol):
        """Where it is to be."""

        #: Blobs that may be put at the same time.
        at_once: int
        #: What is said of a blob on its way.
        moving: str

        def has(self, blob: Descriptor) -> bool:
            """Whether the blob is there already."""
            ...

        def put(
            self, blob: Descriptor, open: Open, origins: Sequence[str], sent: Callable[[int], None]
        ) -> str:
            """Take a blob, verify it; how it came there, as a word of ``progress``."""
            ...

        def put_manifest(self, at: Descriptor, data: bytes) -> None:
            """Take a manifest or index that the named one, or a subject, needs; all that it names is there."""
            ...

        def name(self, at: Descriptor, data: bytes) -> None:
            """Take the root, and give it the name."""
            ...

        def close(self, *, failed: bool) -> None:
            """Finish; after a failure nothing of this copy stays that has no other use."""
            ...
