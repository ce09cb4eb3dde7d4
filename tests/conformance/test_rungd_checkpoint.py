"""docker's checkpoints with Rung's engine: a container that counts goes on where it was."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from . import daemons, outcome
from .bed import until
from .outcome import Outcome

IMAGE = "busybox:test"
COUNT = "n=0; while :; do n=$((n+1)); echo $n >> /count; sleep 0.05; done"
Docker = Callable[..., Outcome]

pytestmark = pytest.mark.skipif(
    daemons.needed("docker", "criu") is not None, reason=str(daemons.needed("docker", "criu"))
)


@pytest.fixture
def docker(rootfs: Path, tmp_path: Path) -> Iterator[Docker]:
    """docker's client for an engine of the test's own."""
    archive = daemons.import_rootfs(rootfs, tmp_path / "rootfs.tar")
    with daemons.rungd() as folder:

        def call(*words: str) -> Outcome:
            line = ["docker", "--host", f"unix://{folder}/run/rung.sock", *words]
            return outcome.call(line, tmp_path / "output", env={**os.environ, "DOCKER_CLI_EXPERIMENTAL": "enabled"})

        call("import", str(archive), IMAGE).ok()
        yield call
        call("rm", "--force", "one")


@pytest.mark.skipif(shutil.which("nft") is None, reason="not installed: nft")
@pytest.mark.parametrize("network", ["none", "bridge"])
def test_it_counts_on(docker: Docker, network: str) -> None:
    def count() -> int:
        return int(["0", *docker("exec", "one", "cat", "/count").out.split()][-1])

    docker("run", "--detach", "--name", "one", "--network", network, IMAGE, "sh", "-c", COUNT).ok()
    until(lambda: count() > 20, "it counts", 60)
    docker("checkpoint", "create", "--leave-running", "one", "early").ok()
    at = count()
    until(lambda: count() > at, "it goes on counting", 60)
    assert "already exists" in docker("checkpoint", "create", "one", "early").err
    at = count()
    docker("checkpoint", "create", "one", "late").ok()
    docker("wait", "one").ok()
    assert docker("checkpoint", "ls", "one").ok().out.split() == ["CHECKPOINT", "NAME", "early", "late"]
    docker("start", "--checkpoint", "late", "one").ok()
    assert at <= count() < at + 1000
    at = count()
    until(lambda: count() > at, "it counts again", 60)
    if network == "bridge":
        assert "eth0" in docker("exec", "one", "ls", "/sys/class/net").ok().out
    docker("checkpoint", "rm", "one", "early").ok()
    assert docker("checkpoint", "ls", "one").ok().out.split()[2:] == ["late"]
    assert "does not exist" in docker("start", "--checkpoint", "early", "one").err
    docker("kill", "one").ok()
    docker("wait", "one").ok()
