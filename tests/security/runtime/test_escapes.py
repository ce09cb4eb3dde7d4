"""Ways out of a container that other runtimes have had, by their numbers, each tried here.

What an image's links do to mounts and devices is in tests/faults/test_bad_rootfs.py; what
rung-init does with hostile plans in tests/kernel/init. "Without" says which protection was taken out of the
source once, and that the tests then failed.
"""

from __future__ import annotations

import errno
import os
import select
import threading
import time
from pathlib import Path

import pytest

from faults import tracer
from kernel.runtime.bed import Outcome, one_sentence, until
from rung.runtime import ExecOptions, Stdio, StepError
from rung.runtime.spawn import init_path

HOST_WIDE = {"linux.namespaces": [{"type": "mount"}, {"type": "uts"}, {"type": "ipc"}]}
EVERYTHING = [
    f"CAP_{name}"
    for name in "CHOWN DAC_OVERRIDE FOWNER KILL SETUID SETGID SETPCAP SYS_ADMIN SYS_PTRACE MKNOD SYS_CHROOT".split()
]
ALL_CAPABILITIES = {
    "process.capabilities": dict.fromkeys(("bounding", "effective", "permitted"), EVERYTHING),
    "process.noNewPrivileges": False,
}


# --- CVE-2019-5736: the runtime's own program, overwritten through /proc/PID/exe ---------
# Without the seals, and without the copy (spawn.py).


def writing_through(pid: int) -> int:
    """The errno of opening a process's program for writing, or 0."""
    try:
        os.close(os.open(f"/proc/{pid}/exe", os.O_WRONLY))
    except OSError as error:
        return error.errno or 0
    return 0


def test_cve_2019_5736_the_program_cannot_be_written_while_it_runs(bed):
    before = Path(init_path()).read_bytes()
    with bed.created(["true"]) as container:
        assert os.readlink(f"/proc/{container.pid}/exe").startswith("/memfd:rung-init")
        assert writing_through(container.pid) in (errno.ETXTBSY, errno.EPERM)
    assert Path(init_path()).read_bytes() == before


def test_cve_2019_5736_nor_when_it_has_ended(bed):
    """The attack opens it for reading, waits until nobody executes it, and opens it again."""
    with bed.created(["true"]) as container:
        held = os.open(f"/proc/{container.pid}/exe", os.O_RDONLY)
    try:
        size = os.fstat(held).st_size
        with pytest.raises(PermissionError):
            os.truncate(f"/proc/self/fd/{held}", 0)
        again = -1
        try:
            again = os.open(f"/proc/self/fd/{held}", os.O_WRONLY)
            with pytest.raises(PermissionError):
                os.write(again, b"#!/evil")
        except OSError as error:
            assert error.errno in (errno.ETXTBSY, errno.EPERM)
        finally:
            if again >= 0:
                os.close(again)
        assert os.fstat(held).st_size == size
    finally:
        os.close(held)


def test_cve_2019_5736_the_image_asks_for_proc_self_exe(bed):
    """The workload is /proc/self/exe: what is executed is our sealed copy, not the host's file."""
    before = Path(init_path()).read_bytes()
    outcome = bed.call("run", "-b", bed.bundle(["/proc/self/exe"]), bed.new_id())
    assert outcome.status != 0
    assert Path(init_path()).read_bytes() == before
    root = bed.own_rootfs()
    (root / "bin/evil").symlink_to("/proc/self/exe")
    assert bed.call("run", "-b", bed.bundle(["evil"], {"root.path": str(root)}), bed.new_id()).status != 0
    assert Path(init_path()).read_bytes() == before


# --- CVE-2024-21626: descriptors and working directories that leak -----------------------
# Without KeepFds; without RESOLVE_IN_ROOT for Chdir.


def test_cve_2024_21626_no_descriptor_but_three(bed, tmp_path):
    leaked = [os.open("/", os.O_RDONLY) for _ in range(5)]
    try:
        for fd in leaked:
            os.set_inheritable(fd, True)
        assert bed.run("ls /proc/self/fd").output.split() == ["0", "1", "2", "3"], "3 is ls's own"
        with bed.running() as container:
            assert bed.exec(container, "ls /proc/self/fd").output.split() == ["0", "1", "2", "3"]
            assert sorted(os.listdir(f"/proc/{container.pid}/fd")) == ["0", "1", "2"]
    finally:
        for fd in leaked:
            os.close(fd)


def test_cve_2024_21626_by_the_program(bed):
    fd = os.open("/", os.O_RDONLY)
    try:
        bundle = bed.bundle(["ls", "/proc/self/fd"])
        assert bed.call("run", "-b", bundle, bed.new_id(), pass_fds=(fd,)).output.split() == ["0", "1", "2", "3"]
    finally:
        os.close(fd)


@pytest.mark.parametrize("number", range(3, 24))
def test_cve_2024_21626_a_working_directory_by_descriptor(bed, number):
    with pytest.raises(StepError, match=f"/proc/self/fd/{number}"):
        bed.runtime.create(bed.new_id(), str(bed.bundle(edits={"process.cwd": f"/proc/self/fd/{number}"})))


@pytest.mark.parametrize("path", ["/proc/self/fd/7", "/proc/self/fd/7/../../..", "/link", "/proc/1/root", "/proc/1/cwd"])
def test_cve_2024_21626_a_working_directory_of_an_exec(bed, path):
    root = bed.own_rootfs()
    (root / "link").symlink_to("/proc/self/fd/7")
    with bed.running({"root.path": str(root), **ALL_CAPABILITIES}) as container:
        process = {**container.config["process"], "args": ["pwd"], "cwd": path}
        with pytest.raises(StepError):
            container.exec(process)


# --- CVE-2025-31133, CVE-2025-52565: masks and consoles by what the image put there -------
# Without O_NOFOLLOW for /dev/console; the null device is looked at twice (device.c, mask.c): see test_races.py.


@pytest.mark.parametrize("what", ["link", "file", "another device"])
def test_cve_2025_31133_a_null_device_that_is_none(bed, what):
    """What masks is the null device, or nothing is masked and nothing runs."""
    root = bed.own_rootfs()
    if what == "link":
        (root / "dev/null").symlink_to("/proc/sys/kernel/core_pattern")
    elif what == "file":
        (root / "dev/null").write_text("")
    else:
        os.mknod(root / "dev/null", 0o20666, os.makedev(1, 5))
    config = bed.config(["cat", "/etc/passwd"], {"root.path": str(root), "linux.maskedPaths": ["/etc/passwd"]})
    config["mounts"] = [m for m in config["mounts"] if not m["destination"].startswith("/dev")]
    one_sentence(bed.call("run", "-b", bed.write(config), bed.new_id()), "/dev/null")


def test_cve_2025_31133_what_is_masked_reads_empty(bed):
    root = bed.own_rootfs()
    (root / "secret").mkdir()
    (root / "secret/file").write_text("secret")
    edits = {"root.path": str(root), "linux.maskedPaths": ["/etc/passwd", "/secret", "/not/there"]}
    outcome = bed.run("cat /etc/passwd | wc -c; ls /secret | wc -l; touch /secret/x", edits)
    assert outcome.lines[:2] == ["0", "0"], outcome
    assert "Read-only" in outcome.lines[2]


@pytest.mark.parametrize("target", ["/proc/sys/kernel/core_pattern", "/etc/passwd", "pts/0"])
def test_cve_2025_52565_a_console_that_is_a_link(bed, target):
    """/dev/console is bound over: with a link there, over what it names."""
    import socket

    root = bed.own_rootfs()
    (root / "dev/console").symlink_to(target)
    (root / "dev/pts").mkdir()
    config = bed.config(["true"], {"root.path": str(root), "process.terminal": True, "root.readonly": False})
    config["mounts"] = [m for m in config["mounts"] if m["destination"] not in ("/dev",)]
    path = str(bed.folder / "console")
    before = Path("/proc/sys/kernel/core_pattern").read_text()
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        name = bed.new_id()
        outcome = bed.call("create", "--console-socket", path, "-b", bed.write(config), name)
        if outcome.status:
            one_sentence(outcome, "/dev/console")
        else:
            table = Path(f"/proc/{bed.runtime.get(name).pid}/mountinfo").read_text()
            places = [line.split()[4] for line in table.splitlines()]
            assert target not in places
            assert bed.call("delete", "--force", name).status == 0
    assert Path("/proc/sys/kernel/core_pattern").read_text() == before


# --- CVE-2019-16884, CVE-2019-19921: /proc put elsewhere by a volume ----------------------
# Without O_NOFOLLOW for the mount points of proc and sysfs (mount.c).


def test_cve_2019_19921_a_shared_proc_link_between_two_containers(bed):
    """One container's image makes /proc a link into a volume that another one changes."""
    root = bed.own_rootfs()
    (root / "proc").rmdir()
    (root / "proc").symlink_to("vol/proc")
    (root / "vol/proc/sys").mkdir(parents=True)
    outcome = bed.call("run", "-b", bed.bundle(edits={"root.path": str(root)}), bed.new_id())
    one_sentence(outcome, "/proc")


# --- CVE-2021-30465: mount points swapped while they are resolved -------------------------
# A race by chance; each of its moments is in test_races.py.


def test_cve_2021_30465_a_mount_point_that_is_swapped(bed):
    """A volume's directory changes places with a link to the host's root, all the time."""
    volume = bed.folder / "volume"
    (volume / "dir").mkdir(parents=True)
    (volume / "link").symlink_to("/" + "../" * 12)
    outside = bed.folder / "outside"
    outside.mkdir()
    script = "cat /proc/self/mountinfo"
    config = bed.config(["sh", "-c", script], {"linux.maskedPaths": None, "linux.readonlyPaths": None})
    config["mounts"] += [
        {"destination": "/tmp", "type": "bind", "source": str(volume), "options": ["rbind"]},
        *(
            {"destination": f"/tmp/dir{outside}/{n}", "type": "tmpfs", "source": "tmpfs", "options": ["mode=755"]}
            for n in range(4)
        ),
    ]
    bundle = bed.write(config)
    stop = threading.Event()

    def swap() -> None:
        a, b = str(volume / "dir"), str(volume / "link")
        while not stop.is_set():
            _exchange(a, b)

    swapper = threading.Thread(target=swap)
    swapper.start()
    tried = 0
    try:
        until_s = time.monotonic() + 2
        while time.monotonic() < until_s or tried < 3:
            outcome = bed.call("run", "-b", bundle, bed.new_id())
            tried += 1
            if outcome.status:
                one_sentence(outcome, "/tmp")
            assert list(outside.iterdir()) == [], "something was made on the host"
            assert str(outside) not in Path("/proc/self/mountinfo").read_text()
    finally:
        stop.set()
        swapper.join()


def _exchange(one: str, other: str) -> None:
    import ctypes

    exchange = 2  # RENAME_EXCHANGE
    ctypes.CDLL(None).renameat2(-100, one.encode(), -100, other.encode(), exchange)


# --- CVE-2022-24769, CVE-2022-29162: what is inherited -----------------------------------
# Without the empty inheritable set (plan/process.py; cli/exec.py for --cap); without setgroups.


def status_of(outcome: Outcome) -> dict[str, str]:
    return {line.split(":")[0]: line.split(":")[1].strip() for line in outcome.lines if ":" in line}


def test_cve_2022_24769_no_inheritable_capabilities(bed):
    seen = status_of(bed.run("cat /proc/self/status"))
    assert int(seen["CapInh"], 16) == 0
    assert int(seen["CapPrm"], 16) != 0
    with bed.running() as container:
        assert int(status_of(bed.exec(container, "cat /proc/self/status"))["CapInh"], 16) == 0


def test_cve_2022_29162_exec_with_a_capability_more(bed):
    """``exec --cap`` once made it inheritable too."""
    with bed.running() as container:
        outcome = bed.call("exec", "--cap", "CAP_NET_RAW", container.id, "cat", "/proc/self/status")
        seen = status_of(outcome)
        assert int(seen["CapInh"], 16) == 0
        assert int(seen["CapPrm"], 16) >> 13 & 1


def test_cve_2022_29162_no_group_of_the_callers(bed):
    """Groups of the caller, which has some, are not the workload's."""
    before = os.getgroups()
    os.setgroups([4, 24, 27])
    try:
        assert bed.run("id -G", {"process.user": {"uid": 1000, "gid": 1000}}).output.split() == ["1000"]
        given = {"process.user": {"uid": 1000, "gid": 1000, "additionalGids": [5, 6]}}
        assert bed.run("id -G", given).output.split() == ["1000", "5", "6"]
        with bed.running() as container:
            assert status_of(bed.exec(container, "cat /proc/self/status"))["Groups"] == ""
    finally:
        os.setgroups(before)


# --- CVE-2016-9962: looking into whoever enters --------------------------------------------
# The kernel closes these by itself where ids change; where none does: test_own_programs.py.


def test_cve_2016_9962_nobody_looks_into_an_init_that_waits(bed):
    """It is not dumpable: a workload's other processes, root without CAP_SYS_PTRACE over it,
    may neither trace it nor see its descriptors."""
    with bed.created(["true"], HOST_WIDE | {"hostname": None}) as container:
        pid = container.pid
        child = os.fork()
        if child == 0:
            os.setgroups([])
            os.setresgid(1000, 1000, 1000)
            os.setresuid(1000, 1000, 1000)
            os._exit(0 if denied(f"/proc/{pid}/fd") and denied(f"/proc/{pid}/cwd") else 1)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0


def denied(path: str) -> bool:
    try:
        os.listdir(path) if path.endswith("fd") else os.readlink(path)
    except PermissionError:
        return True
    return False


@pytest.mark.parametrize("operation", ["create", "exec"])
@pytest.mark.parametrize("who", ["a user", "root of a user namespace"])
def test_cve_2016_9962_nor_into_one_that_enters(bed, who, operation):
    """At each system call of rung-init, to its last: whatever ids it has by then, its files in
    /proc are the host root's, which is the mark of a process that nobody may look into."""
    for folder in (bed.folder, bed.folder.parent, bed.folder.parent.parent):
        folder.chmod(0o755)
    users = {**WITH_USERS, "root.path": str(bed.own_rootfs())}
    edits = {"process.user": {"uid": 1000, "gid": 1000}} if who == "a user" else users
    bundle = str(bed.bundle(["sleep", "1000"], edits))
    name = bed.new_id()
    null = os.open("/dev/null", os.O_RDWR)
    stdio = Stdio(null, null, null)
    seen, seeing = os.pipe()

    def watch(pid: int) -> None:
        if Path(f"/proc/{pid}/comm").read_text() == "rung-init\n":
            words = Path(f"/proc/{pid}/status").read_text().split("Uid:")[1].split()
            os.write(seeing, b"." if words[1] == "0" else b"!")
            owner = os.stat(f"/proc/{pid}/fd").st_uid
            assert owner == 0, f"as user {words[1]} its descriptors are {owner}'s"

    def create() -> None:
        bed.runtime.create(name, bundle, stdio=stdio)

    def enter() -> None:
        container = bed.runtime.get(name)
        container.exec({**container.config["process"], "args": ["true"]}, ExecOptions(stdio=stdio))

    try:
        if operation == "create":
            fate = tracer.run(create, watch=watch)
        else:
            create()
            fate = tracer.run(enter, watch=watch)
        assert (fate.failed, fate.said) == (False, "")
        marks = os.read(seen, 1 << 16)
        assert b"!" in marks, "rung-init was never seen with ids of the container's"
    finally:
        clean = os.posix_spawn(bed.program, bed.command("delete", "--force", name), os.environ)
        while os.waitpid(-1, 0)[0] != clean:  # what ran inside is an orphan of ours
            pass
        for fd in (null, seen, seeing):
            os.close(fd)


WITH_USERS = {
    "linux.namespaces": [{"type": kind} for kind in ("user", "mount", "pid", "ipc", "uts")],
    "linux.uidMappings": [{"containerID": 0, "hostID": 100000, "size": 65536}],
    "linux.gidMappings": [{"containerID": 0, "hostID": 100000, "size": 65536}],
    "mounts": [{"destination": f"/{name}", "type": kind} for name, kind in (("proc", "proc"), ("dev", "tmpfs"))],
}


# --- what has no number: the host's things stay the host's ---------------------------------


def test_devices_that_are_not_allowed(bed):
    """mknod succeeds with CAP_MKNOD; opening does not."""
    caps = {**ALL_CAPABILITIES, "root.readonly": False, "root.path": str(bed.own_rootfs())}
    outcome = bed.run("mknod /tmp/mem c 1 1 2>/dev/null || busybox mknod /tmp/mem c 1 1; cat /tmp/mem", caps)
    assert "Operation not permitted" in outcome.output, outcome


def test_kernel_settings_are_read_only(bed):
    outcome = bed.run("echo x > /proc/sys/kernel/hostname; echo x > /proc/irq/default_smp_affinity", ALL_CAPABILITIES)
    assert outcome.output.count("Read-only file system") == 2, outcome


def test_no_descriptor_of_the_runtime_survives_in_a_created_one(bed):
    """What rung-init holds while it waits leads to nothing the workload could use: all close at exec."""
    with bed.created(["sleep", "1000"]) as container:
        pid = container.pid
        flags = {}
        for fd in os.listdir(f"/proc/{pid}/fdinfo"):
            text = Path(f"/proc/{pid}/fdinfo/{fd}").read_text()
            flags[int(fd)] = int(text.split("flags:")[1].split()[0], 8)
        assert all(value & os.O_CLOEXEC for fd, value in flags.items() if fd > 2), flags
        container.start()
        until(lambda: sorted(os.listdir(f"/proc/{pid}/fd")) == ["0", "1", "2"], "only stdio is open")
        assert not select.select([], [], [], 0)[0]
