"""Plain streams as compressed ones, for layers that are made or converted here.

Rule: the same bytes give the same bytes on every machine with the same library: no times, no names.
"""

from __future__ import annotations

import zlib

from rung.errors import RungError
from rung.spec.image import media

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Protocol

    class Compressor(Protocol):
        """As ``zlib``'s."""

        def compress(self, data: bytes, /) -> bytes:
            """What comes out for these bytes, perhaps nothing yet."""
            ...

        def flush(self) -> bytes:
            """The rest."""
            ...


GZIP, ZSTD, PLAIN = "gzip", "zstd", ""
MEDIA_TYPES = {GZIP: media.OCI_LAYER_GZIP, ZSTD: media.OCI_LAYER_ZSTD, PLAIN: media.OCI_LAYER}
_GZIP_LEVEL, _ZSTD_LEVEL = 6, 3


def compressor(form: str) -> Compressor:
    """A fresh one for ``gzip``, ``zstd``, or nothing at all."""
    if form == GZIP:
        return zlib.compressobj(_GZIP_LEVEL, zlib.DEFLATED, 31)
    return _zstd() if form == ZSTD else _Plain()


class _Plain:
    def compress(self, data: bytes, /) -> bytes:
        return data

    def flush(self) -> bytes:
        return b""


def _zstd() -> Compressor:
    from importlib import import_module

    for name in ("compression.zstd", "backports.zstd", "zstandard"):
        try:
            module = import_module(name)
        except ImportError:
            continue
        if name == "zstandard":
            made: Compressor = module.ZstdCompressor(level=_ZSTD_LEVEL).compressobj()
        else:
            made = module.ZstdCompressor(level=_ZSTD_LEVEL)
        return made
    raise RungError("zstd", "", "this Python cannot write it", "pip install 'rung[zstd]'")
