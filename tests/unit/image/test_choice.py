"""Which snapshotter is used: who asks for one is heard first."""

from __future__ import annotations

from pathlib import Path

import pytest

from rung.image.errors import StoreError
from rung.image.snapshot import erofs
from rung.image.snapshot.choice import Choice
from rung.image.snapshot.layers import EROFS, FILES


@pytest.fixture(autouse=True)
def nobody_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("RUNG_SNAPSHOTTER", raising=False)


def test_the_caller_then_the_environment_then_the_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(erofs, "why_not", lambda directory: "")
    choice = Choice(str(tmp_path))
    assert (choice.named, choice.layer_form()) == ("", FILES)
    Choice(str(tmp_path)).set("native")
    assert choice.named == "native"
    monkeypatch.setenv("RUNG_SNAPSHOTTER", "erofs")
    assert (choice.named, choice.layer_form()) == ("erofs", EROFS)
    assert Choice(str(tmp_path), "overlay").named == "overlay"
    monkeypatch.delenv("RUNG_SNAPSHOTTER")
    Choice(str(tmp_path)).set("")
    assert choice.named == ""


def test_what_is_not_known(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match='"zfs": is not known .choose one of overlay, erofs, native'):
        Choice(str(tmp_path), "zfs").layer_form()
    with pytest.raises(StoreError, match="is not known"):
        Choice(str(tmp_path)).set("zfs")
    assert Choice(str(tmp_path)).named == ""


def test_erofs_is_tried_once_since_the_machine_started(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tried = []
    monkeypatch.setattr(erofs, "why_not", lambda directory: tried.append(directory) or "")
    for _ in range(3):
        assert Choice(str(tmp_path), "erofs").layer_form() == EROFS
    assert tried == [str(tmp_path)]


def test_erofs_that_cannot_work_is_an_error_and_nothing_else(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(erofs, "why_not", lambda directory: "no such thing")
    for act in (Choice(str(tmp_path), "erofs").layer_form, lambda: Choice(str(tmp_path)).set("erofs")):
        with pytest.raises(StoreError, match="no such thing"):
            act()
    assert list(tmp_path.iterdir()) == []
