"""Users, capabilities, limits, filters, and becoming the workload."""

from __future__ import annotations

import errno
import os
import shutil
import struct
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from kernel.init import driver, plans
from kernel.init.test_mounts import inside
from rung.runtime.plan import steps as s
from rung.runtime.plan import wire

STATUS = ("cat", "/proc/self/status")
ALL_CAPS = (1 << 64) - 1


def held_caps() -> int:
    line = next(x for x in Path("/proc/self/status").read_text().splitlines() if x.startswith("CapPrm"))
    return int(line.split()[1], 16)


def status(outcome: driver.Outcome) -> dict[str, str]:
    assert outcome.ledger.error == ""
    return {
        name: value.strip()
        for name, _, value in (line.partition(":") for line in outcome.output.splitlines())
    }


def test_another_user(run, rootfs):
    seen = status(run(inside(rootfs, after=plans.user(1000, 1001, (5, 6)), argv=STATUS)))
    assert seen["Uid"].split() == ["1000"] * 4
    assert seen["Gid"].split() == ["1001"] * 4
    assert seen["Groups"].split() == ["5", "6"]
    assert int(seen["CapEff"], 16) == 0, "a user that is not root has none after exec, but the ambient"
    assert int(seen["CapBnd"], 16) == plans.CAPS


def test_ambient_capabilities_of_another_user(run, rootfs):
    caps = 1 << 10
    plan = inside(
        rootfs,
        after=[s.KeepBounding(caps), s.SetUser(1000, 1000, 1, ()), s.SetCapabilities(caps, caps, caps, caps)],
        argv=STATUS,
    )
    seen = status(run(plan))
    assert [int(seen[f"Cap{kind}"], 16) for kind in ("Inh", "Prm", "Eff", "Bnd", "Amb")] == [caps] * 5


def test_capabilities_that_are_not_held_are_left_out_and_noted(run, rootfs):
    plan = inside(
        rootfs,
        after=[s.KeepBounding(ALL_CAPS), s.SetUser(0, 0, 1, ()), s.SetCapabilities(ALL_CAPS, ALL_CAPS, 0, 0)],
        argv=STATUS,
    )
    outcome = run(plan)
    assert int(status(outcome)["CapPrm"], 16) == held_caps()
    assert outcome.ledger.notes == 1
    assert outcome.ledger.note.startswith("capabilities not held")


def test_ambient_needs_inheritable(run, rootfs):
    ledger = run(inside(rootfs, s.SetCapabilities(1, 1, 0, 1))).ledger
    assert ledger.error == "ambient capability 0 (must be permitted and inheritable)"
    assert ledger.error_errno == errno.EPERM


def test_umask_limits_and_personality(run, rootfs):
    plan = inside(
        rootfs,
        s.SetUmask(0o027),
        s.SetRlimit(7, 100, 200, "RLIMIT_NOFILE"),
        s.SetPersonality(0x0040000),  # ADDR_NO_RANDOMIZE
        argv=("sh", "-c", "umask; ulimit -n; ulimit -Hn; cat /proc/self/personality"),
    )
    assert run(plan).output.split() == ["0027", "100", "200", "00040000"]


def test_a_limit_above_the_hard_one(run, rootfs):
    ledger = run(inside(rootfs, s.SetRlimit(7, 1 << 40, 1 << 40, "RLIMIT_NOFILE"))).ledger
    assert ledger.error.startswith("RLIMIT_NOFILE soft 1099511627776")
    assert ledger.error_errno == errno.EPERM


def test_sysctls_and_names(run, rootfs):
    plan = inside(
        rootfs,
        s.OpenProc(),
        s.SetSysctl("kernel/shmmni", "1234"),
        s.SetDomainname("example.org"),
        s.SetHostname("box"),
        argv=("sh", "-c", "hostname; cat /proc/sys/kernel/shmmni /proc/sys/kernel/domainname"),
    )
    plan[0] = plans.clone()
    assert run(plan).output.split() == ["box", "1234", "example.org"]


@pytest.mark.parametrize(
    ("key", "value", "words", "code"),
    [
        ("kernel/none", "1", "sys/kernel/none", errno.ENOENT),
        ("kernel/shmmni", "many", "sys/kernel/shmmni = many", errno.EINVAL),
    ],
)
def test_bad_sysctls(run, rootfs, key, value, words, code):
    plan = inside(rootfs, s.OpenProc(), s.SetSysctl(key, value))
    plan[0] = plans.clone()
    ledger = run(plan).ledger
    assert (ledger.error, ledger.error_errno) == (words, code)


def test_links(run, rootfs):
    plan = inside(rootfs, s.LinkUp("nolink0"))
    plan[0] = plans.clone()
    ledger = run(plan).ledger
    assert (ledger.error, ledger.error_errno) == ("nolink0", errno.ENODEV)


SETHOSTNAME = {"x86_64": 170, "aarch64": 161}[os.uname().machine]
CLOSE_RANGE = 436


def seccomp(number: int, code: int) -> bytes:
    """That system call gives that errno, the rest is allowed."""
    program = [(0x20, 0, 0, 0), (0x15, 0, 1, number), (0x6, 0, 0, 0x50000 | code), (0x6, 0, 0, 0x7FFF0000)]
    return b"".join(struct.pack("<HBBI", *each) for each in program)


def test_a_filter(run, rootfs):
    load = [s.SetNoNewPrivs(), s.LoadSeccomp(seccomp(SETHOSTNAME, errno.EBADSLT), 0)]
    assert (
        run(inside(rootfs, after=load, argv=("hostname", "x"))).output
        == "hostname: sethostname: Invalid slot\n"
    )


@pytest.mark.parametrize("code", [errno.ENOSYS, errno.EPERM])
def test_descriptors_close_where_close_range_is_forbidden(run, rootfs, code):
    leaked = os.open("/", os.O_RDONLY)
    load = [
        s.SetRlimit(7, 300, 300, "RLIMIT_NOFILE"),
        s.SetNoNewPrivs(),
        s.LoadSeccomp(seccomp(CLOSE_RANGE, code), 0),
    ]
    outcome = run(inside(rootfs, after=load, argv=("ls", "/proc/self/fd")), preserved=(leaked,))
    os.close(leaked)
    assert outcome.output.split() == ["0", "1", "2", "3"], "the last is the directory that ls reads"
    assert outcome.ledger.error == ""


def test_a_filter_that_is_none(run, rootfs):
    ledger = run(inside(rootfs, s.LoadSeccomp(b"\xff" * 8, 0))).ledger
    assert (ledger.error, ledger.error_errno) == ("the seccomp program", errno.EINVAL)


def test_working_directories(run, rootfs):
    (rootfs / "to").symlink_to("/tmp/x/y")
    assert run(inside(rootfs, after=[s.Chdir("/to", 1)], argv=("pwd",))).output == "/tmp/x/y\n"
    ledger = run(inside(rootfs, s.Chdir("/none", 0))).ledger
    assert (ledger.error, ledger.error_errno) == ("/none", errno.ENOENT)
    ledger = run(inside(rootfs, s.Chdir("/etc/passwd", 0))).ledger
    assert (ledger.error, ledger.error_errno) == ("/etc/passwd", errno.ENOTDIR)


@pytest.mark.parametrize(
    ("name", "words", "code"),
    [
        ("nothing", 'exec: "nothing": executable file not found in $PATH', errno.ENOENT),
        ("", 'exec: "": executable file not found in $PATH', errno.ENOENT),
        ("/no/thing", 'exec: "/no/thing": no such file or directory', errno.ENOENT),
        ("/etc/passwd", 'exec: "/etc/passwd": permission denied', errno.EACCES),
        ("/etc", 'exec: "/etc": is a directory', errno.EISDIR),
        ("passwd", 'exec: "passwd": executable file not found in $PATH', errno.ENOENT),
    ],
)
def test_executables_that_are_not(run, rootfs, name, words, code):
    outcome = run(inside(rootfs, after=[s.FindExecutable(name, "/none:/etc:/bin")]))
    assert (outcome.ledger.error, outcome.ledger.error_errno) == (words, code)
    assert outcome.messages == [b"e"]


def test_an_empty_path_entry_is_the_working_directory(run, rootfs):
    plan = inside(rootfs, s.Chdir("/bin", 0))
    plan[-4:] = [
        s.Chdir("/bin", 0),
        s.FindExecutable("echo", "/etc:"),
        s.Ready(),
        s.Exec(("echo", "here"), ()),
    ]
    assert run(plan).output == "here\n"


@pytest.mark.parametrize(
    ("content", "status", "words"),
    [
        (b"\x7fELF-but-no-more", 126, "exec /bin/odd: exec format error"),
        (b"#!/no/interpreter\n", 127, "exec /bin/odd: no such file or directory"),
    ],
)
@pytest.mark.parametrize("listening", [True, False])
def test_exec_that_fails_after_start(rung_init, rootfs, content, status, words, listening):
    (rootfs / "bin/odd").write_bytes(content)
    (rootfs / "bin/odd").chmod(0o755)
    plan = inside(rootfs, argv=("odd",))
    plan[-2] = s.WaitStart()
    out = os.memfd_create("out")
    running = driver.start(str(rung_init), plan, gate=True, stdio=(out, out, out))
    assert running.receive() == b"r"
    if not listening:
        running.control.close()
    running.release()
    if listening:
        assert running.receive() == b"e"
    assert running.reap() == status
    assert (running.ledger.error, running.ledger.state) == (words, wire.FAILED)
    said = os.pread(out, 1000, 0).decode()
    os.close(out)
    assert said == ("" if listening else words + "\n")


def test_home_is_only_added_where_it_lacks(run, rootfs):
    plan = inside(rootfs, s.SetHome(1000))
    argv = ("sh", "-c", "echo $HOME")
    plan[-1] = s.Exec(argv, ("HOME=/given",))
    plan[-4] = s.FindExecutable("sh", plans.PATH)
    assert run(plan).output == "/given\n"
    plan[-1] = s.Exec(argv, ())
    assert run(plan).output == "/home/user\n"


def test_a_keyring_of_its_own(run, rootfs):
    plan = inside(rootfs, s.NewKeyring("_ses.test"), argv=("cat", "/proc/keys"))
    assert "_ses.test" in run(plan).output


# --- user namespaces ------------------------------------------------------------------


@pytest.fixture
def open_rootfs(rootfs) -> Iterator[Path]:
    """Reachable by ids that are not root's: pytest's directories are not."""
    with tempfile.TemporaryDirectory(prefix="rung-init-") as directory:
        os.chmod(directory, 0o755)
        yield Path(shutil.copytree(rootfs, Path(directory) / "rootfs", symlinks=True))


def in_user_namespace(
    rootfs: Path, *middle: s.Step, uid_map: bytes, gid_map: bytes, deny: int = 0
) -> list[s.Step]:
    flags = plans.CLONE_NEWUSER | plans.ALL
    return [
        plans.clone(flags, uid_map, gid_map, deny),
        *plans.root(rootfs),
        plans.fs("/proc", "proc"),
        *middle,
        s.PivotRoot(0, 0),
        s.MaskPath("/proc/scsi"),
        s.ReadonlyPath("/proc/sys"),
        s.Chdir("/", 0),
        *plans.execute(
            "sh",
            "-c",
            "cat /proc/self/uid_map /proc/self/gid_map /proc/self/setgroups; id -u; id -G; ls /dev",
        ),
    ]


def test_a_user_namespace_with_ranges(run, open_rootfs):
    for path in (open_rootfs, open_rootfs / "dev"):
        os.chown(path, 100000, 100000)
    maps = b"0 100000 1000\n2000 200000 10\n"
    node = s.MakeNode("/dev/null", 0o20666, 1, 3, 0, 0, "/dev/null")
    outcome = run(in_user_namespace(open_rootfs, node, uid_map=maps, gid_map=b"0 100000 1000\n"))
    assert outcome.ledger.error == ""
    words = outcome.output.split()
    assert words[:6] == ["0", "100000", "1000", "2000", "200000", "10"]
    assert words[6:] == ["0", "100000", "1000", "allow", "0", "0", "null"]


def test_a_user_namespace_without_id_0(run, open_rootfs):
    """Ids 0 are not mapped: nothing can be made, which is an error that names the object."""
    ledger = run(in_user_namespace(open_rootfs, uid_map=b"5 100000 10\n", gid_map=b"5 100000 10\n")).ledger
    assert ledger.note == "id 0 is not mapped: the container is set up without it"


def test_bad_maps(run, open_rootfs):
    outcome = run(in_user_namespace(open_rootfs, uid_map=b"nonsense\n", gid_map=b""))
    assert (outcome.ledger.error, outcome.ledger.error_errno) == ("uid_map", errno.EINVAL)
    assert outcome.messages == [b"e"]


def test_a_user_without_privilege(rung_init, open_rootfs):
    """Its one id mapped to 0, setgroups denied, everything new: rootless at its barest."""
    program = open_rootfs.parent / "rung-init"
    program.write_bytes(Path(rung_init).read_bytes())
    program.chmod(0o755)
    for path in (open_rootfs, *open_rootfs.rglob("*")):
        os.chown(path, 4321, 4321, follow_symlinks=False)
    prefix = ("/usr/bin/setpriv", "--reuid=4321", "--regid=4321", "--clear-groups")
    node = s.MakeNode("/dev/null", 0o20666, 1, 3, 0, 0, "/dev/null")
    maps = b"0 4321 1\n"
    plan = in_user_namespace(open_rootfs, node, uid_map=maps, gid_map=maps, deny=1)
    outcome = driver.run(str(program), [s.SetOomScoreAdj(567), *plan], prefix=prefix)
    assert outcome.ledger.error == ""
    assert outcome.output.split() == ["0", "4321", "1", "0", "4321", "1", "deny", "0", "0", "null"]
    assert outcome.ledger.notes == 0, outcome.ledger.note


@pytest.mark.parametrize("helped", [True, False])
def test_a_bind_source_that_the_mapped_root_may_not_enter(run, open_rootfs, tmp_path, helped):
    closed = tmp_path / "closed"
    (closed / "source").mkdir(parents=True)
    (closed / "source/file").write_text("")
    closed.chmod(0o700)
    os.chown(open_rootfs, 100000, 100000)
    maps = b"0 100000 1000\n"
    bind = plans.bind("/data", closed / "source")
    plan = [
        *([s.StartBroker()] if helped else []),
        *in_user_namespace(open_rootfs, bind, uid_map=maps, gid_map=maps),
    ]
    plan[-4:] = plans.execute("ls", "/data")
    outcome = run(plan)
    found = (outcome.ledger.error_errno, outcome.output)
    assert found == ((0, "file\n") if helped else (errno.EACCES, "")), outcome.ledger.error


# --- joining, and time ------------------------------------------------------------------


def test_entering_a_running_container(rung_init, run, rootfs):
    """exec: a pidfd of the container, all its namespaces at once, a second process in it."""
    running = driver.start(str(rung_init), plans.default(rootfs, "/bin/true", gate=True), gate=True)
    while running.receive() != b"r":
        running.control.send(b"g")
    handle = os.pidfd_open(running.ledger.pid)
    plan = [
        s.SetNamespace(s.SLOT_CONTAINER, plans.ALL),
        s.Clone(0, b"", b"", 0, s.SLOT_NONE),
        s.NewSession(),
        s.KeepFds(3),
        s.PivotRoot(3, 0),
        s.Chdir("/etc", 0),
        *plans.user(),
        *plans.execute("sh", "-c", "hostname; pwd; cat passwd | head -1; readlink /proc/1/exe; echo $$"),
    ]
    outcome = run(plan, slots={s.SLOT_CONTAINER: handle})
    os.close(handle)
    running.release()
    assert running.reap() == 0
    words = outcome.output.split()
    assert words[:3] == ["runc", "/etc", "root:x:0:0:root:/root:/bin/sh"]
    assert words[-1] == "2"
    assert len(words) == 4, "the waiting init shows its executable to nobody"


def test_a_namespace_by_path(run, rootfs):
    plan = inside(rootfs, argv=("readlink", "/proc/self/ns/uts"))
    plan[:0] = [s.OpenFile(20, "/proc/self/ns/uts", os.O_RDONLY), s.SetNamespace(20, plans.CLONE_NEWUTS)]
    assert run(plan).output.strip() == os.readlink("/proc/self/ns/uts")


def test_a_file_that_is_no_namespace(run):
    ledger = run([s.OpenFile(20, "/etc/hostname", os.O_RDONLY), s.SetNamespace(20, 0)]).ledger
    assert (ledger.error, ledger.error_errno) == ("slot 20", errno.EINVAL)


def test_a_clock_of_its_own(run, rootfs):
    plan = inside(rootfs, argv=("cat", "/proc/uptime"))
    plan[:0] = [
        s.Unshare(plans.CLONE_NEWTIME),
        s.WriteFile("/proc/self/timens_offsets", b"monotonic 1000000 0\nboottime 1000000 0\n"),
    ]
    outcome = run(plan)
    assert outcome.ledger.error == ""
    assert float(outcome.output.split()[0]) > 1000000
    assert max(call.began_ns for call in outcome.ledger.calls) < 60e9, "the ledger's clock does not jump"
    assert list(outcome.ledger.began_ns) == sorted(outcome.ledger.began_ns)


def test_oom_score_and_cgroup(run, rootfs):
    plan = inside(rootfs, argv=("cat", "/proc/self/oom_score_adj"))
    plan.insert(0, s.SetOomScoreAdj(567))
    assert run(plan).output == "567\n"
    ledger = run([s.JoinCgroup("/no/such/group/tasks")]).ledger
    assert (ledger.error, ledger.error_errno) == ("/no/such/group/tasks", errno.ENOENT)


def test_an_oom_score_that_may_not_be_lowered(run, rootfs):
    plan = inside(rootfs, argv=("cat", "/proc/self/oom_score_adj"))
    plan.insert(0, s.SetOomScoreAdj(-999))
    outcome = run(plan)
    assert outcome.output == "-999\n" or outcome.ledger.error.endswith("-999: lower than the caller may set")
