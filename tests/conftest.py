"""What every test can ask for, and the rules that go by a test's folder.

``tests/kernel``, ``tests/security``, ``tests/conformance`` and ``tests/faults`` work on the real
kernel: they need root (skipped with that reason otherwise). Each pytest worker is in a lane of its own
(``lanes.py``), so that they can run beside each other; where there are no lanes, one worker runs them all.
"""

from __future__ import annotations

import faulthandler
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any

import pytest
from _pytest.faulthandler import fault_handler_stderr_fd_key

import census
import lanes
import native
import warmth

ROOT = Path(__file__).resolve().parent.parent
warmth.settle()
LANE, SCRATCH, SCRATCH_NAME = pytest.StashKey[lanes.Lane](), pytest.StashKey[Path](), "rung-tests-"
REAL_KERNEL = ("kernel", "security", "conformance", "faults", "guest")


TIMEOUT_S, GRACE_S = 240, 60  # the first is pyproject.toml's
#: What runs longest begins first, so that no worker is left with it at the end. A folder or file, by its beginning.
LONGEST_FIRST = (
    *("guest/", "conformance/test_docker.py", "conformance/test_podman.py", "unit/runtime/plan/test_fuzz.py"),
    *("faults/", "conformance/", "security/", "kernel/"),
)


def pytest_configure(config: pytest.Config) -> None:
    """Whoever runs tests goes into a lane: a worker, or the one process where there are none."""
    lanes.sweep()
    _hear_signals()
    if not hasattr(config, "workerinput") and not config.option.basetemp:  # pytest shuts its own for others' processes
        config.stash[SCRATCH] = Path(tempfile.mkdtemp(prefix=SCRATCH_NAME))
        config.option.basetemp = config.stash[SCRATCH] / "t"
    if not hasattr(config, "workerinput") and lanes.wanted() and (why := lanes.trial()):
        print(f"no lanes, so tests on the real kernel run one after another: {why}", file=sys.stderr)
        os.environ["RUNG_TEST_LANES"] = "off"
    if lanes.wanted() and (hasattr(config, "workerinput") or not getattr(config.option, "numprocesses", None)):
        config.stash[LANE] = lanes.Lane.enter()


def _hear_signals() -> None:
    """A run in the background was started with these ignored, and all that the tests start would ignore them too."""
    for number, action in ((signal.SIGINT, signal.default_int_handler), (signal.SIGQUIT, signal.SIG_DFL), (signal.SIGHUP, signal.SIG_DFL)):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, action)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """A test that does not end although its timeout has struck (it waits again, for what is stuck) ends its worker."""
    marked = item.get_closest_marker("timeout")
    after_s = (marked.args[0] if marked else TIMEOUT_S) + GRACE_S
    faulthandler.dump_traceback_later(after_s, exit=True, file=item.config.stash[fault_handler_stderr_fd_key])
    try:
        return (yield)
    finally:
        faulthandler.cancel_dump_traceback_later()


def pytest_unconfigure(config: pytest.Config) -> None:
    """Out of it again, and nothing of it stays."""
    if LANE in config.stash:
        config.stash[LANE].leave()
    lanes.sweep()
    if SCRATCH in config.stash:
        shutil.rmtree(config.stash[SCRATCH], ignore_errors=True)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests on the real kernel are marked so, and skipped for others than root; the longest come first."""
    items.sort(key=lambda item: rank(item.nodeid))
    for item in items:
        if not is_serial(item.nodeid):
            continue
        item.add_marker("serial")
        if os.geteuid() != 0:
            item.add_marker(pytest.mark.skip(reason="needs root"))


def rank(nodeid: str) -> int:
    """Where in the order a test's folder comes."""
    path = nodeid.removeprefix("tests/")
    return next((n for n, start in enumerate(LONGEST_FIRST) if path.startswith(start)), len(LONGEST_FIRST))


def is_serial(nodeid: str) -> bool:
    """Whether a test works on the real kernel, by its folder."""
    folder = nodeid.removeprefix("tests/").split("/")[0]
    return folder in REAL_KERNEL


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """With ``-n``: a file's tests in one worker, which share a daemon; without lanes, all on the real kernel in one."""
    from xdist.scheduler import LoadScopeScheduling

    config.option.loadscopereorder = False
    lanes_here = lanes.wanted()

    class ByFile(LoadScopeScheduling):  # type: ignore[misc,unused-ignore]
        def _split_scope(self, nodeid: str) -> str:
            return "serial" if is_serial(nodeid) and not lanes_here else nodeid.split("::")[0]

        def remove_node(self, node: Any) -> str | None:
            """What a worker that crashed has not done goes to others; pytest-xdist's would begin with what crashed it."""
            units = self.assigned_work.pop(node)
            pending = [(unit, nodeid) for unit in units.values() for nodeid, done in unit.items() if not done]
            if not pending:
                return None
            unit, crashed = pending[0]
            unit[crashed] = True
            self.workqueue.update({scope: unit for scope, unit in units.items() if not all(unit.values())})
            for other in self.assigned_work:
                self._reschedule(other)
            return str(crashed)

    return ByFile(config, log)


@pytest.fixture(scope="session")
def outside_network(request: pytest.FixtureRequest) -> Callable[[], AbstractContextManager[None]]:
    """What the few tests need that ask the world for something, around their asking."""
    lane = request.config.stash.get(LANE, None)
    return lane.outside_network if lane else nullcontext


@pytest.fixture(scope="session", autouse=True)
def reachable(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Others than root may look into what tests make: a user namespace's root is nobody out here."""
    folder = tmp_path_factory.getbasetemp()
    while folder.name.startswith((SCRATCH_NAME, "popen-", "t")):
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
