"""A user to whom a subtree of pure cgroup v2 is delegated, as a session has one: limits hold in it, and it is
not left. ``tests/guest`` runs this."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from kernel.runtime.bed import Bed, one_sentence, until
from kernel.runtime.user import GID, UID, User, a_user

TOP = Path("/sys/fs/cgroup")

pytestmark = pytest.mark.skipif(
    not (TOP / "cgroup.subtree_control").exists(), reason="this is not pure cgroup v2: tests/guest runs this"
)


@pytest.fixture
def user(bed: Bed) -> Iterator[User]:
    """Its command runs in ``session`` of a subtree that is the user's
    (https://docs.kernel.org/admin-guide/cgroup-v2.html#delegation)."""
    place = TOP / f"{bed.mark}-delegated"
    session = place / "session"
    session.mkdir(parents=True)
    (place / "cgroup.subtree_control").write_text("+pids +memory +cpu")
    for one in (place, place / "cgroup.procs", place / "cgroup.subtree_control", session, session / "cgroup.procs"):
        os.chown(one, UID, GID)
    try:
        with a_user(bed) as made:
            made.cgroups = (session,)
            yield made
    finally:
        until(lambda: _gone(session) and _gone(place), f"{place} is empty")


def _gone(place: Path) -> bool:
    try:
        place.rmdir()
    except FileNotFoundError:
        return True
    except OSError:
        return False
    return True


def test_limits_hold_beside_the_users_session(user: User) -> None:
    limits = {"pids": {"limit": 7}, "memory": {"limit": 64 << 20}, "cpu": {"quota": 50000, "period": 100000}}
    with user.running({"linux.resources": limits}) as name:
        place = user.cgroups[0].parent / name
        assert (place / "pids.max").read_text() == "7\n"
        assert (place / "memory.max").read_text() == f"{64 << 20}\n"
        assert (place / "cpu.max").read_text() == "50000 100000\n"
        assert json.loads(user.ok("ps", "--format", "json", name))
    assert not place.exists()


def test_pause_update_exec_and_events(user: User) -> None:
    with user.running() as name:
        place = user.cgroups[0].parent / name
        user.ok("pause", name)
        assert json.loads(user.ok("state", name))["status"] == "paused"
        assert (place / "cgroup.freeze").read_text() == "1\n"
        user.ok("resume", name)
        user.ok("update", "--pids-limit", "9", name)
        assert (place / "pids.max").read_text() == "9\n"
        user.ok("exec", name, "true")
        assert json.loads(user.ok("events", "--stats", name))["data"]["pids"]["limit"] == 9


def test_a_path_outside_of_what_is_the_users(user: User) -> None:
    one_sentence(user.run("true", {"linux.cgroupsPath": "/somewhere"}), "somewhere", "delegated")
    assert not (TOP / "somewhere").exists()
