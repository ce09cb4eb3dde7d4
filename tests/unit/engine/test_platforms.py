"""A platform that a request asks for, in the words of containerd that Docker shares."""

from __future__ import annotations

import pytest

from rung.engine.errors import BadParameter
from rung.engine.lifecycle.checks import platform_of


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("", ("", "")),
        ("linux", ("linux", "")),
        ("arm64", ("", "arm64")),
        ("X86_64", ("", "amd64")),
        ("linux/aarch64", ("linux", "arm64")),
        ("linux/arm/v7", ("linux", "arm")),
    ],
)
def test_it_is_read(text: str, meant: tuple[str, str]) -> None:
    assert platform_of(text) == meant


@pytest.mark.parametrize("text", ["foobar", "a/b/c/d", "linux/", "li nux"])
def test_it_makes_no_sense(text: str) -> None:
    with pytest.raises(BadParameter, match="invalid argument"):
        platform_of(text)
