"""Platforms and the choice among an index's manifests."""

from __future__ import annotations

import pytest

from rung.spec.errors import SpecError
from rung.spec.image import Descriptor, Digest, Platform, choose_platform


@pytest.mark.parametrize(
    ("text", "normal"),
    [("amd64", "linux/amd64"), ("linux/x86_64", "linux/amd64"), ("linux/arm64/v8", "linux/arm64"),
     ("linux/aarch64", "linux/arm64"), ("linux/arm", "linux/arm"), ("linux/arm/v7", "linux/arm"),
     ("linux/armhf", "linux/arm"), ("linux/arm/6", "linux/arm/v6"), ("linux/amd64/v1", "linux/amd64"),
     ("linux/amd64/v3", "linux/amd64/v3"), ("windows/AMD64", "windows/amd64")],
)  # fmt: skip
def test_one_spelling(text: str, normal: str) -> None:
    assert str(Platform.parse(text)) == normal


@pytest.mark.parametrize("text", ["", "/", "linux/", "a/b/c/d", "linux/am d64", "linux/../x"])
def test_refuses(text: str) -> None:
    with pytest.raises(SpecError):
        Platform.parse(text)


def offer(*platforms: str | None) -> list[Descriptor]:
    found = (Platform.parse(one) if one else None for one in platforms)
    return [Descriptor("t", Digest.of(b"%d" % at), at, one) for at, one in enumerate(found)]


@pytest.mark.parametrize(
    ("wanted", "offered", "chosen"),
    [
        ("linux/amd64", ["linux/arm64", "linux/amd64"], 1),
        ("linux/amd64", ["linux/amd64", "linux/amd64"], 0),
        ("linux/amd64", ["linux/arm64", "unknown/unknown", None], None),
        ("linux/amd64", ["linux/amd64/v3"], None),
        ("linux/amd64/v3", ["linux/amd64", "linux/amd64/v2", "linux/amd64/v4"], 1),
        ("linux/arm/v7", ["linux/arm/v5", "linux/arm/v6", "linux/arm64"], 1),
        ("linux/arm64", ["linux/arm64/v8"], 0),
        ("linux/amd64", [], None),
    ],
)
def test_chooses(wanted: str, offered: list[str | None], chosen: int | None) -> None:
    found = choose_platform(offer(*offered), Platform.parse(wanted))
    assert (found.size if found else None) == chosen
