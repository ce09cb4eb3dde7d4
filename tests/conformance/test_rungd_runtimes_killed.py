"""Other people's runtimes and shims when something is killed: the engine, or Rung's own keeper of the container. And what
the kernel knows of their containers, which is not in Rung's own runtime's records: how much they use, and that they ran
out of memory."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

import engineparts

from . import daemons, leftovers
from .bed import until
from .test_rungd import IMAGE, Engine
from .test_rungd_runtimes import RUNSC, SHIM, runs_here

pytestmark = pytest.mark.skipif(
    daemons.needed("docker", "nft") is not None, reason=str(daemons.needed("docker", "nft"))
)

#: Ends with 3 when ``/given/end`` is there.
WAITS = "echo first; while ! test -e /given/end; do sleep 0.05; done; echo last; exit 3"
DEADLINE_S = 60.0


@pytest.fixture(scope="module")
def mounts() -> Iterator[int]:
    """A process with a mount namespace that outlives the engine, in which crun finds one version of cgroups alone."""
    alone = "umount /sys/fs/cgroup/unified 2>/dev/null; echo; exec sleep 3600"
    words = ["unshare", "--mount", "--propagation", "private", "sh", "-c", alone]
    with subprocess.Popen(words, stdout=subprocess.PIPE) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        yield holder.pid
        holder.kill()


@pytest.fixture(scope="module")
def engine(rootfs: Path, mounts: int, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    home = tmp_path_factory.mktemp("engine")
    archive = daemons.import_rootfs(rootfs, home / "rootfs.tar")
    with daemons.folder_of_its_own() as folder:
        told = {"runtimes": {"runsc": {"path": RUNSC[0], "runtimeArgs": RUNSC[1:]}}}
        (folder / "daemon.json").write_text(json.dumps(told))
        entering = ("nsenter", f"--mount=/proc/{mounts}/ns/mnt")
        made = Engine(folder, home, "--config-file", f"{folder}/daemon.json", entering=entering)
        try:
            made.call("import", str(archive), IMAGE).ok()
            yield made
        finally:
            made.close()
        left = leftovers.cgroups(folder.name + "/")
        assert not left, f"left behind: {left}"


@pytest.fixture(params=["runc", "crun", "runsc", SHIM])
def name(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A runtime's name."""
    found: str = request.param
    runs_here(found, tmp_path)
    return found


def waiting(engine: Engine, name: str, given: Path) -> str:
    return engine.started("--runtime", name, "--volume", f"{given}:/given", command=("sh", "-c", WAITS))


def keepers(engine: Engine) -> set[int]:
    """Rung's shims of this engine: forks that have its directory for temporary files."""
    found = [pid for pid in os.listdir("/proc") if pid.isdecimal() and engineparts.is_shim(pid)]
    return {int(pid) for pid in found if str(engine.folder) in Path(f"/proc/{pid}/environ").read_text(errors="replace")}


def of_container(engine: Engine, container_id: str) -> list[str]:
    """What of a run is on the machine: processes that name it, records of runtimes, cgroups."""
    found = [line for line in leftovers.processes(container_id) if leftovers.alive(Path("/proc", line.split()[0]))]
    roots = [Path(root) for root, _, _ in os.walk(engine.folder / "run/runtime")]
    return [*found, *(str(path) for path in roots if path.name == container_id), *leftovers.cgroups(container_id)]


def test_the_engine_is_killed(engine: Engine, name: str, tmp_path: Path) -> None:
    """What runs is found again and can be used; what has ended meanwhile has its exit code; logs are whole."""
    (tmp_path / "lasting").mkdir()
    (tmp_path / "ending").mkdir()
    lasting, ending = waiting(engine, name, tmp_path / "lasting"), waiting(engine, name, tmp_path / "ending")
    before = {one: engine.inspect(one)["State"] for one in (lasting, ending)}
    engine.kill()
    (tmp_path / "ending/end").touch()
    until(lambda: not leftovers.alive(Path(f"/proc/{before[ending]['Pid']}")), "it ends while there is no engine", DEADLINE_S)
    engine.start()
    assert engine.call("wait", ending).ok().out == "3\n"
    found = engine.inspect(lasting)["State"]
    assert (found["Status"], found["Pid"]) == ("running", before[lasting]["Pid"])
    assert engine.call("exec", lasting, "sh", "-c", "echo in; exit 4").code == 4
    engine.call("exec", lasting, "sh", "-c", "echo > /given/end").ok()
    assert engine.call("wait", lasting).ok().out == "3\n"
    for one in (lasting, ending):
        assert engine.call("logs", one).ok().out == "first\nlast\n"
        engine.call("rm", one).ok()


@pytest.mark.parametrize("also", ["alone", "with the engine"])
def test_rungs_own_keeper_is_killed(engine: Engine, name: str, tmp_path: Path, also: str) -> None:
    """Nobody learns the container's status any more: it is reported as lost, and nothing of it goes on or stays."""
    others = keepers(engine)
    one = waiting(engine, name, tmp_path)
    found = engine.inspect(one)
    assert of_container(engine, found["Id"])
    (keeper,) = keepers(engine) - others
    if also == "alone":
        os.kill(keeper, signal.SIGKILL)
    else:
        engine.kill()
        os.kill(keeper, signal.SIGKILL)
        engine.start()
    assert engine.call("wait", one).ok().out == "255\n"
    until(lambda: engine.inspect(one)["State"]["Status"] == "exited", "it is reported", DEADLINE_S)
    assert engine.inspect(one)["State"]["Error"] == ""
    until(lambda: not leftovers.alive(Path(f"/proc/{found['State']['Pid']}")), "its process is gone", DEADLINE_S)
    until(lambda: not of_container(engine, found["Id"]), f"nothing is left: {of_container(engine, found['Id'])}", DEADLINE_S)
    engine.call("start", one).ok()
    (tmp_path / "end").touch()
    assert engine.call("wait", one).ok().out == "3\n"
    engine.call("rm", "--force", one).ok()


def test_what_it_uses(engine: Engine, name: str) -> None:
    one = engine.started("--runtime", name, "--memory", "512m")
    shown = engine.call("stats", "--no-stream", "--format", "{{.MemUsage}} {{.PIDs}}", one).ok().out
    used, _, limit, pids = shown.split()
    assert (used != "0B", limit, int(pids) > 0) == (True, "512MiB", True), shown
    engine.call("rm", "--force", one).ok()


def test_one_that_runs_out_of_memory(engine: Engine, name: str) -> None:
    one = engine.started("--runtime", name, "--memory", "128m", "--memory-swap", "128m", command=("tail", "/dev/zero"))
    assert engine.call("wait", one).ok().out != "0\n"
    assert engine.inspect(one)["State"]["OOMKilled"]
    engine.call("rm", one).ok()

