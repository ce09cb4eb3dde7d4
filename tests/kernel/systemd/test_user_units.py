"""A user's containers, whose cgroups the user's own systemd makes. ``tests/guest`` runs these."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from kernel.runtime.bed import Bed, reap
from kernel.runtime.user import User, a_user
from kernel.systemd.conftest import needs_systemd

pytestmark = needs_systemd
UID = GID = 1  # daemon: systemd starts nothing for a user who has no name
SYSTEMD = "/usr/lib/systemd/systemd"


@pytest.fixture
def user(bed: Bed) -> Iterator[User]:
    """Somebody with a service manager, as logind starts one at login; the test is no part of that session."""
    with a_user(bed, UID, GID) as made:
        unit = f"{bed.mark}-user.service"
        start = ["systemd-run", "--quiet", f"--unit={unit}", f"--uid={UID}", f"--gid={GID}"]
        start += [f"--property={word}" for word in ("DefaultDependencies=no", "Delegate=yes", "Type=notify")]
        start += [f"--setenv=XDG_RUNTIME_DIR={made.runtime_dir}", SYSTEMD, "--user"]
        subprocess.run(start, check=True)
        try:
            yield made
        finally:
            subprocess.run(["systemctl", "stop", unit], check=True)
            for path in made.runtime_dir.iterdir():
                if path.name != "rung":
                    shutil.rmtree(path) if path.is_dir() else path.unlink()


@pytest.fixture
def container(user: User) -> Iterator[str]:
    name = user.bed.new_id()
    user.ok("--systemd-cgroup", "run", "--detach", "--bundle", user.bundle(["sleep", "1000"]), name)
    pid = init_of(user, name)
    yield name
    user.ok("--systemd-cgroup", "delete", "--force", name)
    reap(pid)


def cgroup_of(pid: int) -> str:
    return Path(f"/proc/{pid}/cgroup").read_text().strip().removeprefix("0::")


def init_of(user: User, name: str) -> int:
    return int(json.loads(user.ok("state", name))["pid"])


def place_of_exec(user: User, name: str, *flags: str) -> str:
    """The cgroup of one more process, which is ended again."""
    file = user.folder / "pid"
    user.ok("exec", "--detach", "--pid-file", file, *flags, name, "sleep", "2000")
    pid = int(file.read_text())
    try:
        return cgroup_of(pid)
    finally:
        os.kill(pid, signal.SIGKILL)
        reap(pid)


def test_a_command_is_put_beside_the_init_by_systemd(user: User, container: str) -> None:
    """Neither may move a process from here to there: what lies above both belongs to root."""
    init = init_of(user, container)
    place = cgroup_of(init)
    assert place.endswith(f"/user.slice/rung-{container}.scope")
    assert not cgroup_of(os.getpid()).startswith(place.rpartition("/user.slice")[0])
    assert place_of_exec(user, container) == place
    assert user.call("exec", container, "sh", "-c", "exit 5").status == 5


def test_a_command_is_put_below_it(user: User, container: str) -> None:
    place = cgroup_of(init_of(user, container))
    inside = Path(f"/sys/fs/cgroup{place}/inside")
    inside.mkdir()
    for path in (inside, inside / "cgroup.procs"):
        os.chown(path, UID, GID)
    assert place_of_exec(user, container, "--cgroup", "/inside") == f"{place}/inside"
    refused = user.call("exec", "--cgroup", "/nowhere", container, "true")
    assert refused.status == 255
    assert "nowhere" in refused.error


def test_where_the_init_has_gone_below(user: User, container: str) -> None:
    """A cgroup that gives its controllers to those below holds no process (cgroup-v2.rst)."""
    init = init_of(user, container)
    top = Path(f"/sys/fs/cgroup{cgroup_of(init)}")
    (top / "own").mkdir()
    (top / "own/cgroup.procs").write_text(str(init))
    os.chown(top / "own", UID, GID)
    os.chown(top / "own/cgroup.procs", UID, GID)
    (top / "cgroup.subtree_control").write_text("+pids")
    assert place_of_exec(user, container) == cgroup_of(init)
