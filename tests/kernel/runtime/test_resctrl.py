"""Intel RDT on a host that has none, and through a directory that stands for it."""

from __future__ import annotations

from pathlib import Path

import pytest

from kernel.runtime.bed import one_sentence
from rung.runtime import resctrl


def test_where_it_is_not_mounted(bed):
    if resctrl.mount_point(Path("/proc/self/mountinfo").read_text()):
        pytest.skip("resctrl is mounted here")
    outcome = bed.call("run", "-b", bed.bundle(edits={"linux.intelRdt": {}}), bed.new_id())
    one_sentence(outcome, "linux.intelRdt", "no resctrl file system is mounted")


def test_containers_and_execs_enter_a_group_that_is_there(bed, monkeypatch):
    group = bed.folder / "resctrl/gold"
    group.mkdir(parents=True)
    (group / "tasks").write_text("")
    monkeypatch.setattr(resctrl, "mount_point", lambda _text: str(group.parent))
    edits = {"linux.intelRdt": {"closID": "gold"}}
    with bed.running(edits) as container:
        assert (group / "tasks").read_text() == "0"
        (group / "tasks").write_text("")
        assert bed.exec(container, "true").status == 0
        assert (group / "tasks").read_text() == "0"
    assert group.is_dir()


def test_a_group_of_the_containers_own_goes_with_it(bed, monkeypatch):
    top = bed.folder / "resctrl"
    top.mkdir()
    monkeypatch.setattr(resctrl, "mount_point", lambda _text: str(top))
    monkeypatch.setattr(resctrl.Groups, "tasks", lambda _self: ())  # this stand-in's have no such file
    with bed.running({"linux.intelRdt": {}}) as container:
        assert (top / container.id).is_dir()
    assert not list(top.iterdir())


def test_an_update_gives_the_group_another_share(bed, monkeypatch):
    top = bed.folder / "resctrl"
    (top / "gold").mkdir(parents=True)
    for file in ("tasks", "schemata"):
        (top / "gold" / file).write_text("")
    monkeypatch.setattr(resctrl, "mount_point", lambda _text: str(top))
    with bed.running({"linux.intelRdt": {"closID": "gold"}}) as container:
        container.update({}, ["L3:0=7f"])
        assert (top / "gold/schemata").read_text() == "L3:0=7f\n"


def test_an_update_where_there_is_no_group(bed):
    with bed.running() as container:
        one_sentence(
            bed.call("update", "--l3-cache-schema", "L3:0=f", container.id), container.id, "non-existent Intel RDT"
        )
