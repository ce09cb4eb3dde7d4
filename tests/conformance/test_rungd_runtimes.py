"""Other people's OCI runtimes under Rung's engine, chosen by ``docker run --runtime``: each runs as a program of Rung's
shim, and the client sees what it sees with Rung's own."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from . import daemons
from .bed import until
from .console import converse
from .test_rungd import IMAGE, Engine

pytestmark = pytest.mark.skipif(
    daemons.needed("docker", "nft") is not None, reason=str(daemons.needed("docker", "nft"))
)

#: crun refuses a machine that has both versions of cgroups mounted, so the engine sees version 1 alone where it can.
ONE_VERSION = ("unshare", "--mount", "sh", "-c", 'umount /sys/fs/cgroup/unified 2>/dev/null; exec "$@"', "sh")
#: gVisor's own network stack wants to take a real network's interfaces over; nothing here needs one.
RUNSC = ("runsc", "--network=none")


#: Not a runtime but somebody else's shim with its own, as containerd and dockerd run it.
SHIM = "io.containerd.runc.v2"


@pytest.fixture(scope="module")
def engine(rootfs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    home = tmp_path_factory.mktemp("engine")
    archive = daemons.import_rootfs(rootfs, home / "rootfs.tar")
    with daemons.folder_of_its_own() as folder:
        told = {"runtimes": {"runsc": {"path": RUNSC[0], "runtimeArgs": RUNSC[1:]}}}
        (folder / "daemon.json").write_text(json.dumps(told))
        made = Engine(folder, home, "--config-file", f"{folder}/daemon.json", entering=ONE_VERSION)
        try:
            made.call("import", str(archive), IMAGE).ok()
            yield made
        finally:
            made.close()


def runs_here(name: str, folder: Path) -> None:
    """Skip where a runtime is not there, or does not run on this machine."""
    if shutil.which("containerd-shim-runc-v2" if name == SHIM else name) is None:
        pytest.skip(f"not installed: {name}")
    if name == "runsc":
        words = [*RUNSC, "--root", str(folder / "root"), "do", "true"]
        alone = subprocess.run(words, capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL)
        if alone.returncode:
            pytest.skip(f"runsc does not run on this machine, by itself either: {alone.stderr.strip()[-200:]}")


@pytest.fixture(params=["runc", "crun", "runsc", SHIM])
def name(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A runtime's name."""
    found: str = request.param
    runs_here(found, tmp_path)
    return found


def test_a_run(engine: Engine, name: str) -> None:
    """Exit code, both streams, the environment and a mount of the host's."""
    (engine.folder / "given").write_text("content\n")
    script = "cat /given; echo $A; echo err >&2; exit 7"
    words = ("--env", "A=1", "--volume", f"{engine.folder}/given:/given:ro")
    ended = engine.run("--runtime", name, *words, IMAGE, "sh", "-c", script)
    assert (ended.code, ended.out, ended.err) == (7, "content\n1\n", "err\n")


def test_no_such_program(engine: Engine, name: str) -> None:
    """The words are the runtime's own; the code is docker's."""
    ended = engine.run("--runtime", name, IMAGE, "/no/such")
    assert ended.code in (125, 127) and "/no/such" in ended.err


def test_standard_input(engine: Engine, name: str) -> None:
    assert engine.run("--interactive", "--runtime", name, IMAGE, "cat", input=b"piped\n").ok().out == "piped\n"


def test_a_terminal(engine: Engine, name: str) -> None:
    words = ["docker", "--host", f"unix://{engine.folder}/run/rung.sock", "run", "--rm", "--interactive", "--tty"]
    code, said = converse(
        [*words, "--runtime", name, IMAGE, "sh"], [(b"# ", b"test -t 0 && echo on $((40 + 2))\n"), (b"# ", b"exit 6\n")]
    )
    assert code == 6 and "on 42" in said


def test_a_life(engine: Engine, name: str) -> None:
    """Exec with its code and output, logs, a signal that the program handles, kill, and the record afterwards."""
    script = "trap 'echo heard' USR1; echo ready; while :; do sleep 0.05; done"
    one = engine.started("--runtime", name, command=("sh", "-c", script))

    def logged(word: str) -> bool:
        return word in engine.call("logs", one).ok().out

    until(lambda: logged("ready"), "the handler is set", 60)
    ended = engine.call("exec", one, "sh", "-c", "echo out; echo err >&2; exit 5")
    assert (ended.code, ended.out, ended.err) == (5, "out\n", "err\n")
    engine.call("kill", "--signal", "USR1", one).ok()
    until(lambda: logged("heard"), "the program has the signal", 60)
    engine.call("kill", one).ok()
    assert engine.call("wait", one).ok().out == "137\n"
    found = engine.inspect(one)
    assert (found["State"]["Status"], found["State"]["ExitCode"]) == ("exited", 137)
    assert found["HostConfig"]["Runtime"] == name
    engine.call("start", one).ok()
    assert engine.inspect(one)["State"]["Running"]
    engine.call("rm", "--force", one).ok()
