"""Mounts on and in /proc: what is there decides which labels init really sets (CVE-2019-16884).

Without guard_proc (mount.c) all but the last were mounted."""

from __future__ import annotations

import os

import pytest

from rung.runtime import StepError


def bind(source: object, dest: str) -> dict[str, object]:
    return {"destination": dest, "type": "bind", "source": str(source), "options": ["bind"]}


@pytest.mark.parametrize("dest", ["/proc/self/attr", "/proc/1/status", "/door/sys/kernel", "/proc/version"])
def test_nothing_is_mounted_inside_proc_by_whatever_way(bed, tmp_path, dest):
    root = bed.own_rootfs()
    os.symlink("/proc", root / "door")
    source = tmp_path / "file"
    source.write_text("no")
    edits = {"root.path": str(root), "mounts": [*bed.config(["true"])["mounts"], bind(source, dest)]}
    if dest.endswith(("attr", "kernel")):
        source.unlink()
        source.mkdir()
    with pytest.raises(StepError, match="inside /proc"), bed.created(["true"], edits):
        pass


@pytest.mark.parametrize("dest", ["/proc", "//proc/", "/door"])
def test_only_procfs_is_mounted_on_proc(bed, tmp_path, dest):
    root = bed.own_rootfs()
    os.symlink("/proc", root / "door")
    edits = {"root.path": str(root), "mounts": [*bed.config(["true"])["mounts"], bind(tmp_path, dest)]}
    with pytest.raises(StepError, match="only procfs"), bed.created(["true"], edits):
        pass


def test_the_files_that_lxcfs_emulates_may_be_covered(bed, tmp_path):
    source = tmp_path / "uptime"
    source.write_text("emulated\n")
    edits = {"mounts": [*bed.config(["true"])["mounts"], bind(source, "/proc/uptime")]}
    assert bed.run("cat /proc/uptime", edits).lines == ["emulated"]
