"""An image's layers made one: what a container sees, without what lies hidden below."""

from __future__ import annotations

import os
import tarfile
import threading

from rung.image.archive.rootfs import add_layer, publish_new
from rung.image.derive.pack import pack
from rung.image.derive.view import shown
from rung.spec.image import HistoryEntry, Reference

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.image.images.image import Image
    from rung.image.images.store import Store


def squash(store: Store, image: Image, name: str) -> Image:
    """A new image of one layer by the name; configuration and history stay."""
    reference = str(Reference.parse(name))
    content = store.content
    config = image.config
    with content.metadata.lease(f"squash {image.name}") as lease, shown(store, image) as place:
        lease.hold([image.row.manifest])
        reading, writing = os.pipe2(os.O_CLOEXEC)
        packer = _Packer(place, writing)
        packer.start()
        try:
            with open(reading, "rb") as file:
                layer, diff_id = add_layer(content, file.read, lease)
        finally:
            packer.join()
        if packer.error is not None:
            raise packer.error
        told = tuple(entry.replace(empty_layer=True) for entry in config.history)
        made = HistoryEntry(created=config.created, created_by="rung image squash", comment=f"squashed {image.name}")
        new = config.replace(diff_ids=(diff_id,), history=(*told, made))
        publish_new(content, reference, new, (layer,), lease)
    return store.get(name)


class _Packer(threading.Thread):
    """Writes the archive into a pipe while the other end is stored and unpacked."""

    def __init__(self, place: str, fd: int) -> None:
        super().__init__(name="pack", daemon=True)
        self.place, self.fd = place, fd
        self.error: OSError | tarfile.TarError | None = None

    def run(self) -> None:
        try:
            with open(self.fd, "wb") as file:
                pack(self.place, file)
        except BrokenPipeError:
            pass  # the reader has its own error
        except (OSError, tarfile.TarError) as error:
            self.error = error
