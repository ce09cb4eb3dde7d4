"""Places as people type them."""

from __future__ import annotations

import pytest

from rung.image import ImageError
from rung.image.transfer.names import Place, parse_place


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("docker://debian:trixie", Place("docker", "debian:trixie")),
        ("docker://localhost:5000/a@sha256:" + "0" * 64, Place("docker", "localhost:5000/a@sha256:" + "0" * 64)),
        ("store:debian:trixie", Place("store", "debian:trixie")),
        ("dir:/tmp/a:b", Place("dir", "/tmp/a:b")),
        ("oci:layout", Place("oci", "layout")),
        ("oci:/tmp/layout:name:1", Place("oci", "/tmp/layout", "name:1")),
        ("oci-archive:a.tar:1", Place("oci-archive", "a.tar", "1")),
        ("docker-archive:a.tar:x/y:1", Place("docker-archive", "a.tar", "x/y:1")),
    ],
)
def test_places(text: str, place: Place) -> None:
    assert parse_place(text) == place
    assert str(place) == text


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("debian", r"docker://debian for a registry, store:debian"),
        ("debian:trixie", "there are docker, store, oci"),
        ("localhost:5000/a", "there are docker"),
        ("example.com/a:1", r"docker://example.com/a:1"),
        ("docker:debian", "write docker://"),
        ("docker://", "write docker://"),
        ("oci:", "names nothing"),
        ("oci::x", "names no path"),
        ("", "does not begin with a transport"),
        ("containers-storage:x", "there are docker"),
    ],
)
def test_what_is_no_place(text: str, reason: str) -> None:
    with pytest.raises(ImageError, match=reason):
        parse_place(text)
