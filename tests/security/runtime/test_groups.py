"""Groups that take access away (CVE-2022-2995 and its kin, CVE-2014-8989): nobody leaves them by the way.

A file of mode 0604 is for everybody but its group. A workload that is told to be in the group is in it, and one
whose user is in it outside cannot get out of it by a user namespace of its own.

Without setgroups in SetUser the first two read the file; with groups allowed in the namespace of a user
that maps its own group (denies_groups) the kernel refused the map and the container with it.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from kernel.runtime.bed import Outcome
from kernel.runtime.user import User, a_user

DENIED = 4711


#: Leaves all groups that it may leave, says so, and becomes the program that it is given.
LEAVER = """
#include <grp.h>
#include <stdio.h>
#include <unistd.h>
int main(int argc, char **argv)
{
    if (setgroups(0, NULL) < 0)
        perror("setgroups");
    return argc > 1 ? execv(argv[1], argv + 1) : 1;
}
"""


@pytest.fixture(scope="module")
def leaver(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("leaver")
    (folder / "leaver.c").write_text(LEAVER)
    subprocess.run(["cc", "-static", "-o", folder / "leave", folder / "leaver.c"], check=True)
    return folder / "leave"


@pytest.fixture
def volume(bed, leaver: Path) -> Path:
    folder = bed.folder / "volume"
    folder.mkdir()
    shutil.copy2(leaver, folder / "leave")
    file = folder / "file"
    file.write_text("content")
    os.chown(file, 0, DENIED)
    file.chmod(0o604)
    return folder


def at(volume: Path) -> dict[str, object]:
    return {"destination": "/tmp", "type": "bind", "source": str(volume), "options": ["bind"]}


def who(*groups: int) -> dict[str, object]:
    return {"uid": 1000, "gid": 1000, "additionalGids": list(groups)}


def edits(bed, volume: Path, *groups: int) -> dict[str, object]:
    mounts = [*bed.config(["true"])["mounts"], at(volume)]
    return {"process.user": who(*groups), "mounts": mounts}


def test_a_group_that_is_asked_for_takes_away(bed, volume):
    assert bed.run("cat /tmp/file", edits(bed, volume)).output == "content"
    assert "Permission denied" in bed.run("cat /tmp/file", edits(bed, volume, 5, DENIED, 6)).output
    assert bed.run("id -G", edits(bed, volume, 5, DENIED, 6)).output.split() == ["1000", "5", "6", str(DENIED)]


def test_for_exec_too(bed, volume):
    with bed.running(edits(bed, volume)) as container:
        assert bed.exec(container, "cat /tmp/file").output == "content"
        assert "Permission denied" in bed.exec(container, "cat /tmp/file", user=who(DENIED)).output
        words = ("exec", "--user", "1000:1000", "--additional-gids", DENIED, container.id, "cat", "/tmp/file")
        assert "Permission denied" in bed.call(*words).error


def test_it_cannot_be_left_from_inside(bed, volume):
    """By setgroups(2), or in a user namespace of one's own."""
    given = edits(bed, volume, DENIED)
    for before in ("", "busybox unshare -U", "busybox unshare -Ur"):
        outcome = bed.run(f"{before} /tmp/leave /bin/cat /tmp/file", given)
        assert "setgroups: Operation not permitted" in outcome.output, (before, outcome)
        assert "content" not in outcome.output, (before, outcome)


def test_nor_by_a_container_of_a_user_that_is_in_it(bed, volume):
    """Rootless: the namespace of a user who maps the own group denies setgroups."""
    with a_user(bed) as user:
        for folder in (bed.folder, bed.folder.parent, bed.folder.parent.parent):
            folder.chmod(0o755)
        script = "cat /proc/self/setgroups; grep Groups /proc/self/status; cat /tmp/file; /tmp/leave /bin/cat /tmp/file"
        mounts = [*user.config("true")["mounts"], at(volume)]
        outcome = as_member(user, user.bundle(script, {"mounts": mounts}))
        assert outcome.lines == ["deny", f"Groups:\t{Path('/proc/sys/kernel/overflowgid').read_text().strip()} "], outcome
        assert "content" not in outcome.output
        assert outcome.error.count("Permission denied") == 2, outcome
        assert "setgroups: Operation not permitted" in outcome.error


def as_member(user: User, bundle: Path) -> Outcome:
    words = [f"--groups={DENIED}" if word == "--clear-groups" else word for word in user.words("run", "-b", bundle, user.bed.new_id())]
    run = subprocess.run(words, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60, check=False)
    return Outcome(run.returncode, run.stdout, run.stderr)
