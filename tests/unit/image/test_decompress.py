"""Compressed streams."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import shutil
import subprocess
import sys

import pytest

from rung.image.errors import LayerError
from rung.image.layer.decompress import plain

DATA = bytes(range(256)) * 9000


@pytest.fixture(params=["isal", "zlib"], autouse=True)
def library(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """gzip through either library, to the same outcome."""
    if request.param == "zlib":
        monkeypatch.setitem(sys.modules, "isal", None)
    else:
        pytest.importorskip("isal", reason="isal is not installed: pip install -e .[test]")


def unpack(data: bytes, size: int = 5000) -> bytes:
    read = plain(io.BytesIO(data).read)
    parts = []
    while part := read(size):
        assert len(part) <= size
        parts.append(part)
    return b"".join(parts)


def test_plain_bytes_stay() -> None:
    assert unpack(DATA) == DATA
    assert unpack(b"") == b""
    assert unpack(b"abc") == b"abc"


def test_gzip_with_many_members_and_zeros_behind() -> None:
    assert unpack(gzip.compress(DATA)) == DATA
    assert unpack(gzip.compress(DATA) + bytes(1 << 19)) == DATA
    assert unpack(gzip.compress(DATA) + gzip.compress(b"") + gzip.compress(b"tail") + bytes(700)) == DATA + b"tail"


@pytest.mark.parametrize("damage", [lambda d: d[:-1], lambda d: d[:50], lambda d: d[:-8] + b"\0" * 8, lambda d: d + b"x" * 20])
def test_damaged_gzip(damage: object) -> None:
    with pytest.raises(LayerError, match=r"cut off|damaged"):
        unpack(damage(gzip.compress(DATA)))  # type: ignore[operator]


def zstd(data: bytes) -> bytes:
    program = shutil.which("zstd")
    if program is None:
        pytest.skip("no zstd program to compress with")
    return subprocess.run([program, "-q", "-c"], input=data, capture_output=True, check=True).stdout


def test_zstd_with_several_frames() -> None:
    try:
        assert unpack(zstd(DATA) + zstd(b"tail")) == DATA + b"tail"
    except LayerError as error:
        assert "pip install" in str(error)
        pytest.skip("this Python cannot read zstd")


def test_damaged_zstd() -> None:
    data = zstd(DATA)
    with pytest.raises(LayerError, match=r"damaged|pip install"):
        unpack(data[:20] + b"\xff" * 40 + data[60:])


@pytest.mark.parametrize("data", [bz2.compress(DATA), lzma.compress(DATA)])
def test_names_what_images_do_not_use(data: bytes) -> None:
    with pytest.raises(LayerError, match=r"bzip2|xz"):
        unpack(data)
