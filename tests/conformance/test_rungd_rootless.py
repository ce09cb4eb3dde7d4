"""The engine as an ordinary user, driven by docker: namespaces and a network of its own, ports by relays."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

import rung

from . import daemons, leftovers, outcome
from .bed import new_id, until
from .outcome import Outcome

IMAGE = "busybox:test"
USER, FIRST = 64227, 9_000_000
SERVE = "mkdir -p /w; echo served > /w/index.html; exec busybox httpd -f -p 8080 -h /w"
#: A host with one cable, which leads nowhere, and the files of /etc that say who the user is.
HOST = """
ip link set lo up && ip link add cable type veth peer name far && ip link set far up && ip address add 192.0.2.1/24 dev cable && ip link set cable up || exit 99
ip route add default via 192.0.2.254 || exit 99
for f in "$0"/*; do mount --bind "$f" "/etc/${f##*/}" || exit 99; done
exec sleep 3600
"""
NEEDS = ("docker", "newuidmap", "pasta", "setpriv", "nft")
LACKING = daemons.needed(*NEEDS) or ("" if os.path.exists("/dev/net/tun") else "no /dev/net/tun")

pytestmark = pytest.mark.skipif(bool(LACKING), reason=str(LACKING))


class Engine:
    """A rungd of somebody, on a host of its own."""

    def __init__(self, folder: Path, home: Path) -> None:
        self.folder, self.home = folder, home
        etc = folder / "etc"
        etc.mkdir()
        (etc / "passwd").write_text(f"root:x:0:0::/root:/bin/sh\nsomebody:x:{USER}:{USER}::{folder}/home:/bin/sh\n")
        (etc / "group").write_text(f"root:x:0:\nsomebody:x:{USER}:\n")
        for name in ("subuid", "subgid"):
            (etc / name).write_text(f"somebody:{FIRST}:65536\n")
        for name in ("home", "xdg"):
            (folder / name).mkdir(mode=0o700)
            os.chown(folder / name, USER, USER)
        words = ["unshare", "--net", "--mount", "sh", "-c", HOST, str(etc)]
        self.host = subprocess.Popen(words)
        until(lambda: self.on_host("ip", "route").out.startswith("default"), "there is a host")
        until(lambda: "somebody" in self.on_host("cat", "/etc/subgid").out, "it knows the user")

    def is_reachable(self) -> bool:
        """Whether others than root can read this very tree: it may lie below a closed directory."""
        package = os.path.dirname(rung.__file__)
        return outcome.call([*self._as_user(), "test", "-r", f"{package}/__init__.py", "-a", "-x", str(daemons.PROGRAMS / "rungd")], self.home / "output").code == 0

    def on_host(self, *words: str) -> Outcome:
        return outcome.call([*self._there(), *words], self.home / "output")

    def _there(self) -> list[str]:
        return ["nsenter", f"--target={self.host.pid}", "--net", "--mount"]

    def _as_user(self) -> list[str]:
        drop = ["setpriv", f"--reuid={USER}", f"--regid={USER}", "--clear-groups"]
        settings = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": f"{self.folder}/home", "XDG_RUNTIME_DIR": f"{self.folder}/xdg"}
        return [*self._there(), *drop, "env", "-i", *(f"{name}={value}" for name, value in settings.items())]

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self.daemon = outcome.start([*self._as_user(), str(daemons.PROGRAMS / "rungd")], log)
        until(lambda: self.daemon.poll() is not None or self.call("version").code == 0, "the engine answers")
        assert self.daemon.poll() is None, (self.folder / "log").read_text()

    def call(self, *words: str, **more: object) -> Outcome:
        docker = ["docker", "--host", f"unix://{self.folder}/xdg/rung/rung.sock", *words]
        return outcome.call([*self._as_user(), *docker], self.home / "output", **more)  # type: ignore[arg-type]

    def run(self, *words: str) -> Outcome:
        return self.call("run", "--rm", *words)

    def inspect(self, name: str) -> object:
        return json.loads(self.call("inspect", name).ok().out)[0]


@pytest.fixture(scope="module")
def engine(rootfs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    home = tmp_path_factory.mktemp("engine")
    folder = Path(tempfile.mkdtemp(prefix="rungconf-", dir="/tmp"))
    folder.chmod(0o755)
    archive = daemons.import_rootfs(rootfs, folder / "rootfs.tar")
    archive.chmod(0o644)
    made = Engine(folder, home)
    try:
        if not made.is_reachable():
            pytest.skip("only root can read this tree")
        made.start()
        try:
            made.call("import", str(archive), IMAGE).ok()
            yield made
        finally:
            for name in made.call("ps", "--all", "--quiet").out.split():
                made.call("rm", "--force", name)
            outcome.end(made.daemon, grace_s=60)
    finally:
        made.host.kill()
        made.host.wait()
        until(lambda: not leftovers.of(folder.name), f"nothing is left: {leftovers.of(folder.name)}")
        shutil.rmtree(folder)


def test_root_inside_is_the_user_outside(engine: Engine) -> None:
    script = "id -u; echo made > /made; stat -c %u:%g /made /etc/passwd; cat /proc/self/uid_map"
    lines = engine.run("--network", "none", IMAGE, "sh", "-c", script).ok().out.splitlines()
    assert lines[:3] == ["0", "0:0", "0:0"]
    assert lines[3].split() == ["0", str(USER), "1"]
    assert lines[4].split() == ["1", str(FIRST), "65536"]
    assert "name=rootless" in engine.call("info", "--format", "{{.SecurityOptions}}").ok().out
    assert engine.call("info", "--format", "{{.DockerRootDir}}").ok().out.strip() == f"{engine.folder}/home/.local/share/rung"


def test_without_cgroups_it_is_said(engine: Engine) -> None:
    if os.path.exists("/sys/fs/cgroup/cgroup.controllers"):
        pytest.skip("cgroup v2: whether some are delegated is this machine's business")
    assert "no cgroups are delegated to this user" in engine.call("info", "--format", "{{.Warnings}}").ok().out
    assert "leave the limit out, or have the cgroups delegated" in engine.run("-m", "32m", IMAGE, "true").err


@pytest.mark.parametrize(("flag", "said"), [("--host=tcp://127.0.0.1:0", "a socket of the host's network"), ("--metrics-addr=127.0.0.1:9323", "read /metrics at its unix socket"), ("--userns-remap=default", "remapped already")])
def test_what_an_ordinary_users_engine_does_not_do(engine: Engine, flag: str, said: str) -> None:
    more = ["--tlsverify", "--tlscacert=x", "--tlscert=x", "--tlskey=x", f"--exec-root={engine.folder}/xdg/other"]
    ended = outcome.call([*engine._as_user(), str(daemons.PROGRAMS / "rungd"), flag, *more], engine.home / "output")
    assert ended.code == 1 and said in ended.err


@pytest.mark.parametrize(("tun", "said"), [("", "is not there (as root: modprobe tun"), ("touch tun; chmod 0 tun", "may not be opened by this user (as root: chmod 0666 /dev/net/tun)")])
@pytest.mark.parametrize("words", [("rungd",), ("rung", "ps")], ids=" ".join)
def test_no_tun_device(engine: Engine, words: tuple[str, ...], tun: str, said: str) -> None:
    """The one sentence comes from the daemon and from a command that starts it, and nothing stays behind."""
    with tempfile.TemporaryDirectory(dir=engine.folder) as folder:
        os.chown(folder, USER, USER)
        script = f"set -e; mount -t tmpfs none /dev/net; cd /dev/net; {tun or ':'}; exec \"$@\""
        own = ["env", f"XDG_RUNTIME_DIR={folder}", f"XDG_DATA_HOME={folder}", str(daemons.PROGRAMS / words[0]), *words[1:]]
        there, user = engine._there(), engine._as_user()[len(engine._there()) :]
        ended = outcome.call([*there, "unshare", "--mount", "sh", "-c", script, "sh", *user, *own], engine.home / "output")
        assert ended.code == 1 and f"pasta cannot start, because /dev/net/tun {said}" in ended.err
        assert len(ended.err.splitlines()) == 1
        until(lambda: not leftovers.of(folder), "nothing is left")


def test_the_way_out(engine: Engine) -> None:
    """A server on the host's own address is reached through pasta."""
    with (engine.folder / "index.html").open("w") as file:
        file.write("from the host\n")
    serving = subprocess.Popen([*engine._there(), "busybox", "httpd", "-f", "-p", "192.0.2.1:8000", "-h", str(engine.folder)])
    try:
        until(lambda: engine.on_host("busybox", "wget", "-qO-", "http://192.0.2.1:8000/").code == 0, "it serves")
        assert engine.run(IMAGE, "busybox", "wget", "-qO-", "-T", "20", "http://192.0.2.1:8000/").ok().out == "from the host\n"
    finally:
        serving.kill()
        serving.wait()


def test_published_ports_and_the_engine_killed(engine: Engine) -> None:
    """Containers go on in the namespaces that are kept for them; the next engine goes in there too."""
    name, network = new_id(), new_id()
    engine.call("network", "create", network).ok()
    engine.call("run", "-d", "--name", name, "--network", network, "-p", "18090:8080", IMAGE, "sh", "-c", SERVE).ok()
    until(lambda: engine.on_host("busybox", "wget", "-qO-", "http://127.0.0.1:18090/").out == "served\n", "the port answers")
    assert engine.run("--network", network, IMAGE, "busybox", "wget", "-qO-", f"http://{name}:8080/").ok().out == "served\n"
    refused = engine.run("-p", "18090:80", IMAGE, "true")
    assert "Bind for 0.0.0.0:18090 failed: port is already allocated" in refused.err
    pid = engine.call("inspect", "--format", "{{.State.Pid}}", name).ok().out
    engine.daemon.kill()
    engine.daemon.wait()
    engine.start()
    assert engine.call("inspect", "--format", "{{.State.Pid}}", name).ok().out == pid
    until(lambda: engine.on_host("busybox", "wget", "-qO-", "http://127.0.0.1:18090/").out == "served\n", "the port answers again")
    assert engine.call("exec", name, "id", "-u").ok().out == "0\n"
    engine.call("rm", "-f", name).ok()
    engine.call("network", "rm", network).ok()
    assert engine.on_host("busybox", "wget", "-qO-", "-T", "2", "http://127.0.0.1:18090/").code != 0


def test_files_in_and_out_and_an_image_of_them(engine: Engine) -> None:
    name, image = new_id(), new_id()
    engine.call("run", "-d", "--name", name, "--network", "none", "-v", "/data", IMAGE, "sh", "-c", "mkdir /d; chown 5:6 /d; exec sleep 1000").ok()
    until(lambda: "A /d" in engine.call("diff", name).out, "it is made")
    engine.call("commit", name, image).ok()
    assert engine.run("--network", "none", image, "stat", "-c", "%u:%g", "/d").ok().out == "5:6\n"
    engine.call("rm", "-f", "-v", name).ok()
    engine.call("rmi", image).ok()
