"""What an entry's name means."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rung.image.errors import LayerError
from rung.image.layer.names import IGNORED, OPAQUE, PLAIN, WHITEOUT, classify, clean


@pytest.mark.parametrize(
    ("name", "path"),
    [(b"a", b"a"), (b"./a/", b"a"), (b"/etc/passwd", b"etc/passwd"), (b"a//b/./c", b"a/b/c"), (b"a/../b", b"b"),
     (b"", b""), (b"./", b""), (b"a/..", b""), (b"\xff\xfe", b"\xff\xfe"), (b"...", b"..."), (b"a\n", b"a\n")],
)  # fmt: skip
def test_cleans(name: bytes, path: bytes) -> None:
    assert clean(name) == path


@pytest.mark.parametrize("name", [b"..", b"../x", b"/../x", b"a/../../x", b"a\0b", b"x" * 256, b"a/" * 2100 + b"b"])
def test_refuses(name: bytes) -> None:
    with pytest.raises(LayerError):
        clean(name)


@pytest.mark.parametrize(
    ("path", "kind", "subject"),
    [
        (b"a/b", PLAIN, b"a/b"),
        (b"a/.wh.b", WHITEOUT, b"a/b"),
        (b".wh.b", WHITEOUT, b"b"),
        (b"a/.wh..wh..opq", OPAQUE, b"a"),
        (b".wh..wh..opq", OPAQUE, b""),
        (b".wh..wh.plnk", IGNORED, b".wh..wh.plnk"),
        (b".wh", PLAIN, b".wh"),
        (b".wh.x/y", PLAIN, b".wh.x/y"),
        (b".wh..x", WHITEOUT, b".x"),
    ],
)
def test_classifies(path: bytes, kind: int, subject: bytes) -> None:
    assert classify(path) == (kind, subject)


@pytest.mark.parametrize("path", [b".wh.", b"a/.wh..", b"a/.wh..."])
def test_refuses_whiteouts_that_climb(path: bytes) -> None:
    with pytest.raises(LayerError, match="whiteout"):
        classify(path)


@given(st.lists(st.sampled_from([b"..", b".", b"", b"a", b".wh.", b".wh...", b".wh.b"]), max_size=8))
def test_nothing_that_passes_climbs(parts: list[bytes]) -> None:
    try:
        path = clean(b"/".join(parts))
        _, subject = classify(path)
    except LayerError:
        return
    for one in (path, subject):
        assert not one.startswith(b"/") and not {b"..", b"."} & set(one.split(b"/"))
