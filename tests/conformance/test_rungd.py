"""Rung's engine by itself, driven by docker and docker compose: what two engines beside each other cannot share
(networks, ports, the engine's own death), each in a network namespace of the test's."""

from __future__ import annotations

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from . import daemons, leftovers, outcome
from .bed import new_id, until
from .outcome import Outcome

IMAGE = "busybox:test"
SERVE = "mkdir -p /w; echo served > /w/index.html; exec busybox httpd -f -p 8080 -h /w"

pytestmark = pytest.mark.skipif(
    daemons.needed("docker", "nft") is not None, reason=str(daemons.needed("docker", "nft"))
)


class Engine:
    """A rungd in a network namespace that it can be killed in, and the docker client for it."""

    def __init__(self, folder: Path, home: Path, *flags: str, entering: tuple[str, ...] = ()) -> None:
        self.folder, self.home, self.flags, self.entering = folder, home, flags, entering
        self.network = subprocess.Popen(["unshare", "--net", "sh", "-c", "ip link set lo up; exec sleep 3600"])
        until(lambda: self.inside("ip", "-br", "link").out.startswith("lo "), "there is a network")
        self.names: list[str] = []
        self.start()

    def inside(self, *words: str, **more: Any) -> Outcome:
        """A program of the host's in the engine's network."""
        net = f"--net=/proc/{self.network.pid}/ns/net"
        return outcome.call(["nsenter", net, *words], self.home / "output", **more)

    def start(self) -> None:
        program = f"{daemons.PROGRAMS}/rungd"
        words = [program, "--data-root", f"{self.folder}/data", "--run-root", f"{self.folder}/run"]
        words += ["--cgroup-parent", f"/{self.folder.name}", *self.flags]
        with (self.folder / "log").open("ab") as log:
            net = f"--net=/proc/{self.network.pid}/ns/net"
            self.daemon = outcome.start(["nsenter", net, *self.entering, *words], log, env={"TMPDIR": str(self.folder)})
        until(lambda: self.call("version").code == 0, "the engine answers", 60)

    def call(self, *words: str, **more: Any) -> Outcome:
        words = ("docker", "--host", f"unix://{self.folder}/run/rung.sock", *words)
        return outcome.call(list(words), self.home / "output", **more)

    def run(self, *words: str, **more: Any) -> Outcome:
        return self.call("run", "--rm", *words, **more)

    def started(self, *words: str, command: tuple[str, ...] = ("sleep", "1000")) -> str:
        self.names.append(new_id())
        self.call("run", "--detach", "--name", self.names[-1], *words, IMAGE, *command).ok()
        return self.names[-1]

    def inspect(self, name: str) -> Any:
        return self.call("inspect", name).ok().json()[0]

    def pid(self) -> int:
        return self.daemon.pid

    def kill(self) -> None:
        self.daemon.send_signal(signal.SIGKILL)
        self.daemon.wait()

    def close(self) -> None:
        for name in self.names:
            self.call("rm", "--force", "--volumes", name)
        outcome.end(self.daemon, grace_s=30)
        self.network.kill()
        self.network.wait()


@pytest.fixture(scope="module")
def engine(rootfs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    home = tmp_path_factory.mktemp("engine")
    archive = daemons.import_rootfs(rootfs, home / "rootfs.tar")
    with daemons.folder_of_its_own() as folder:
        made = Engine(folder, home)
        try:
            made.call("import", str(archive), IMAGE).ok()
            yield made
        finally:
            made.close()
        left = leftovers.mounts(f" {folder}/data/containers") + leftovers.cgroups(folder.name + "/")
        assert not left, f"left behind: {left}"


@pytest.fixture
def network(engine: Engine) -> Iterator[str]:
    name = new_id()
    engine.call("network", "create", name).ok()
    yield name
    engine.call("network", "rm", name)


def test_a_published_port(engine: Engine) -> None:
    name = engine.started("-p", "8080", "-p", "127.0.0.1:18081:8080", command=("sh", "-c", SERVE))
    ports = engine.inspect(name)["NetworkSettings"]["Ports"]["8080/tcp"]
    everywhere = next(one["HostPort"] for one in ports if one["HostIp"] == "0.0.0.0")
    for address in (f"127.0.0.1:{everywhere}", "127.0.0.1:18081", f"172.17.0.1:{everywhere}"):
        until(lambda address=address: engine.inside("busybox", "wget", "-qO-", address).out == "served\n", f"{address} answers")  # type: ignore[misc]
    refused = engine.run("-p", "18081:80", IMAGE, "true")
    assert refused.code == 125
    assert "Bind for 0.0.0.0:18081 failed: port is already allocated" in refused.err
    engine.call("rm", "-f", name).ok()
    assert engine.inside("busybox", "wget", "-qO-", "-T", "2", "127.0.0.1:18081").code != 0
    assert "18081" not in engine.inside("nft", "list", "ruleset").out


def test_names_on_a_network_of_ones_own(engine: Engine, network: str) -> None:
    name = engine.started("--network", network, "--network-alias", "web", command=("sh", "-c", SERVE))
    for called in (name, "web"):
        got = engine.run("--network", network, IMAGE, "busybox", "wget", "-qO-", f"http://{called}:8080/").ok()
        assert got.out == "served\n"
    assert engine.run(IMAGE, "busybox", "nslookup", name).code != 0, "names are the network's own"


def test_networks_are_apart(engine: Engine, network: str) -> None:
    name = engine.started("--network", network, command=("sh", "-c", SERVE))
    address = engine.inspect(name)["NetworkSettings"]["Networks"][network]["IPAddress"]
    assert engine.run(IMAGE, "busybox", "wget", "-qO-", "-T", "2", f"http://{address}:8080/").code != 0
    assert engine.run("--network", network, IMAGE, "busybox", "wget", "-qO-", f"http://{address}:8080/").ok().out == "served\n"


def test_connect_and_disconnect(engine: Engine, network: str) -> None:
    name = engine.started()
    engine.call("network", "connect", network, name).ok()
    assert set(engine.inspect(name)["NetworkSettings"]["Networks"]) == {"bridge", network}
    assert "eth1" in engine.call("exec", name, "ls", "/sys/class/net").ok().out
    refused = engine.call("network", "rm", network)
    assert "has active endpoints" in refused.err
    engine.call("network", "disconnect", network, name).ok()
    assert "eth1" not in engine.call("exec", name, "ls", "/sys/class/net").ok().out


def test_an_internal_network_has_no_way_out(engine: Engine) -> None:
    name = new_id()
    engine.call("network", "create", "--internal", "--subnet", "10.77.0.0/24", name).ok()
    try:
        assert "default" not in engine.run("--network", name, IMAGE, "ip", "route").ok().out
        fixed = engine.run("--network", name, "--ip", "10.77.0.9", IMAGE, "ip", "address", "show", "eth0").ok()
        assert "10.77.0.9/24" in fixed.out
    finally:
        engine.call("network", "rm", name).ok()


def test_a_volume_begins_with_what_the_image_has(engine: Engine) -> None:
    volume = new_id()
    made = engine.run("-v", f"{volume}:/etc", IMAGE, "sh", "-c", "cat /etc/passwd; echo new > /etc/made").ok()
    assert "root" in made.out
    assert engine.run("-v", f"{volume}:/v:ro", IMAGE, "cat", "/v/made").ok().out == "new\n"
    assert "Read-only" in engine.run("-v", f"{volume}:/v:ro", IMAGE, "touch", "/v/x").err
    engine.call("volume", "rm", volume).ok()
    assert volume not in engine.call("volume", "ls").ok().out


def test_files_in_and_out(engine: Engine, tmp_path: Path) -> None:
    name = engine.started()
    (tmp_path / "in").mkdir()
    (tmp_path / "in/file").write_text("carried")
    (tmp_path / "in/link").symlink_to("file")
    engine.call("cp", str(tmp_path / "in"), f"{name}:/tmp").ok()
    assert engine.call("exec", name, "cat", "/tmp/in/link").ok().out == "carried"
    engine.call("cp", f"{name}:/tmp/in", str(tmp_path / "out")).ok()
    assert (tmp_path / "out/file").read_text() == "carried"
    assert os.readlink(tmp_path / "out/link") == "file"
    missing = engine.call("cp", f"{name}:/nothing", str(tmp_path))
    assert "Could not find the file /nothing" in missing.err
    assert "A /tmp/in/file" in engine.call("diff", name).ok().out.splitlines()


def test_a_container_that_swaps_its_links_leads_nobody_out(engine: Engine, tmp_path: Path) -> None:
    """CVE-2018-15664, CVE-2019-14271: the root of the host is never what a container's link says."""
    name = engine.started()
    engine.call("exec", name, "ln", "-s", "/../../../../../../..", "/up").ok()
    (tmp_path / "file").write_text("inside")
    engine.call("cp", str(tmp_path / "file"), f"{name}:/up/escaped").ok()
    assert not os.path.exists("/escaped")
    assert engine.call("exec", name, "cat", "/escaped").ok().out == "inside"


def test_an_image_of_a_container(engine: Engine) -> None:
    name, tag = engine.started(command=("sh", "-c", "echo kept > /made; rm /etc/group; sleep 1000")), f"{new_id()}:1"
    until(lambda: engine.call("exec", name, "test", "!", "-e", "/etc/group").code == 0, "it has changed its files")
    engine.call("commit", "--change", 'CMD ["cat", "/made"]', name, tag).ok()
    assert engine.run(tag).ok().out == "kept\n"
    assert engine.run(tag, "ls", "/etc/group").code == 1
    engine.call("rmi", tag).ok()


def test_health(engine: Engine) -> None:
    words = ("--health-cmd", "test -e /ok", "--health-interval", "200ms", "--health-retries", "2")
    name = engine.started(*words)

    def health() -> str:
        return str(engine.inspect(name)["State"]["Health"]["Status"])

    assert health() in ("starting", "unhealthy")
    until(lambda: health() == "unhealthy", "it is unhealthy")
    engine.call("exec", name, "touch", "/ok").ok()
    until(lambda: health() == "healthy", "it is healthy")
    assert engine.inspect(name)["State"]["Health"]["Log"][-1]["ExitCode"] == 0


def test_restarts(engine: Engine) -> None:
    name = engine.started("--restart", "on-failure:2", command=("sh", "-c", "exit 3"))
    until(lambda: engine.inspect(name)["State"]["Status"] == "exited", "it is given up")
    state = engine.inspect(name)
    assert (state["RestartCount"], state["State"]["ExitCode"]) == (2, 3)


def test_the_engine_is_killed_and_no_container_with_it(engine: Engine, network: str) -> None:
    """What runs goes on, with its log, ports and names; what ends meanwhile is known afterwards."""
    web = engine.started("--network", network, "-p", "18082:8080", command=("sh", "-c", SERVE))
    count = "i=0; while :; do i=$((i+1)); echo $i; sleep 0.05; done"
    counting = engine.started(command=("sh", "-c", count))
    ending = engine.started(command=("sh", "-c", "while ! test -e /end; do sleep 0.05; done; exit 7"))
    until(lambda: engine.call("logs", counting).out != "", "it counts")
    pids = [engine.inspect(name)["State"]["Pid"] for name in (web, counting)]
    ending_id = engine.inspect(ending)["Id"]
    engine.kill()
    (Path(engine.folder, "data/containers", ending_id, "rootfs/end")).touch()
    assert all(os.path.exists(f"/proc/{pid}") for pid in pids)
    engine.start()
    until(lambda: engine.inspect(ending)["State"]["Status"] == "exited", "its end is known")
    assert engine.inspect(ending)["State"]["ExitCode"] == 7
    assert [engine.inspect(name)["State"]["Pid"] for name in (web, counting)] == pids
    numbers = [int(line) for line in engine.call("logs", counting).ok().out.split()]
    assert numbers == list(range(1, len(numbers) + 1)), "no line was lost"
    until(lambda: engine.inside("busybox", "wget", "-qO-", "127.0.0.1:18082").out == "served\n", "the port leads there")
    got = engine.run("--network", network, IMAGE, "busybox", "wget", "-qO-", f"http://{web}:8080/").ok()
    assert got.out == "served\n"
    engine.call("rm", "-f", web).ok()


def test_containers_run_without_openssl(engine: Engine, network: str) -> None:
    """Four megabytes that only an engine with TLS, or one that has fetched an image, has a use for."""
    engine.kill()
    engine.start()
    name = engine.started("--network", network)
    assert engine.call("exec", name, "true").code == 0
    mapped = {line.split()[-1] for line in Path(f"/proc/{engine.pid()}/maps").read_text().splitlines()}
    assert any("sqlite3" in path for path in mapped), "an engine's own maps"
    assert not [path for path in mapped if "libcrypto" in path or "_hashlib" in path or "_ssl" in path]


def test_a_shim_is_killed(engine: Engine) -> None:
    """Its container ends, nobody knows how, and nothing of it stays."""
    name = engine.started()
    pid = engine.inspect(name)["State"]["Pid"]
    shim = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    os.kill(shim, signal.SIGKILL)
    until(lambda: engine.inspect(name)["State"]["Status"] == "exited", "its end is known")
    assert engine.inspect(name)["State"]["ExitCode"] == 255
    until(lambda: not os.path.exists(f"/proc/{pid}"), "its process is gone")
    engine.call("start", name).ok()
    assert engine.call("exec", name, "true").code == 0


COMPOSE = """
services:
  web:
    image: busybox:test
    command: sh -c '{serve}'
    ports: ["8080"]
    healthcheck: {{test: "busybox wget -qO- http://127.0.0.1:8080/", interval: 200ms}}
  client:
    image: busybox:test
    command: sh -c 'busybox wget -qO- http://web:8080/ && echo kept > /data/x'
    depends_on: {{web: {{condition: service_healthy}}}}
    volumes: ["data:/data"]
volumes: {{data: {{}}}}
"""


@pytest.mark.skipif(
    subprocess.run(["docker", "compose", "version"], capture_output=True, check=False).returncode != 0
    if daemons.needed("docker") is None
    else True,
    reason="no docker compose: apt-get install docker-compose",
)
def test_compose(engine: Engine, tmp_path: Path) -> None:
    file = tmp_path / "compose.yml"
    file.write_text(COMPOSE.format(serve=SERVE))
    project = ("compose", "-p", new_id().lower(), "-f", str(file))
    engine.call(*project, "up", "--detach", timeout_s=90).ok()
    try:
        until(lambda: "served" in engine.call(*project, "logs", "client").out, "the client has it")
        listed = engine.call(*project, "ps", "--all", "--format", "json").ok().out
        states = {one["Service"]: one["State"] for one in map(json.loads, listed.splitlines())}
        assert states["web"] == "running"
        assert states["client"] == "exited"
    finally:
        engine.call(*project, "down", "--volumes", "--timeout", "1", timeout_s=60).ok()
    assert project[2] not in engine.call("network", "ls").ok().out
    assert project[2] not in engine.call("volume", "ls").ok().out
