"""Images for a user without privilege: root of a user namespace unpacks, stacks and mounts them there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from imageparts import Parts, Registry, archive, directory, entry, symlink

#: In the namespace: pull, mount, and say what is seen, one line each.
INSIDE = """
import os, sys
from rung.image import Store
root, name, snapshotter = sys.argv[1:]
events = []
with Store(root, snapshotter=snapshotter) as store:
    image = store.pull(name, progress=events.append)
    rootfs = store.prepare_rootfs(image, "c1")
    rootfs.mount(root + "/mnt")
    os.chdir(root + "/mnt")
    for place, below, files in sorted(os.walk(".")):
        for one in sorted(below + files):
            found = os.lstat(os.path.join(place, one))
            print(os.path.join(place, one)[2:], oct(found.st_mode & 0o7777), found.st_uid)
    open("d/written", "w").close()
    os.unlink("d/new")
    os.chdir("/")
    rootfs.remove()
for event in events:
    if "note" in event.text:
        print(event.text)
"""

BASE = archive(
    directory("d", uid=5), entry("d/old"), entry("gone"), directory("opaque"), entry("opaque/old"),
    entry("null", type=tarfile.CHRTYPE, devmajor=1, devminor=3), entry("set-user", mode=0o4755, uid=7),
)  # fmt: skip
UPPER = archive(entry("d/new", b"new"), entry(".wh.gone"), entry("opaque/.wh..wh..opq"), entry("opaque/new"), symlink("l", "d"))


@pytest.fixture
def mine(ext4: Path) -> Iterator[Path]:
    """A directory of the user whom the namespace's root is outside."""
    path = Path(tempfile.mkdtemp(dir=ext4))
    os.chown(path, 100_000, 100_000)
    for above in (ext4, ext4.parent):
        above.chmod(0o755)
    yield path
    shutil.rmtree(path)


MAPS = ["--map-users=0:100000:60000", "--map-groups=0:100000:60000", "--setuid", "0", "--setgid", "0"]


def python(code: str, *words: str | Path, home: Path = Path("/")) -> subprocess.CompletedProcess[str]:
    command = ["unshare", "--user", "--mount", *MAPS, sys.executable, "-c", code, *map(str, words)]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path), "HOME": str(home)}
    environment.pop("RUNG_SNAPSHOTTER", None)
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, cwd="/")


def in_a_namespace(place: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return python(INSIDE, place, *words, home=place)


def needs_namespaces() -> None:
    probe = python("import rung.image.images.store")
    if probe.returncode:
        pytest.skip(f"no Rung in a user namespace here: {probe.stderr.strip()[-200:]}")


@pytest.mark.parametrize("snapshotter", ["", "overlay", "native"])
def test_pull_and_mount(mine: Path, snapshotter: str) -> None:
    needs_namespaces()
    registry = Registry()
    try:
        run = in_a_namespace(mine, registry.serve(Parts([BASE, UPPER])), snapshotter)
    finally:
        registry.close()
    assert run.returncode == 0, run.stderr
    assert sorted(run.stdout.splitlines()) == [
        "d 0o755 5", "d/new 0o644 0", "d/old 0o644 0", "l 0o777 0",
        "note: left out devices (in a user namespace nobody may make them)", "opaque 0o755 0", "opaque/new 0o644 0", "set-user 0o4755 7",
    ]  # fmt: skip


def test_an_owner_that_is_not_mapped(mine: Path) -> None:
    needs_namespaces()
    registry = Registry()
    try:
        run = in_a_namespace(mine, registry.serve(Parts([archive(entry("f", uid=70_000))])), "")
    finally:
        registry.close()
    assert run.returncode == 1
    assert run.stderr.splitlines()[-1].endswith("entry f: belongs to an owner that this user namespace does not map")


def test_erofs_is_not_for_users(mine: Path) -> None:
    needs_namespaces()
    registry = Registry()
    try:
        run = in_a_namespace(mine, registry.serve(Parts([BASE])), "erofs")
    finally:
        registry.close()
    assert run.returncode == 1 and "snapshotter erofs: cannot work in" in run.stderr
