"""Layers that came as EROFS images: nothing is unpacked, the image is kept and mounted.

Rule: what is mounted is this one file. A super block can name further devices, and the kernel would open
them by the path that the image says: an image with a table of devices is refused, so that a stranger's layer shows
nothing of this host. Linux, fs/erofs/erofs_fs.h and super.c.
"""

from __future__ import annotations

import os
import struct

from rung.image.errors import LayerError
from rung.image.layer.extract import Extracted
from rung.image.snapshot import erofs
from rung.kernel.errors import KernelError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

_CHUNK = 1 << 20
SUPER_AT = 1024
MAGIC = b"\xe2\xe1\xf5\xe0"
#: Within the super block: what a reader must know, and how many devices there are beside this file.
_INCOMPATIBLE, _DEVICES = 80, struct.Struct("<IHH")
_DEVICE_TABLE = 0x8


def keep(read: Callable[[int], bytes], directory: str) -> Extracted:
    """Write the image into an empty directory, and see that it can be mounted. Raises ``LayerError``."""
    os.mkdir(os.path.join(directory, erofs.FILES), 0o755)
    head, size = b"", 0
    with open(os.path.join(directory, erofs.INDEX), "xb", buffering=0) as file:
        os.fchmod(file.fileno(), 0o600)
        while chunk := read(_CHUNK):
            if len(head) < SUPER_AT + 128:
                head += chunk[: SUPER_AT + 128]
            view = memoryview(chunk)
            while view:
                view = view[file.write(view) :]
            size += len(chunk)
    check(head)
    try:
        os.close(erofs.open_root(directory))
    except KernelError as error:
        hint = "it needs Linux 6.12, root, and a store on ext4, XFS or btrfs; the image of archives works everywhere"
        raise LayerError("layer", "", f"is an EROFS image that cannot be mounted here: {error}", hint) from error
    return Extracted(0, size, (), ())


def is_image(head: bytes) -> bool:
    """Whether a stream that begins so is an EROFS image."""
    return head[SUPER_AT : SUPER_AT + len(MAGIC)] == MAGIC


def check(head: bytes) -> None:
    """Refuse what is no image, and one that would bring other files along."""
    if not is_image(head) or len(head) < SUPER_AT + 128:
        raise LayerError("layer", "", "is no EROFS image, though its media type says so")
    incompatible, _, devices = _DEVICES.unpack_from(head, SUPER_AT + _INCOMPATIBLE)
    if devices or incompatible & _DEVICE_TABLE:
        raise LayerError("layer", "", "is an EROFS image that names other devices, which no layer may")
