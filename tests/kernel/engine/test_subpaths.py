"""Part of a volume whose files others write: no link leads out of the volume."""

from __future__ import annotations

import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from rung.engine import subpaths
from rung.engine.document.mounts import Mounted
from rung.engine.errors import NotFound
from rung.engine.places import Places
from rung.undo import Undo


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    """A volume, and beside it what is nobody's business."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/secret").write_text("secret")
    made = tmp_path / "volume"
    (made / "inside").mkdir(parents=True)
    (made / "inside/file").write_text("ours")
    return made


def shown(volume: Path, subpath: str, run: Path | None = None) -> str | list[str]:
    """What a container would see there: a file's text, or a directory's names."""
    run = run or volume.parent / "run"
    one = Mounted("volume", str(volume), "/v", name="v", subpath=subpath)
    container: Any = SimpleNamespace(id="c", mounts=[one.__dict__])
    places = Places(run=str(run))
    try:
        with Undo() as undo:
            (found,) = subpaths.mounted(places, container, undo)
            undo.keep()
        source = Path(found.source)
        return sorted(os.listdir(source)) if source.is_dir() else source.read_text()
    finally:
        subpaths.unmount(places, "c")


def test_a_part(volume: Path) -> None:
    assert shown(volume, "inside") == ["file"]
    assert shown(volume, "inside/file") == "ours"
    assert not (volume.parent / "run/subpaths/c").exists(), "nothing stays mounted"
    assert (volume / "inside/file").read_text() == "ours", "and nothing that was is removed"


@pytest.mark.parametrize("target", ["{outside}", "../outside", "../../../../../../..{outside}", "/", ".."])
def test_a_link_stays_within(volume: Path, target: str) -> None:
    """Links are read as in a container whose root the volume is: those that climb end at its top."""
    (volume / "link").symlink_to(target.format(outside=volume.parent / "outside"))
    for subpath in ("link", "link/secret", "inside/../link/secret"):
        try:
            assert shown(volume, subpath) == ["inside", "link"], subpath
        except NotFound:
            continue


def test_a_link_within_is_followed(volume: Path) -> None:
    (volume / "link").symlink_to("/inside")
    assert shown(volume, "link/file") == "ours"


@pytest.mark.parametrize("subpath", ["../outside", "inside/../../outside/secret", "nothing"])
def test_what_climbs_or_is_not_there(volume: Path, subpath: str) -> None:
    with pytest.raises(NotFound, match="no such file or directory"):
        shown(volume, subpath)


def test_a_link_of_the_kernels_leads_nowhere(tmp_path: Path) -> None:
    """A volume may be a directory of the host's that has /proc in it."""
    with pytest.raises(NotFound):
        shown(Path("/proc"), f"{os.getpid()}/root/etc", tmp_path)
