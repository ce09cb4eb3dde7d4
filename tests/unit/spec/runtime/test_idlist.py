"""Lists of CPUs and nodes as text."""

from __future__ import annotations

import pytest

from rung.spec.runtime.idlist import bits_of, mask_of


@pytest.mark.parametrize(
    ("text", "bits"),
    [("0", 1), ("0-3,7", 0x8F), (" 1 , 2-2 ", 6), ("", 0), (",", 0), ("63", 1 << 63), ("3,0", 9)],
)
def test_lists(text, bits):
    assert bits_of(text, 64) == bits


@pytest.mark.parametrize("text", ["64", "0-64", "3-1", "-1", "1-", "a", "1 2", "0-9876543210", "٣", "1--2"])
def test_what_is_no_list(text):
    with pytest.raises(ValueError, match=".*"):
        bits_of(text, 64)


def test_masks_are_whole_words():
    assert mask_of(0) == b""
    assert mask_of(5) == b"\5" + bytes(7)
    assert len(mask_of(1 << 64)) == 16
