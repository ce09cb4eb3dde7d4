"""Compressed streams as plain ones: gzip (many members), zstd, or neither.

Rule: what the bytes are is told by their first bytes, as Docker does; what a manifest
calls them is not trusted, and the diff ID verifies the outcome. A stream that stops in
the middle is an error, never an end. zstd comes with Python 3.14, or from
``backports.zstd`` or ``zstandard`` where one is installed.
"""

from __future__ import annotations

import zlib
from functools import partial

from rung.image.errors import LayerError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any

    Read = Callable[[int], bytes]

_IN = 1 << 18
_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_UNSUPPORTED = {b"BZh": "bzip2", b"\xfd7zXZ\x00": "xz"}


def sniff(head: bytes) -> str:
    """``"gzip"``, ``"zstd"`` or ``""`` for what a stream begins with."""
    if head.startswith(_GZIP):
        return "gzip"
    if head.startswith(_ZSTD):
        return "zstd"
    for magic, name in _UNSUPPORTED.items():
        if head.startswith(magic):
            reason = f"is compressed with {name}, which images do not use"
            raise LayerError("layer", "", reason, "unpack it first")
    return ""


def plain(read: Read) -> Read:
    """A ``read`` that gives the uncompressed bytes of what ``read`` gives."""
    head = b""
    while len(head) < 6 and (more := read(6 - len(head))):
        head += more
    rest = _Prefixed(head, read).read
    kind = sniff(head)
    if kind == "gzip":
        return _gzip(rest)
    return _zstd(rest) if kind == "zstd" else rest


class _Prefixed:
    """Bytes that were looked at, then the rest."""

    def __init__(self, head: bytes, read: Read) -> None:
        self.head, self.source = head, read

    def read(self, size: int) -> bytes:
        if self.head:
            data, self.head = self.head[:size], self.head[size:]
            return data
        return self.source(size)


class _Frames:
    """Compressed frames one behind the other as one stream: gzip's members (RFC 1952) and zstd's frames
    (RFC 8878). ``new`` makes a decompressor as ``bz2``'s; ``padded``: zeros may follow the last."""

    def __init__(
        self, read: Read, new: Callable[[], Any], error: type[Exception], kind: str, *, padded: bool = False
    ) -> None:
        self.new, self.error, self.kind, self.padded = new, error, kind, padded
        self.source = read
        self.frame: Any = new()
        self.fresh = False  # between two frames
        self.input = b""

    def read(self, size: int) -> bytes:
        while True:
            if self.frame.eof:
                self.input, self.frame, self.fresh = self.frame.unused_data, self.new(), True
            if self.fresh and self.padded:
                self.input = self.input.lstrip(b"\0")
            if not self.input and self.frame.needs_input:
                self.input = self.source(_IN)
                if not self.input:
                    if self.fresh:
                        return b""
                    raise LayerError("layer", "", f"is cut off: its {self.kind} stream has no end")
                if self.fresh and self.padded:
                    continue
            self.fresh = False
            data, self.input = self.input, b""
            try:
                # Bounded: a few compressed bytes may stand for gigabytes.
                output: bytes = self.frame.decompress(data, size)
            except self.error as error:
                raise LayerError("layer", "", f"is damaged: {error}") from None
            if output:
                return output


class _ZlibMember:
    """One gzip member through the standard library, with the face of ``bz2``'s decompressor."""

    def __init__(self) -> None:
        self.member = zlib.decompressobj(31)
        self.tail = b""

    @property
    def eof(self) -> bool:
        return self.member.eof

    @property
    def unused_data(self) -> bytes:
        return self.member.unused_data

    @property
    def needs_input(self) -> bool:
        return not self.tail

    def decompress(self, data: bytes, size: int) -> bytes:
        output = self.member.decompress(self.tail + data, size)
        self.tail = self.member.unconsumed_tail
        return output


def _gzip(read: Read) -> Read:
    """By isal, which takes a third of zlib's time; by zlib where it is not installed."""
    try:
        from isal import igzip_lib
    except ImportError:
        return _Frames(read, _ZlibMember, zlib.error, "gzip", padded=True).read
    error: Any = igzip_lib.IsalError  # a class; its stub says otherwise
    new = partial(igzip_lib.IgzipDecompressor, igzip_lib.DECOMP_GZIP)
    return _Frames(read, new, error, "gzip", padded=True).read


class _Zstandard:
    """The same through the ``zstandard`` package, whose reader bounds its output itself."""

    def __init__(self, read: Read, module: Any) -> None:
        self.error: type[Exception] = module.ZstdError
        source = _File(read)
        self.stream = module.ZstdDecompressor().stream_reader(source, read_size=_IN, read_across_frames=True)

    def read(self, size: int) -> bytes:
        try:
            return bytes(self.stream.read(size))
        except self.error as error:
            raise LayerError("layer", "", f"is damaged: {error}") from None


class _File:
    def __init__(self, read: Read) -> None:
        self.read = read


def _zstd(read: Read) -> Read:
    from importlib import import_module

    for name in ("compression.zstd", "backports.zstd"):
        try:
            module = import_module(name)
        except ImportError:
            continue
        return _Frames(read, module.ZstdDecompressor, module.ZstdError, "zstd").read
    try:
        module = import_module("zstandard")
    except ImportError:
        reason, hint = "is compressed with zstd, which this Python cannot read", "pip install 'rung[zstd]'"
        raise LayerError("layer", "", reason, hint) from None
    return _Zstandard(read, module).read
