"""References, against the distribution project's own examples."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rung.spec.errors import SpecError
from rung.spec.image import Reference

HEX = "ff" * 32


@pytest.mark.parametrize(
    ("text", "whole", "familiar"),
    [
        ("debian", "docker.io/library/debian:latest", "debian:latest"),
        ("debian:trixie", "docker.io/library/debian:trixie", "debian:trixie"),
        ("docker.io/debian", "docker.io/library/debian:latest", "debian:latest"),
        ("index.docker.io/library/debian", "docker.io/library/debian:latest", "debian:latest"),
        ("someone/thing:1", "docker.io/someone/thing:1", "someone/thing:1"),
        ("localhost/thing", "localhost/thing:latest", "localhost/thing:latest"),
        ("localhost:5000/thing", "localhost:5000/thing:latest", "localhost:5000/thing:latest"),
        ("127.0.0.1:5000/a/b/c:v1.2-3_4", "127.0.0.1:5000/a/b/c:v1.2-3_4", "127.0.0.1:5000/a/b/c:v1.2-3_4"),
        ("[::1]:5000/a", "[::1]:5000/a:latest", "[::1]:5000/a:latest"),
        ("Host/a", "Host/a:latest", "Host/a:latest"),
        ("quay.io/a/b", "quay.io/a/b:latest", "quay.io/a/b:latest"),
        (f"debian@sha256:{HEX}", f"docker.io/library/debian@sha256:{HEX}", f"debian@sha256:{HEX}"),
        (f"a:t@sha256:{HEX}", f"docker.io/library/a:t@sha256:{HEX}", f"a:t@sha256:{HEX}"),
        ("a__b.c-d---e", "docker.io/library/a__b.c-d---e:latest", "a__b.c-d---e:latest"),
        ("docker.io/library/a/b", "docker.io/library/a/b:latest", "library/a/b:latest"),
    ],
)
def test_normalises(text: str, whole: str, familiar: str) -> None:
    reference = Reference.parse(text)
    assert (str(reference), reference.familiar) == (whole, familiar)
    assert Reference.parse(familiar) == reference
    assert Reference.parse(whole) == reference


@pytest.mark.parametrize(
    "text",
    ["", ":", "@", "a:", "a@", "/a", "a/", "a//b", "A", "a:b:c", "a b", "a\n", "a/../b", "..", "a..b", "a___b", "-a", "a-",
     "https://a/b", "a@sha256:123", "a@md5:" + "0" * 32, "a:" + "t" * 129, "a:.t", HEX, "x" * 256, "a/B", "[::1/a",
     "a.b:port/c", "ä", "a\0b", "a:t\0"],
)  # fmt: skip
def test_refuses(text: str) -> None:
    with pytest.raises(SpecError, match=r"^reference"):
        Reference.parse(text)


def test_tells_capital_letters() -> None:
    with pytest.raises(SpecError, match="lower case"):
        Reference.parse("example.com/Thing")


@given(st.text(alphabet="aA0._-/:@[]% \n\0é", max_size=40))
def test_any_text_is_parsed_or_refused(text: str) -> None:
    try:
        reference = Reference.parse(text)
    except SpecError:
        return
    assert Reference.parse(str(reference)) == reference
    assert not set(reference.path) & set("% \n\0é") and ".." not in reference.path.split("/")
