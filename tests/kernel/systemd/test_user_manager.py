"""A user's own systemd (``systemd --user``) makes the cgroups of containers that the user runs."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from kernel.runtime.bed import Bed, Outcome, until
from kernel.runtime.user import GID, UID, User, a_user
from kernel.systemd.conftest import Real, needs_systemd

SYSTEMD = "/usr/lib/systemd/systemd"

pytestmark = needs_systemd


@pytest.fixture
def user(bed: Bed) -> Iterator[User]:
    """A user with a manager, a service to which the system's hands its cgroup over (as user@.service)."""
    service = f"{bed.mark}-manager.service"
    with a_user(bed) as made:
        words = ["systemd-run", "--quiet", f"--unit={service}", f"--uid={UID}", f"--gid={GID}"]
        words += ["--property=Delegate=yes", "--property=Type=notify", f"--setenv=XDG_RUNTIME_DIR={made.runtime_dir}"]
        subprocess.run([*words, "--", SYSTEMD, "--user", "--unit=basic.target"], check=True)
        try:
            (cgroup,) = Real.command("show", "--property=ControlGroup", "--value", service)
            made.cgroups = (Path("/sys/fs/cgroup", cgroup.lstrip("/"), "init.scope"),)
            yield made
        finally:
            Real.command("stop", service)
            for entry in made.runtime_dir.iterdir():
                if entry.name != "rung":
                    shutil.rmtree(entry) if entry.is_dir() else entry.unlink()


def shown(user: User, unit: str, name: str) -> str:
    """A property, as the user's manager has it."""
    words = ["setpriv", f"--reuid={UID}", f"--regid={GID}", "--clear-groups", "systemctl", "--user", "show", "--value"]
    environment = {**os.environ, "XDG_RUNTIME_DIR": str(user.runtime_dir)}
    done = subprocess.run([*words, "-p", name, unit], capture_output=True, text=True, check=True, env=environment)
    return done.stdout.strip()


def test_a_unit_of_the_users_manager(user: User) -> None:
    name = user.bed.new_id()
    bundle = user.bundle(["sleep", "1000"], {"linux.resources": {"pids": {"limit": 7}}})
    user.ok("--systemd-cgroup", "run", "--detach", "--bundle", bundle, name)
    unit = f"rung-{name}.scope"
    try:
        assert (shown(user, unit, "ActiveState"), shown(user, unit, "TasksMax")) == ("active", "7")
        place = Path("/sys/fs/cgroup", shown(user, unit, "ControlGroup").lstrip("/"))
        assert place.is_relative_to(user.cgroups[0].parent)
        assert (place / "pids.max").read_text() == "7\n"
        user.ok("--systemd-cgroup", "update", "--pids-limit", "9", name)
        assert shown(user, unit, "TasksMax") == "9"
        user.ok("pause", name)
        user.ok("resume", name)
        user.ok("exec", name, "true")
    finally:
        user.ok("delete", "--force", name)
    until(lambda: shown(user, unit, "LoadState") == "not-found", "the manager has forgotten the unit")
    assert not place.exists()


def test_without_a_manager_it_is_said(bed: Bed) -> None:
    with a_user(bed) as user:
        outcome: Outcome = user.run("true", {}, "--systemd-cgroup")
    assert outcome.status != 0
    assert str(user.runtime_dir) in outcome.error, outcome
