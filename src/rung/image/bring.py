"""One layer's way into the store: fetched, verified, decompressed and unpacked, all at the same time.

Rule: what is unpacked here is nobody's yet. It becomes a layer (``NewLayer.stack``) only after its blob has
had the digest and its stream the diff ID that the manifest and the configuration say.
"""

from __future__ import annotations

import os

from rung.image.errors import ImageError, LayerError
from rung.image.layer.jobs import Jobs
from rung.image.layer.relay import NotPassed, Relay
from rung.image.progress import EXTRACTING, Event
from rung.image.snapshot.layers import FILES, IMAGE
from rung.spec.image import media

#: How long the rest of a layer that is refused already may take to come.
_PATIENCE_S = 10.0

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Protocol

    from rung.image.content import Content
    from rung.image.progress import Progress
    from rung.image.snapshot.layers import NewLayer
    from rung.image.store.blobs import Tap
    from rung.spec.image import Descriptor, Digest

    class Source(Protocol):
        """Where blobs come from that are not in the store yet."""

        def fetch(self, blob: Descriptor, tap: Tap | None = None) -> None:
            """Return when the blob is in the store; until then ``tap`` sees its bytes as they
            come. Called from several threads."""
            ...

        def cancel(self) -> None:
            """Make every ``fetch`` end soon, with an error."""
            ...


class Bringing:
    """Brings the layers of one image in; ``beside`` is how many. Safe to use from several threads."""

    def __init__(self, content: Content, source: Source | None, progress: Progress, beside: int) -> None:
        self.blobs, self.layers = content.blobs, content.layers
        self.source = source
        self.progress = progress
        self.form = content.snapshots.layer_form()
        # Else layers beside each other need all processors; and writing one file is not worth another thread.
        self.ahead = self.form == FILES and beside < (os.cpu_count() or 1)

    def layer(self, layer: Descriptor, diff_id: Digest) -> NewLayer:
        """Unpack a layer while its blob is fetched, or from the store."""
        if self.source is not None and not self.blobs.has(layer.digest):
            new = self._arriving(layer, diff_id, self.source)
            if new is not None:
                return new
        elif self.source is not None:
            self.source.fetch(layer)
        self.progress(Event(layer.digest.short, EXTRACTING))
        with self.blobs.open(layer.digest) as file:
            return self._unpack(layer, file.read, diff_id)

    def _arriving(self, layer: Descriptor, diff_id: Digest, source: Source) -> NewLayer | None:
        """None where the blob is in the store, and not unpacked: its bytes did not come in one piece."""
        relay = Relay()

        def fetch() -> None:
            try:
                source.fetch(layer, relay)
                self.progress(Event(layer.digest.short, EXTRACTING))
            finally:
                relay.finish()

        with Jobs(1, "fetch") as pool:
            fetching = pool.start(fetch)
            try:
                new = self._unpack(layer, relay.read, diff_id)
            except NotPassed:
                fetching.result()
                return None
            except ImageError:
                relay.abandon()
                # That these are not the layer's bytes at all is the better sentence, if it can be had soon.
                if fetching.wait(_PATIENCE_S):
                    fetching.result()
                else:
                    source.cancel()
                raise
            finally:
                relay.abandon()
            try:
                fetching.result()
            except BaseException:
                new.drop()
                raise
            return new

    def _unpack(self, layer: Descriptor, read: Callable[[int], bytes], diff_id: Digest) -> NewLayer:
        try:
            form = IMAGE if media.is_erofs(layer.media_type) else self.form
            return self.layers.unpack(read, diff_id, form, ahead=self.ahead)
        except LayerError as error:
            raise LayerError(f"layer {layer.digest.short}: {error.operation}", *error.args[1:]) from error
