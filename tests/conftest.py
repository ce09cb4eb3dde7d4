"""What every test can ask for, and the rules that go by a test's folder.

``tests/kernel``, ``tests/security``, ``tests/conformance`` and ``tests/faults`` work on the real
kernel: they need root (skipped with that reason otherwise) and run one after another.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import census
import native
import warmth

ROOT = Path(__file__).resolve().parent.parent
warmth.settle()
REAL_KERNEL = ("kernel", "security", "conformance", "faults", "guest")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests on the real kernel are marked so, and skipped for others than root."""
    for item in items:
        if not is_serial(item.nodeid):
            continue
        item.add_marker("serial")
        if os.geteuid() != 0:
            item.add_marker(pytest.mark.skip(reason="needs root"))


def is_serial(nodeid: str) -> bool:
    """Whether a test works on the real kernel, by its folder."""
    folder = nodeid.removeprefix("tests/").split("/")[0]
    return folder in REAL_KERNEL


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """With ``-n``: all tests on the real kernel in one worker, the others beside them.

    (Not ``--dist loadgroup``: pytest-xdist 3.8 loses its groups under pytest 9.2.)"""
    from xdist.scheduler import LoadScopeScheduling

    class OneByOne(LoadScopeScheduling):  # type: ignore[misc,unused-ignore]
        def _split_scope(self, nodeid: str) -> str:
            return "serial" if is_serial(nodeid) else nodeid

    return OneByOne(config, log)


@pytest.fixture(scope="session", autouse=True)
def reachable(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Others than root may look into what tests make: a user namespace's root is nobody out here."""
    folder = tmp_path_factory.getbasetemp()
    while folder.name.startswith(("pytest-", "popen-")):
        folder.chmod(folder.stat().st_mode | 0o055)
        folder = folder.parent


@pytest.fixture(scope="session")
def rung_init() -> Path:
    """The compiled ``rung-init`` of this tree, fresh."""
    return native.compile_init()


@pytest.fixture(scope="session")
def runtime_bin(rung_init: Path) -> Iterator[Path]:
    """``rung-runtime``: the launcher, for this tree and the interpreter that runs the tests."""
    version = f"python{sys.version_info[0]}.{sys.version_info[1]}"
    out = ROOT / "build" / version / "rung-runtime"
    launcher = native.compile_launcher(out, home=ROOT / "src", python=native.real_interpreter())
    with warmth.server_if_asked_for(launcher, ROOT / "src"):
        yield launcher


@pytest.fixture(scope="session")
def busybox() -> Path:
    """A static busybox of this machine."""
    found = shutil.which("busybox", path="/usr/bin:/bin")
    if found is None:
        pytest.skip("no busybox: apt-get install busybox-static")
    program = Path(found).resolve()
    if b"/ld-linux" in program.read_bytes():
        pytest.skip(f"{program} is not static: apt-get install busybox-static")
    return program


@pytest.fixture(scope="session")
def busybox_rootfs(busybox: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A root file system of busybox and its links. Shared: copy it before writing into it."""
    root = tmp_path_factory.mktemp("busybox") / "rootfs"
    for name in ("bin", "dev", "etc", "home", "proc", "root", "sys", "tmp", "var"):
        (root / name).mkdir(parents=True)
    (root / "tmp").chmod(0o1777)
    shutil.copy2(busybox, root / "bin/busybox")
    applets = subprocess.run([busybox, "--list"], capture_output=True, text=True, check=True).stdout.split()
    for applet in applets:
        if applet != "busybox":
            (root / "bin" / applet).symlink_to("busybox")
    (root / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\nuser:x:1000:1000::/home:/bin/sh\n")
    (root / "etc/group").write_text("root:x:0:\nuser:x:1000:\n")
    return root


@pytest.fixture
def _adopted() -> Iterator[None]:
    census.adopt_orphans()
    yield
    census.adopt_orphans(False)  # others count on orphans going to the host's init


@pytest.fixture
def nothing_left(
    _adopted: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[Path], Path]]:
    """Fails the test if it leaves a process, mount, cgroup, descriptor, state or temporary file.

    Temporary files go to a directory of the test's own. Calling it with a directory makes the
    files below that count too: ``root = nothing_left(tmp_path / "state")``.
    """
    scratch = tmp_path / "TMPDIR"
    scratch.mkdir()
    monkeypatch.setenv("TMPDIR", str(scratch))
    monkeypatch.setattr(tempfile, "tempdir", str(scratch))
    places = [*census.STATE_PLACES, scratch]
    before = census.take(places, tmp_path)

    def watch(place: Path) -> Path:
        place.mkdir(parents=True, exist_ok=True)
        assert not any(place.iterdir()), f"{place} is watched from its beginning: it must be empty"
        places.append(place)
        return place

    yield watch
    left = census.settle(before, places, tmp_path)
    assert not left, f"left behind: {left}"
