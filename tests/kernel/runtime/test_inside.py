"""What a container finds inside: each setting of config.json, seen from the workload."""

from __future__ import annotations

import os
import resource
import subprocess
from pathlib import Path

import pytest

from rung.runtime import ExecOptions, Stdio

FILES = {"mount": "mnt", "network": "net"}
KINDS = ("pid", "network", "ipc", "uts", "mount", "cgroup")
USERS = {
    "linux.namespaces": [{"type": kind} for kind in (*KINDS, "user")],
    "linux.uidMappings": [{"containerID": 0, "hostID": 100000, "size": 1000}, {"containerID": 1000, "hostID": 5000, "size": 1}],
    "linux.gidMappings": [{"containerID": 0, "hostID": 100000, "size": 65536}],
}


def namespace(pid: int | str, kind: str) -> str:
    return os.readlink(f"/proc/{pid}/ns/{FILES.get(kind, kind)}")


def status(text: str) -> dict[str, str]:
    return {line.split(":")[0]: line.split(":")[1].strip() for line in text.splitlines() if ":" in line}


def open_to_others(bed) -> str:
    """A root file system that a user namespace's root can reach."""
    for folder in (bed.folder, *bed.folder.parents):
        if folder.stat().st_mode & 0o005 != 0o005:  # pytest makes its folders private
            folder.chmod(0o755)
    return str(bed.own_rootfs())


# --- namespaces ------------------------------------------------------------------------


def test_every_namespace_is_new_or_the_hosts(bed):
    with bed.created(["true"], {"linux.namespaces": [{"type": kind} for kind in (*KINDS, "time")]}) as container:
        for kind in (*KINDS, "time"):
            assert namespace(container.pid, kind) != namespace("self", kind), kind
        assert namespace(container.pid, "user") == namespace("self", "user")
    with bed.created(["true"], {"linux.namespaces": [{"type": "mount"}], "hostname": None}) as container:
        for kind in ("pid", "network", "ipc", "uts", "cgroup", "user", "time"):
            assert namespace(container.pid, kind) == namespace("self", kind), kind


@pytest.mark.parametrize("kind", ["pid", "network", "ipc", "uts", "cgroup"])
def test_a_namespace_is_joined_by_its_path(bed, kind):
    with bed.running({"linux.namespaces": [{"type": k} for k in KINDS]}) as first:
        path = f"/proc/{first.pid}/ns/{FILES.get(kind, kind)}"
        listed = [{"type": k} for k in KINDS if k != kind] + [{"type": kind, "path": path}]
        with bed.created(["true"], {"linux.namespaces": listed, "hostname": None}) as second:
            assert namespace(second.pid, kind) == namespace(first.pid, kind)
            others = [k for k in KINDS if k != kind]
            assert all(namespace(second.pid, k) != namespace(first.pid, k) for k in others)


def test_a_mount_namespace_is_joined_by_its_path_and_set_up_there(bed):
    """As with runc: the root is found and changed as it is in that namespace, for all in it."""
    # It waits in the shell itself: a program that it ran after its word could be looked for under the changed root.
    waits = ["unshare", "-m", "sh", "-c", "echo in; read word"]
    holder = subprocess.Popen(waits, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    try:
        assert holder.stdout.readline() == b"in\n"
        listed = [{"type": "mount", "path": f"/proc/{holder.pid}/ns/mnt"}]
        with bed.created(["true"], {"linux.namespaces": listed, "hostname": None}) as second:
            assert namespace(second.pid, "mount") == namespace(holder.pid, "mount")
            assert Path(f"/proc/{holder.pid}/root/bin/busybox").exists()
    finally:
        holder.kill()
        holder.communicate()


def test_a_user_namespace_is_joined_by_its_path(bed):
    root = open_to_others(bed)
    with bed.running({**USERS, "root.path": root}) as first:
        listed = [{"type": k} for k in KINDS] + [{"type": "user", "path": f"/proc/{first.pid}/ns/user"}]
        with bed.created(["true"], {"linux.namespaces": listed, "root.path": root}) as second:
            assert namespace(second.pid, "user") == namespace(first.pid, "user")
            assert Path(f"/proc/{second.pid}/uid_map").read_text() == Path(f"/proc/{first.pid}/uid_map").read_text()


def test_a_user_namespace_with_its_mappings(bed):
    edits = {**USERS, "root.path": open_to_others(bed)}
    outcome = bed.run("cat /proc/self/uid_map; id -u", edits)
    words = [line.split() for line in outcome.lines]
    assert words == [["0", "100000", "1000"], ["1000", "5000", "1"], ["0"]], outcome
    with bed.created(["true"], {**edits, "process.user": {"uid": 1000, "gid": 7}}) as container:
        seen = status(Path(f"/proc/{container.pid}/status").read_text())
        assert (seen["Uid"].split()[0], seen["Gid"].split()[0]) == ("5000", "100007")


def test_a_clock_of_its_own(bed):
    edits = {
        "linux.namespaces": [{"type": k} for k in (*KINDS, "time")],
        "linux.timeOffsets": {"boottime": {"secs": 1_000_000}, "monotonic": {"secs": 500, "nanosecs": 7}},
    }
    outcome = bed.run("cat /proc/uptime /proc/self/timens_offsets", edits)
    assert float(outcome.lines[0].split()[0]) > 1_000_000
    assert [line.split() for line in outcome.lines[1:]] == [["monotonic", "500", "7"], ["boottime", "1000000", "0"]]


def test_host_and_domain_name(bed):
    edits = {"hostname": "inside", "domainname": "example.org"}
    outcome = bed.run("hostname; cat /proc/sys/kernel/domainname", edits)
    assert outcome.lines == ["inside", "example.org"]
    assert os.uname().nodename != "inside"


def test_loopback_is_up(bed):
    assert "UP" in bed.run("ip link show lo").output


# --- the process ------------------------------------------------------------------------


def test_each_capability_set(bed):
    sets = {
        "bounding": ["CAP_KILL", "CAP_CHOWN", "CAP_SETUID"],
        "permitted": ["CAP_KILL", "CAP_CHOWN"],
        "effective": ["CAP_KILL"],
        "inheritable": ["CAP_CHOWN"],
        "ambient": ["CAP_CHOWN"],
    }
    user = {"uid": 1000, "gid": 1000}
    seen = status(bed.run("cat /proc/self/status", {"process.capabilities": sets, "process.user": user}).output)
    kill, chown, setuid = 1 << 5, 1 << 0, 1 << 7
    # execve by another user than root: permitted and effective are what is ambient (capabilities(7))
    assert int(seen["CapBnd"], 16) == kill | chown | setuid
    assert int(seen["CapInh"], 16) == int(seen["CapAmb"], 16) == chown
    assert int(seen["CapPrm"], 16) == int(seen["CapEff"], 16) == chown


def test_no_capabilities_where_none_are_given(bed):
    seen = status(bed.run("cat /proc/self/status", {"process.capabilities": None}).output)
    assert {name: int(seen[name], 16) for name in ("CapBnd", "CapPrm", "CapEff", "CapInh", "CapAmb")} == dict.fromkeys(
        ("CapBnd", "CapPrm", "CapEff", "CapInh", "CapAmb"), 0
    )


@pytest.mark.parametrize("yes", [True, False])
def test_no_new_privileges(bed, yes):
    seen = status(bed.run("cat /proc/self/status", {"process.noNewPrivileges": yes}).output)
    assert seen["NoNewPrivs"] == str(int(yes))


@pytest.fixture
def profile() -> dict[str, object]:
    """No mkdir. Compiled before the census begins: compiled filters are kept for good."""
    from rung.runtime.seccomp import cached_filter

    rule = {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 77}
    made = {"defaultAction": "SCMP_ACT_ALLOW", "architectures": [], "syscalls": [rule]}
    cached_filter(made)  # type: ignore[arg-type]
    return made


@pytest.mark.parametrize("private", [True, False])
def test_a_filter(profile, bed, private):
    edits = {"linux.seccomp": profile, "process.noNewPrivileges": private}
    outcome = bed.run("grep Seccomp: /proc/self/status; mkdir /tmp/x", edits)
    assert outcome.lines[0].split() == ["Seccomp:", "2"]
    assert "File descriptor in bad state" in outcome.output, "errno 77"


def test_limits(bed):
    limits = [
        {"type": "RLIMIT_NOFILE", "soft": 100, "hard": 200},
        {"type": "RLIMIT_CORE", "soft": 0, "hard": 0},
        {"type": "RLIMIT_STACK", "soft": 1 << 20, "hard": 1 << 21},
    ]
    with bed.running({"process.rlimits": limits}) as container:
        for name, wanted in (("NOFILE", (100, 200)), ("CORE", (0, 0)), ("STACK", (1 << 20, 1 << 21))):
            assert resource.prlimit(container.pid, getattr(resource, f"RLIMIT_{name}")) == wanted


def test_user_groups_and_umask(bed):
    user = {"uid": 1000, "gid": 1001, "additionalGids": [5, 29], "umask": 0o77}
    outcome = bed.run("id -u; id -g; id -G; umask", {"process.user": user})
    assert outcome.lines == ["1000", "1001", "1001 5 29", "0077"]
    assert bed.run("umask").output == "0022\n"


def test_environment_and_home(bed):
    env = ["PATH=/bin", "A=1", "A=2", "EMPTY=", "SPACES=a  b"]
    outcome = bed.run(["env"], {"process.env": env})
    assert sorted(outcome.lines) == sorted(["PATH=/bin", "A=2", "EMPTY=", "SPACES=a  b", "HOME=/root"])
    user = {"uid": 1000, "gid": 1000}
    assert "HOME=/home" in bed.run(["env"], {"process.env": ["PATH=/bin"], "process.user": user}).lines
    assert "HOME=/mine" in bed.run(["env"], {"process.env": ["PATH=/bin", "HOME=/mine"]}).lines


def test_the_working_directory_is_made(bed):
    edits = {"process.cwd": "/new/deep", "root.path": str(bed.own_rootfs()), "root.readonly": False}
    assert bed.run("pwd; stat -c %a:%u .", edits).lines == ["/new/deep", "755:0"]


def test_oom_score(bed):
    assert bed.run("cat /proc/self/oom_score_adj", {"process.oomScoreAdj": 321}).output == "321\n"


def test_personality(bed):
    assert bed.run("busybox uname -m", {"linux.personality": {"domain": "LINUX32"}}).output.strip() != os.uname().machine


def test_preserved_descriptors(bed):
    """The caller's descriptors 3 and 4, by the program; 5 is not preserved."""
    made = [os.memfd_create(f"kept{n}") for n in range(3)]
    for n, fd in enumerate(made):
        os.write(fd, f"{n}".encode())
        os.lseek(fd, 0, os.SEEK_SET)
    bundle = bed.bundle(["sh", "-c", "cat <&3; cat <&4; echo; ls /proc/self/fd"])
    words = bed.command("run", "--preserve-fds", 2, "-b", bundle, bed.new_id())
    out = os.memfd_create("out")
    actions = [(os.POSIX_SPAWN_DUP2, out, 1), *((os.POSIX_SPAWN_DUP2, fd, n + 100) for n, fd in enumerate(made))]
    actions += [(os.POSIX_SPAWN_DUP2, n + 100, n + 3) for n in range(3)]
    pid = os.posix_spawn(words[0], words, os.environ, file_actions=actions)
    assert os.waitpid(pid, 0)[1] == 0
    assert os.pread(out, 4096, 0).decode().split() == ["01", "0", "1", "2", "3", "4", "5"], "5 is ls's own"
    for fd in (*made, out):
        os.close(fd)


def test_a_terminal_of_the_size_asked_for(bed):
    import array
    import socket

    edits = {"process.terminal": True, "process.consoleSize": {"height": 33, "width": 77}}
    ours, theirs = socket.socketpair()
    bundle = bed.bundle(["sh", "-c", "tty; stty size; ls -l /dev/console | cut -c1"], edits)
    container = bed.runtime.create(bed.new_id(), str(bundle), console_fd=theirs.fileno())
    _data, ancillary, _, _ = ours.recvmsg(4096, socket.CMSG_SPACE(4))
    master = array.array("i", ancillary[0][2])[0]
    container.start()
    said = b""
    while b"c\r\n" not in said:
        said += os.read(master, 4096)
    assert said.split() == [b"/dev/pts/0", b"33", b"77", b"c"]
    container.wait()
    container.delete()
    os.close(master)
    ours.close()
    theirs.close()


# --- limits by cgroups ------------------------------------------------------------------------


def test_cgroup_limits_are_applied(bed):
    resources = {"pids": {"limit": 17}, "cpu": {"shares": 512, "quota": 50000, "period": 100000}, "memory": {"limit": 64 << 20}}
    with bed.running({"linux.resources": resources}) as container:
        paths = container.facts.cgroup_paths

        def value(controller: str, v1: str, v2: str) -> str:
            folder = paths.get(controller)
            return Path(folder or paths[""], v1 if folder else v2).read_text().strip()

        assert value("pids", "pids.max", "pids.max") == "17"
        assert value("memory", "memory.limit_in_bytes", "memory.max") == str(64 << 20)
        assert value("cpu", "cpu.cfs_quota_us", "cpu.max").split()[0] == "50000"
        assert container.pid in container.pids()


def test_six_mebibytes_are_enough(bed):
    edits = {"linux.resources": {"memory": {"limit": 6 << 20, "swap": 6 << 20}}}
    assert bed.run("echo alive", edits).output == "alive\n"


def test_a_fork_bomb_ends_at_the_limit(bed):
    edits = {"linux.resources": {"pids": {"limit": 5}}}
    outcome = bed.run("for n in 1 2 3 4 5 6 7 8; do sleep 0.01 & done; wait", edits)
    assert "fork" in outcome.output


def test_exec_is_in_the_cgroup_and_the_namespaces(bed):
    with bed.running({"linux.namespaces": [{"type": k} for k in KINDS]}) as container:
        null = os.open("/dev/null", os.O_RDWR)
        process = {**container.config["process"], "args": ["sleep", "1000"]}
        started = container.exec(process, ExecOptions(stdio=Stdio(null, null, null)))
        os.close(null)
        try:
            for kind in KINDS:
                assert namespace(started.pid, kind) == namespace(container.pid, kind), kind
            assert Path(f"/proc/{started.pid}/cgroup").read_text() == Path(f"/proc/{container.pid}/cgroup").read_text()
            assert started.pid in container.pids()
        finally:
            os.kill(started.pid, 9)
            started.wait()


def test_the_callers_groups_stay_where_crun_annotation_says(bed):
    kept = {"annotations": {"run.oci.keep_original_groups": "1"}, "process.user": {"uid": 5, "gid": 6}}
    script = ["sh", "-c", "grep Groups: /proc/self/status"]
    for edits, groups in (({"process.user": kept["process.user"]}, []), (kept, ["71", "72"])):
        outcome = bed.call("run", "-b", bed.bundle(script, edits), bed.new_id(), extra_groups=[71, 72])
        assert outcome.output.split()[1:] == groups


def test_a_user_namespace_without_mappings_has_the_callers_own_ids(bed):
    namespaces = [{"type": kind} for kind in ("mount", "pid", "user", "ipc", "uts", "network")]
    proc = [{"destination": "/proc", "type": "proc", "source": "proc"}]
    outcome = bed.run("cat /proc/self/uid_map /proc/self/gid_map", {"linux.namespaces": namespaces, "mounts": proc})
    assert [line.split() for line in outcome.lines] == [["0", str(os.geteuid()), "1"], ["0", str(os.getegid()), "1"]]


def test_the_null_device_on_stdin_is_the_containers_own(bed):
    """Not the caller's, which lies in a mount of the host's."""
    outcome = bed.run("stat -L -c %d:%i /dev/null /proc/self/fd/0; read line; echo $?")
    own, stdin, read = outcome.lines
    assert own == stdin
    assert read == "1"
