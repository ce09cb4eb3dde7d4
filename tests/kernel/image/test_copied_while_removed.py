"""An image that is about to be copied, and that somebody removes or replaces at that moment."""

from __future__ import annotations

import io

import pytest

from imageparts import archive, entry
from rung.image import ImageNotFound, Store
from rung.image.transfer.store_end import StoreSource


def imported(store: Store, content: bytes) -> None:
    store.import_(io.BytesIO(archive(entry("file", content))), "one:1")


def test_what_is_gone_before_it_is_held_is_not_found(store: Store) -> None:
    imported(store, b"a")
    row = store.get("one:1").row
    store.remove("one:1")
    with pytest.raises(ImageNotFound):
        StoreSource(store.content, row)
    assert store.content.metadata.rows("SELECT * FROM lease") == []


def test_what_was_replaced_is_copied_as_it_is_now(store: Store) -> None:
    imported(store, b"a")
    before = store.get("one:1").row
    imported(store, b"b")
    source = StoreSource(store.content, before)
    try:
        assert str(source.root()[0].digest) == store.get("one:1").row.manifest != before.manifest
    finally:
        source.close()
