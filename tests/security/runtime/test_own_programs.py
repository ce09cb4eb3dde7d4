"""CVE-2019-5736: the programs of ours that a container can see are none that it could write to.

A container with every capability and the host's view of processes finds whoever enters it. What is
seen of it there is rung-init, executed from a sealed copy in memory; the launcher and the
interpreter never enter. Tests of the copy itself are in test_escapes.py.

Without the seals (spawn.py) the program that was held was overwritten when it had ended; with the file itself
executed in the copy's place its path on the host was what was to be seen inside, at create and at exec.
"""

from __future__ import annotations

import errno
import os
import subprocess
from pathlib import Path

import pytest

import native
from faults import tracer
from rung.runtime import ExecOptions, Stdio
from rung.runtime.spawn import init_path

ALL = [f"CAP_{name}" for name in "SYS_ADMIN SYS_PTRACE DAC_OVERRIDE DAC_READ_SEARCH KILL SETUID SETGID".split()]
EDITS = {"process.capabilities": dict.fromkeys(("bounding", "effective", "permitted"), ALL)}


def our_programs(bed) -> dict[Path, bytes]:
    files = (Path(init_path()), bed.program, Path(native.real_interpreter()))
    return {file: file.read_bytes() for file in files}


def overwritten(fd: int) -> bool:
    """The attack's last step: what is held for reading is opened again for writing, and written."""
    try:
        again = os.open(f"/proc/self/fd/{fd}", os.O_WRONLY)
    except OSError as error:
        assert error.errno in (errno.ETXTBSY, errno.EPERM, errno.EACCES), error
        return False
    try:
        os.pwrite(again, b"#!/evil", 0)
    except PermissionError:
        return False
    finally:
        os.close(again)
    return True


@pytest.mark.parametrize("operation", ["create", "exec"])
def test_whoever_enters_is_a_sealed_copy_at_each_of_its_calls(bed, operation):
    """The watcher does what an attacker with CAP_SYS_PTRACE can: it opens /proc/PID/exe at every moment."""
    before = our_programs(bed)
    host = os.readlink("/proc/self/ns/mnt")
    bundle, name = str(bed.bundle(["sleep", "1000"], EDITS)), bed.new_id()
    null = os.open("/dev/null", os.O_RDWR)
    stdio = Stdio(null, null, null)
    seen, seeing = os.pipe()

    def watch(pid: int) -> None:
        inside = os.readlink(f"/proc/{pid}/ns/mnt") != host
        program = os.readlink(f"/proc/{pid}/exe")
        if inside and program != "/bin/busybox":
            assert program.startswith("/memfd:rung-init"), f"{program} is inside"
            os.write(seeing, b"i")
        if "rung-init" in program:
            fd = os.open(f"/proc/{pid}/exe", os.O_RDONLY)
            assert not overwritten(fd), "while it is executed"
            os.close(fd)

    def create() -> None:
        bed.runtime.create(name, bundle, stdio=stdio)

    def enter() -> None:
        container = bed.runtime.get(name)
        started = container.exec({**container.config["process"], "args": ["true"]}, ExecOptions(stdio=stdio))
        started.wait()

    try:
        if operation == "exec":
            create()
        fate = tracer.run(create if operation == "create" else enter, watch=watch)
        assert (fate.failed, fate.said) == (False, "")
        assert b"i" in os.read(seen, 1 << 16), "it was seen inside"
    finally:
        clean = os.posix_spawn(bed.program, bed.command("delete", "--force", name), os.environ)
        while os.waitpid(-1, 0)[0] != clean:  # what ran inside is an orphan of ours
            pass
        for fd in (null, seen, seeing):
            os.close(fd)
    assert our_programs(bed) == before


def test_what_was_held_while_it_waited_cannot_be_written_when_it_has_ended(bed):
    """The original attack: held while it runs, opened for writing when nobody executes it any more."""
    before = our_programs(bed)
    with bed.created(["true"], EDITS) as waiting:
        held = os.open(f"/proc/{waiting.pid}/exe", os.O_RDONLY)
    try:
        assert os.readlink(f"/proc/self/fd/{held}").startswith("/memfd:rung-init")
        assert not overwritten(held)
    finally:
        os.close(held)
    assert our_programs(bed) == before


def test_the_program_is_not_asked_for_from_inside(bed):
    """Executing /proc/self/exe, by exec and as an interpreter's name, runs nothing of ours on the host."""
    before = our_programs(bed)
    root = bed.own_rootfs()
    (root / "bin/evil").write_text("#!/proc/self/exe\n")
    (root / "bin/evil").chmod(0o755)
    with bed.running({"root.path": str(root), **EDITS}) as container:
        for args in (["/proc/self/exe"], ["/proc/thread-self/exe"], ["/bin/evil"], [f"/proc/{container.pid}/exe", "true"]):
            outcome = bed.call("exec", container.id, *args)
            assert outcome.status != 0, (args, outcome)
    assert our_programs(bed) == before


# --- CVE-2016-9962: the moment before exec, as root in the container sees it -------------------------------

DEFAULT = 1 << 5 | 1 << 10 | 1 << 29  # kill, net_bind_service, audit_write


def looked_into(pid: int) -> bool:
    """Whether root with a default container's capabilities gets hold of what a process has open."""
    drop = "--bounding-set=-all,+kill,+net_bind_service,+audit_write"
    words = ["setpriv", "--inh-caps=-all", drop, "readlink", f"/proc/{pid}/exe"]
    return subprocess.run(words, capture_output=True, check=False).returncode == 0


@pytest.mark.parametrize("operation", ["create", "exec"])
def test_cve_2016_9962_nor_by_root_of_the_same_capabilities(bed, operation):
    """After its last capability has gone, rung-init is no more than any process in there: what keeps the others
    out is that it is not dumpable.

    Without that (PR_SET_DUMPABLE taken out everywhere) its program was to be had."""
    bundle, name = str(bed.bundle(["sleep", "1000"])), bed.new_id()
    null = os.open("/dev/null", os.O_RDWR)
    stdio = Stdio(null, null, null)
    seen, seeing = os.pipe()

    def watch(pid: int) -> None:
        status = Path(f"/proc/{pid}/status").read_text()
        effective = int(status.split("CapEff:")[1].split()[0], 16)
        if Path(f"/proc/{pid}/comm").read_text() == "rung-init\n" and effective == DEFAULT:
            os.write(seeing, b"!")
            assert not looked_into(pid)

    def create() -> None:
        bed.runtime.create(name, bundle, stdio=stdio)

    def enter() -> None:
        container = bed.runtime.get(name)
        container.exec({**container.config["process"], "args": ["true"]}, ExecOptions(stdio=stdio)).wait()

    try:
        if operation == "exec":
            create()
        fate = tracer.run(create if operation == "create" else enter, watch=watch)
        assert (fate.failed, fate.said) == (False, "")
        assert len(os.read(seen, 1 << 16)) > 3, "it was seen at several of its last calls"
    finally:
        clean = os.posix_spawn(bed.program, bed.command("delete", "--force", name), os.environ)
        while os.waitpid(-1, 0)[0] != clean:
            pass
        for fd in (null, seen, seeing):
            os.close(fd)


def test_the_one_who_looks_can_see_what_is_dumpable(bed):
    """Else the test above would show nothing."""
    with bed.running({"linux.namespaces": [{"type": "mount"}], "hostname": None, "linux.sysctl": None}) as container:
        assert looked_into(container.pid)
