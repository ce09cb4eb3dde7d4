"""Digests: well-formed or refused."""

from __future__ import annotations

import hashlib

import pytest

from rung.spec.errors import SpecError
from rung.spec.image import Digest


def test_parses_both_algorithms() -> None:
    for algorithm in ("sha256", "sha512"):
        text = f"{algorithm}:{hashlib.new(algorithm, b'x').hexdigest()}"
        digest = Digest.parse(text)
        assert str(digest) == text
        assert digest == Digest.of(b"x", algorithm)
        assert digest.matches(b"x") and not digest.matches(b"y")


@pytest.mark.parametrize(
    "text",
    ["", "sha256", "sha256:", "sha256:abc", "md5:" + "0" * 32, "sha256:" + "A" * 64, "sha256:" + "g" * 64,
     "sha256:" + "0" * 63 + "/", "sha256:../../etc/passwd", "sha512:" + "0" * 64, None, 7],
)  # fmt: skip
def test_refuses(text: object) -> None:
    with pytest.raises(SpecError, match="manifest: layers\\[0\\].digest"):
        Digest.parse(text, field="layers[0].digest", document="manifest")
