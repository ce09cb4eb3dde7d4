"""A user to whom cgroups are delegated: limits hold, the freezer is in reach, nobody else's are touched."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kernel.runtime.bed import Bed, one_sentence, until
from kernel.runtime.user import GID, UID, User, a_user

TOP = Path("/sys/fs/cgroup")
#: v1 hierarchies in which the user has a subtree here.
GIVEN = ("pids", "freezer", "devices")

pytestmark = pytest.mark.skipif(
    not all((TOP / name / "cgroup.procs").exists() for name in GIVEN), reason="these cgroups are not v1's"
)


@pytest.fixture
def user(bed: Bed) -> Iterator[User]:
    with a_user(bed) as made:
        yield made


@contextmanager
def delegated(user: User) -> Iterator[tuple[Path, ...]]:
    """The user's command runs in cgroups of its own, one in each of these hierarchies."""
    places = tuple(TOP / controller / f"{user.bed.mark}-delegated" for controller in GIVEN)
    try:
        for place in places:
            place.mkdir()
            for file in (place, place / "cgroup.procs", place / "tasks"):
                os.chown(file, UID, GID)
        user.cgroups = places
        yield places
    finally:
        for place in places:
            until(lambda place=place: is_gone(place), f"{place} is empty")


def is_gone(place: Path) -> bool:
    try:
        place.rmdir()
    except OSError:
        return False
    return True


def test_limits_hold_below_the_users_own_cgroup(user: User) -> None:
    with delegated(user) as (pids, *_):
        script = "cat /sys/fs/cgroup/pids/pids.max; cat /proc/self/cgroup"
        outcome = user.run(script, {"linux.resources": {"pids": {"limit": 7}}})
        limit, *lines = outcome.output.splitlines()
        assert limit == "7", outcome.error
        inside = {line.split(":")[1]: line.split(":")[2] for line in lines}
        assert all(inside[name].startswith(f"/{pids.name}/{user.bed.mark}") for name in GIVEN)
        assert pids.name not in inside["cpu"], "not delegated: it stays where its caller is"
        assert list(pids.glob("rung-*")) == []


def test_pause_update_and_ps(user: User) -> None:
    with delegated(user) as (pids, *_), user.running() as name:
        user.ok("pause", name)
        assert json.loads(user.ok("state", name))["status"] == "paused"
        user.ok("resume", name)
        user.ok("update", "--pids-limit", "9", name)
        assert (pids / name / "pids.max").read_text() == "9\n"
        one_sentence(user.call("update", "--memory", "100m", name), "linux.resources.memory")
        assert len(json.loads(user.ok("ps", "--format", "json", name))) == 1
        assert user.call("exec", name, "sh", "-c", "grep -c $0 /proc/self/cgroup", name).output == "3\n"


def test_a_path_below_the_users_own(user: User) -> None:
    """What is asked for by path must be had whole: the other hierarchies are not the user's."""
    with delegated(user):
        one_sentence(user.run("true", {"linux.cgroupsPath": "inner"}), "inner", "delegated")


def test_a_cgroup_of_the_same_name_is_not_touched(user: User) -> None:
    """Root's container has the id, and so the cgroups, that the user's would have: it is left alone."""
    with user.bed.running() as roots:
        user.ok("run", "--detach", "--bundle", user.bundle(["sleep", "1000"]), roots.id)
        assert json.loads(user.ok("ps", "--format", "json", roots.id)) not in ([], roots.pids())
        user.ok("delete", "--force", roots.id)
        assert roots.status == "running"
        assert roots.cgroup.exists()


def test_a_spoilt_record_of_the_same_name_is_cleaned_up_without_touching_roots(user: User) -> None:
    with user.bed.running() as roots:
        user.ok("create", "--bundle", user.bundle(["true"]), roots.id)
        pid = json.loads(user.ok("state", roots.id))["pid"]
        (user.runtime_dir / "rung/runtime" / roots.id / "state.json").write_text("{")
        user.ok("delete", "--force", roots.id)
        assert roots.status == "running"
        os.kill(pid, 9)
