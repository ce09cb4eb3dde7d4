"""User-namespace remapping, driven by docker: root of the containers is nobody's root on the host."""

from __future__ import annotations

import io
import os
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from . import daemons
from .bed import new_id
from .test_rungd import IMAGE, Engine

FIRST, COUNT = 200000, 65536
#: The daemon's own view has these ranges, whatever the machine's files say.
WITH_RANGES = ("unshare", "--mount", "sh", "-c", 'mount --bind "$0" /etc/subuid && mount --bind "$0" /etc/subgid && exec "$@"')
FILES = ("/etc/subuid", "/etc/subgid")
LACKING = daemons.needed("docker", "nft") or next((f"no {path}: apt-get install uidmap" for path in FILES if not os.path.exists(path)), "")

pytestmark = pytest.mark.skipif(bool(LACKING), reason=str(LACKING))


@pytest.fixture(scope="module")
def engine(rootfs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    home = tmp_path_factory.mktemp("engine")
    archive = daemons.import_rootfs(rootfs, home / "rootfs.tar")
    with daemons.folder_of_its_own() as folder:
        (folder / "ranges").write_text(f"daemon:{FIRST}:{COUNT}\n")
        made = Engine(folder, home, "--userns-remap", "daemon", entering=(*WITH_RANGES, f"{folder}/ranges"))
        try:
            made.call("import", str(archive), IMAGE).ok()
            yield made
        finally:
            made.close()


def test_root_inside_is_somebody_outside(engine: Engine) -> None:
    name = engine.started(command=("sh", "-c", "touch /made; exec sleep 1000"))
    pid = engine.inspect(name)["State"]["Pid"]
    assert os.stat(f"/proc/{pid}").st_uid == FIRST
    assert Path(f"/proc/{pid}/uid_map").read_text().split() == ["0", str(FIRST), str(COUNT)]
    assert engine.call("exec", name, "id", "-u").ok().out == "0\n"
    assert engine.call("exec", name, "stat", "-c", "%u:%g", "/made", "/bin/busybox", "/etc/hosts", "/").ok().out == "0:0\n" * 4
    assert engine.call("exec", name, "sh", "-c", "echo 1.2.3.4 other >> /etc/hosts && chown 5:6 /made").code == 0
    assert os.stat(f"/proc/{pid}/root/made").st_uid == FIRST + 5


def test_the_data_is_below_that_roots_number(engine: Engine) -> None:
    told = engine.call("info", "--format", "{{json .}}").ok().json()
    assert told["DockerRootDir"] == f"{engine.folder}/data/{FIRST}.{FIRST}"
    assert "name=userns" in told["SecurityOptions"]


def test_layers_are_there_once_and_unshifted(engine: Engine) -> None:
    """What a container writes comes down as its own root's, so that an image of it is everybody's."""
    name = engine.started(command=("sh", "-c", "touch /made; chown 5:6 /made; exec sleep 1000"))
    image = new_id()
    engine.call("commit", name, image).ok()
    assert "A /made" in engine.call("diff", name).ok().out
    try:
        assert engine.run("--userns", "host", image, "stat", "-c", "%u:%g", "/made", "/bin/busybox").ok().out == "5:6\n0:0\n"
        assert engine.run(image, "stat", "-c", "%u:%g", "/made", "/bin/busybox").ok().out == "5:6\n0:0\n"
    finally:
        engine.call("rmi", image).ok()


def test_one_in_the_hosts_namespace(engine: Engine) -> None:
    assert engine.run("--userns", "host", IMAGE, "cat", "/proc/self/uid_map").ok().out.split() == ["0", "0", "4294967295"]
    assert engine.run("--userns", "host", "--privileged", IMAGE, "true").ok()
    for words, said in (
        (("--privileged",), "privileged mode is incompatible with user namespaces"),
        (("--network", "host"), "cannot share the host's network namespace when user namespaces are enabled"),
        (("--pid", "host"), "cannot share the host PID namespace when user namespaces are enabled"),
    ):
        assert said in engine.run(*words, IMAGE, "true").err


def test_files_in_and_out_have_the_owners_that_containers_see(engine: Engine, tmp_path: Path) -> None:
    name = engine.started()
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as tar:
        entry = tarfile.TarInfo("in")
        entry.uid, entry.gid = 7, 8
        tar.addfile(entry)
    engine.call("cp", "-", f"{name}:/tmp", input=packed.getvalue()).ok()
    assert engine.call("exec", name, "stat", "-c", "%u:%g", "/tmp/in").ok().out == "7:8\n"
    with tarfile.open(engine.call("cp", f"{name}:/tmp/in", "-").ok().out_file) as tar:
        assert [(one.uid, one.gid) for one in tar] == [(7, 8)]
    with tarfile.open(engine.call("export", name).ok().out_file) as tar:
        assert {tar.getmember(member).uid for member in ("bin/busybox", "etc/passwd")} == {0}


def test_volumes_are_that_roots(engine: Engine) -> None:
    volume = new_id()
    seen = engine.run("-v", f"{volume}:/etc", IMAGE, "stat", "-c", "%u", "/etc/passwd", "/etc").ok()
    assert seen.out == "0\n0\n"
    assert engine.run("-v", f"{volume}:/v", IMAGE, "sh", "-c", "echo x > /v/made").ok()
    place = engine.call("volume", "inspect", "--format", "{{.Mountpoint}}", volume).ok().out.strip()
    assert {os.stat(f"{place}/{file}").st_uid for file in ("passwd", "made")} == {FIRST}
    engine.call("volume", "rm", volume).ok()


def test_joined_networks_and_names(engine: Engine) -> None:
    """Who joins another's network is in its user namespace too, or would have no say in it."""
    name = engine.started("--cap-add", "NET_ADMIN")
    joined = engine.run("--network", f"container:{name}", "--cap-add", "NET_ADMIN", IMAGE, "ip", "link", "set", "lo", "down")
    assert joined.ok()
    assert engine.run(IMAGE, "sh", "-c", "mknod /tmp/x c 1 3 2>&1; cat /proc/self/setgroups").ok().out.endswith("allow\n")


def test_the_engine_comes_again(engine: Engine) -> None:
    name = engine.started()
    pid = engine.inspect(name)["State"]["Pid"]
    engine.kill()
    engine.start()
    assert engine.inspect(name)["State"]["Pid"] == pid
    assert engine.call("exec", name, "id", "-u").ok().out == "0\n"
    engine.call("restart", "-t", "0", name).ok()
    assert engine.call("exec", name, "id", "-u").ok().out == "0\n"
