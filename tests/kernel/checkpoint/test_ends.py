"""What leads out of a container: terminal, pipes, connections, namespaces of others, links to mounts."""

from __future__ import annotations

import os
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from conformance.console import ConsoleSocket, converse, window_size
from kernel.checkpoint.counter import Saved, inode, ok
from kernel.runtime.bed import reap, until
from rung.spec.runtime.default import default_config

ANSWER = "n=0; while read line; do n=$((n+1)); echo $n:$line; done"


def spaces(**paths: str) -> list[dict[str, str]]:
    """The default namespaces, some of them joined by path; ``host_KIND``: not one of its own."""
    found = [dict(space) for space in default_config()["linux"]["namespaces"] if space["type"] != "cgroup"]
    for kind, path in paths.items():
        found = [space for space in found if space["type"] != kind] + ([{"type": kind, "path": path}] if path else [])
    return found


@contextmanager
def holder(*flags: str) -> Iterator[int]:
    """A process in namespaces of its own, as ``unshare`` makes them; an init that reaps, if it comes to that."""
    script = "echo ready; while :; do sleep 0.1; done"
    process = subprocess.Popen(["unshare", *flags, "--", "sh", "-c", script], stdout=subprocess.PIPE)
    try:
        assert process.stdout is not None and process.stdout.readline() == b"ready\n"
        yield process.pid
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()


def read_until(fd: int, wanted: bytes) -> bytes:
    said = b""
    while wanted not in said:
        part = os.read(fd, 4096)
        assert part, f"it ended: {said!r}"
        said += part
    return said


def test_a_terminal_is_given_anew_and_what_was_typed_is_not_forgotten(saved: Saved) -> None:
    path = saved.bed.folder / "console"
    console = ConsoleSocket(path)
    edits = saved.edits({"process.terminal": True, "process.consoleSize": {"height": 33, "width": 77}})
    bundle = saved.bed.bundle(("sh", "-c", ANSWER), edits)
    name = saved.bed.new_id()
    try:
        ok(saved.call("run", "--detach", "--console-socket", path, "--bundle", bundle, name))
        master, _ = console.receive()
        os.write(master, b"one\n")
        assert b"1:one" in read_until(master, b"1:one")
        for number in (2, 3):
            ok(saved.checkpoint(name))
            os.close(master)  # not before: it would hang up
            ok(saved.restore(name, bundle, "--console-socket", path))
            master, _ = console.receive()
            os.write(master, b"more\n")
            read_until(master, b"%d:more" % number)
            assert window_size(master) == (33, 77)
        saved.delete(name)
        os.close(master)
    finally:
        console.close()


def test_in_the_foreground_the_terminal_is_joined_to_the_callers(saved: Saved) -> None:
    path = saved.bed.folder / "console"
    console = ConsoleSocket(path)
    bundle = saved.bed.bundle(("sh", "-c", ANSWER + "; exit 3"), saved.edits({"process.terminal": True}))
    name = saved.bed.new_id()
    ok(saved.call("run", "--detach", "--console-socket", path, "--bundle", bundle, name))
    master, _ = console.receive()
    console.close()
    os.write(master, b"one\n")
    read_until(master, b"1:one")
    ok(saved.checkpoint(name))
    os.close(master)
    words = saved.bed.command("restore", "--image-path", saved.images, "--bundle", bundle, name)
    status, said = converse(words, [(b"", b"two\n"), (b"2:two", b"\x04")])
    assert (status, "2:two" in said) == (3, True), said
    assert saved.state(name)["status"] == "none"


def test_a_terminal_needs_somebody_who_takes_it(saved: Saved) -> None:
    path = saved.bed.folder / "console"
    console = ConsoleSocket(path)
    bundle = saved.bed.bundle(("sh", "-c", ANSWER), saved.edits({"process.terminal": True}))
    name = saved.bed.new_id()
    ok(saved.call("run", "--detach", "--console-socket", path, "--bundle", bundle, name))
    master, _ = console.receive()
    ok(saved.checkpoint(name))
    os.close(master)
    refused = saved.restore(name, bundle)
    assert refused.status == 1 and "--console-socket" in refused.error
    console.close()
    refused = saved.restore(name, bundle, "--console-socket", path)
    assert refused.status == 1 and str(path) in refused.error
    assert saved.state(name)["status"] == "none" and not saved.bed.left()


def test_pipes_are_those_of_whoever_restores(saved: Saved) -> None:
    ends = [os.pipe() for _ in range(4)]  # in, out; and once more
    (in_r, in_w), (out_r, out_w), (in2_r, in2_w), (out2_r, out2_w) = ends
    try:
        name, bundle = saved.started(ANSWER, stdio=(in_r, out_w, out_w))
        os.write(in_w, b"one\n")
        assert read_until(out_r, b"\n") == b"1:one\n"
        ok(saved.checkpoint(name))
        ok(saved.restore(name, bundle, stdio=(in2_r, out2_w, out2_w)))
        os.write(in2_w, b"two\n")
        assert read_until(out2_r, b"\n") == b"2:two\n"
        saved.delete(name)
    finally:
        for end in ends:
            os.close(end[0])
            os.close(end[1])


def test_a_network_namespace_of_somebody_elses_is_joined_again(saved: Saved) -> None:
    with holder("--net") as pid:
        edits = {"linux.namespaces": spaces(network=f"/proc/{pid}/ns/net")}
        name, bundle = saved.started(edits=edits)
        for _ in range(2):
            ok(saved.checkpoint(name))
            ok(saved.restore(name, bundle))
            assert inode(saved.state(name)["pid"], "net") == inode(pid, "net")
            saved.goes_on()
        ok(saved.checkpoint(name))
    refused = saved.restore(name, bundle)
    assert refused.status == 1 and f"/proc/{pid}/ns/net" in refused.error
    assert saved.state(name)["status"] == "none" and not saved.bed.left()


def test_an_own_network_has_its_loopback_device_again(saved: Saved) -> None:
    name, bundle = saved.started()
    ok(saved.checkpoint(name))
    ok(saved.restore(name, bundle))
    assert "LOOPBACK,UP" in saved.inside(name, "busybox ip link show lo")
    assert "127.0.0.1" in saved.inside(name, "busybox ip address show lo")
    saved.delete(name)


def test_ipc_and_uts_namespaces_of_somebody_elses_are_joined_again(saved: Saved) -> None:
    with holder("--ipc", "--uts") as pid:
        paths = {kind: f"/proc/{pid}/ns/{kind}" for kind in ("ipc", "uts")}
        name, bundle = saved.started(edits={"linux.namespaces": spaces(**paths), "hostname": ""})
        ok(saved.checkpoint(name))
        ok(saved.restore(name, bundle))
        restored = saved.state(name)["pid"]
        assert [inode(restored, kind) for kind in paths] == [inode(pid, kind) for kind in paths]
        saved.delete(name)


def test_the_hosts_network_stays_the_hosts(saved: Saved) -> None:
    name, bundle = saved.started(edits={"linux.namespaces": spaces(network="")})
    ok(saved.checkpoint(name))
    ok(saved.restore(name, bundle))
    assert inode(saved.state(name)["pid"], "net") == inode(os.getpid(), "net")
    saved.delete(name)


class Server(threading.Thread):
    """Takes one connection and collects what comes; in the network namespace it was started for."""

    def __init__(self, listener: socket.socket) -> None:
        super().__init__()
        self._listener = listener
        self.lines: list[bytes] = []
        self.connections = 0

    def run(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            with connection, connection.makefile("rb") as stream:
                self.lines.extend(stream)


@contextmanager
def listening_in(pid: int) -> Iterator[socket.socket]:
    """A socket on 127.0.0.1:7000 of the network namespace of ``pid``: made there by a thread."""
    made: list[Any] = []

    def make() -> None:
        handle = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY)
        try:
            os.setns(handle, os.CLONE_NEWNET)
            made.append(socket.create_server(("127.0.0.1", 7000)))
        finally:
            os.close(handle)

    thread = threading.Thread(target=make)
    thread.start()
    thread.join()
    try:
        yield made[0]
    finally:
        made[0].shutdown(socket.SHUT_RDWR)
        made[0].close()


def criu_can_read_sockets() -> bool:
    """CRIU 4.1 asks each socket for SO_PASSCRED; Linux 6.16 and later answer that only unix sockets have it."""
    with socket.socket() as one:
        try:
            one.getsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED)
        except OSError:
            return False
    return True


@pytest.mark.skipif(not criu_can_read_sockets(), reason="this CRIU cannot read a TCP socket of this kernel")
def test_a_connection_is_kept(saved: Saved) -> None:
    with holder("--net") as pid:
        subprocess.run(["nsenter", f"--net=/proc/{pid}/ns/net", "ip", "link", "set", "lo", "up"], check=True)
        with listening_in(pid) as listener:
            server = Server(listener)
            server.start()
            script = "i=0; while :; do i=$((i+1)); echo line $i; sleep 0.05; done | nc 127.0.0.1 7000"
            name, bundle = saved.started(script, {"linux.namespaces": spaces(network=f"/proc/{pid}/ns/net")})
            until(lambda: saved.bed.call("ps", name).output.count("\n") > 2, "nc runs")
            refused = saved.checkpoint(name)
            assert refused.status == 1 and "tcp" in refused.error.lower(), refused.error
            ok(saved.checkpoint(name, "--tcp-established"))
            ok(saved.restore(name, bundle, "--tcp-established"))
            saved.delete(name)
        server.join(60)
    assert server.connections == 1
    numbers = [int(line.split()[1]) for line in server.lines]
    assert len(numbers) > 2 and numbers == list(range(1, len(numbers) + 1))


def children(pid: int) -> list[int]:
    return [int(word) for word in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def test_a_pid_namespace_of_somebody_elses_is_joined_again(saved: Saved) -> None:
    with holder("--pid", "--fork", "--kill-child") as parent:
        (child,) = children(parent)
        path = f"/proc/{child}/ns/pid"
        name, bundle = saved.started(edits={"linux.namespaces": spaces(pid=path)})
        before = saved.inside(name, "echo $PPID")
        first = saved.state(name)["pid"]
        ok(saved.checkpoint(name))
        reap(first)
        until(lambda: len(children(child)) < 2, "the init reaped the others: their numbers are needed again")
        ok(saved.restore(name, bundle))
        assert inode(saved.state(name)["pid"], "pid") == inode(child, "pid")
        assert saved.inside(name, "echo $PPID") == before
        saved.goes_on()
        saved.delete(name)


def test_mount_points_behind_links_and_in_one_another(saved: Saved) -> None:
    """The second source is mounted in a directory that only the first one has."""
    outer, inner, root = (saved.bed.folder / name for name in ("outer", "inner", "linked"))
    outer.mkdir()
    inner.mkdir()
    saved.bed.own_rootfs().rename(root)
    (root / "real").mkdir()
    (root / "conf").symlink_to("/real")
    bind = {"type": "bind", "options": ["bind", "ro"]}
    mounts = [
        *saved.edits()["mounts"],
        {**bind, "source": str(outer), "destination": "/conf/outer"},
        {**bind, "source": str(inner), "destination": "/conf/outer/deep/inner"},
    ]
    mounts[-2]["options"] = ["bind"]
    name, bundle = saved.started(edits={"mounts": mounts, "root.path": str(root)})
    look = "cut -d' ' -f4,5,6 /proc/1/mountinfo | sort"
    before = saved.inside(name, look)
    ok(saved.checkpoint(name))
    (outer / "deep/inner").rmdir()
    (outer / "deep").rmdir()
    (root / "data").rmdir()
    ok(saved.restore(name, bundle))
    assert saved.inside(name, look) == before
    assert "/real/outer/deep/inner ro" in before
    saved.goes_on()
    saved.delete(name)


def test_limits_hold_again(saved: Saved) -> None:
    limits = {"linux.resources": {"pids": {"limit": 4}, "memory": {"limit": 64 << 20}, "cpu": {"shares": 300}}}
    name, bundle = saved.started(edits=limits)
    read = {
        "pids": ("pids.max", "4"),
        "memory": ("memory.limit_in_bytes", str(64 << 20)),
        "cpu": ("cpu.shares", "300"),
    }
    ok(saved.checkpoint(name))
    ok(saved.restore(name, bundle))
    for top in saved.bed.left():
        for controller, (file, value) in read.items():
            if f"/{controller}/" in top:
                assert (Path(top) / file).read_text().strip() == value
    stats = saved.bed.call("events", "--stats", name).output
    assert '"limit":4' in stats.replace(" ", "")
    saved.delete(name)


def test_into_another_cgroup(saved: Saved) -> None:
    """CRIU leaves cgroups alone; the bundle says where the restored container goes."""
    name, bundle = saved.started(edits={"linux.cgroupsPath": f"/{saved.bed.mark}-first"})
    ok(saved.checkpoint(name, "--manage-cgroups-mode", "ignore"))
    assert not saved.bed.left()
    config = bundle / "config.json"
    config.write_text(config.read_text().replace(f"{saved.bed.mark}-first", f"{saved.bed.mark}-second"))
    ok(saved.restore(name, bundle, "--manage-cgroups-mode", "ignore"))
    pid = saved.state(name)["pid"]
    assert all(line.endswith("-second") for line in Path(f"/proc/{pid}/cgroup").read_text().splitlines())
    saved.delete(name)


def test_hooks_that_run_again_and_those_that_do_not(saved: Saved) -> None:
    told = saved.bed.folder / "told"
    stages = ("prestart", "createRuntime", "createContainer", "startContainer", "poststart", "poststop")
    hooks = {
        stage: [{"path": "/bin/sh", "args": ["sh", "-c", f"echo {stage} $(cat) >> {told}"]}]
        for stage in stages
        if stage not in ("createContainer", "startContainer")
    }
    name, bundle = saved.started(edits={"hooks": hooks})
    lines = told.read_text().splitlines()
    assert [line.split()[0] for line in lines] == ["prestart", "createRuntime", "poststart"]
    ok(saved.checkpoint(name))
    lines = told.read_text().splitlines()[3:]
    assert [line.split()[0] for line in lines] == ["poststop"]
    ok(saved.restore(name, bundle))
    lines = told.read_text().splitlines()[4:]
    assert [line.split()[0] for line in lines] == ["prestart", "createRuntime"]
    assert f'"pid": {saved.state(name)["pid"]}' in lines[1]
    saved.delete(name)


def mem_track() -> bool:
    """Whether this kernel tracks written pages."""
    return subprocess.run(["criu", "check", "--feature", "mem_dirty_track"], capture_output=True).returncode == 0


@pytest.mark.skipif(not mem_track(), reason="this kernel has no CONFIG_MEM_SOFT_DIRTY")
def test_a_dump_on_top_of_two_before_it(saved: Saved) -> None:
    folder = saved.bed.folder
    name, bundle = saved.started()
    before = saved.state(name)
    for number, parent in ((1, ()), (2, ("--parent-path", "../pre1"))):
        places = ("--image-path", folder / f"pre{number}", "--work-path", saved.work)
        ok(saved.call("checkpoint", "--pre-dump", *places, *parent, name))
        saved.goes_on()
        assert saved.state(name) == before
    ok(saved.checkpoint(name, "--parent-path", "../pre2"))
    assert (saved.images / "parent").is_dir()
    at = saved.count()
    ok(saved.restore(name, bundle))
    assert at < saved.goes_on() < at + 200
    saved.delete(name)


@pytest.mark.skipif(mem_track(), reason="this kernel has CONFIG_MEM_SOFT_DIRTY")
def test_without_tracking_of_pages_a_pre_dump_is_refused(saved: Saved) -> None:
    name, _ = saved.started()
    refused = saved.checkpoint(name, "--pre-dump")
    assert refused.status == 1 and "mem_track" in refused.error
    saved.goes_on()
    saved.delete(name)
