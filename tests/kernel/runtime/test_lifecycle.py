"""create, start, exec, pause, delete on the real kernel, by the library and by the program."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest

from kernel.runtime.bed import one_sentence, reap, wait
from rung.runtime import StepError


def hook(*argv: str) -> dict[str, object]:
    return {"path": argv[0], "args": list(argv)}


def test_a_whole_life(bed):
    outcome = bed.run("echo hello; exit 3")
    assert (outcome.status, outcome.output) == (3, "hello\n")


def test_a_whole_life_by_the_program(bed):
    outcome = bed.call("run", "--bundle", bed.bundle(["sh", "-c", "echo hi; exit 4"]), bed.new_id())
    assert (outcome.status, outcome.output, outcome.error) == (4, "hi\n", "")


def test_killed_by_a_signal(bed):
    assert bed.run("kill -9 $$", {"linux.namespaces": [{"type": "mount"}], "hostname": None}).status == 128 + 9


def test_no_cgroups_where_the_manager_is_disabled(bed):
    """Podman's ``--cgroups=disabled`` through crun: the container stays in its caller's."""
    own = Path("/proc/self/cgroup").read_text()
    edits = {"linux.namespaces": [{"type": "mount"}], "hostname": None}
    disabled = ("--cgroup-manager", "disabled", "run", "--bundle")
    outcome = bed.call(*disabled, bed.bundle(["cat", "/proc/self/cgroup"], edits), bed.new_id())
    assert (outcome.status, outcome.output) == (0, own), outcome.error
    limited = bed.bundle(["true"], {"linux.resources": {"memory": {"limit": 1 << 30}}})
    one_sentence(bed.call(*disabled, limited, bed.new_id()), "linux.resources.memory", "without cgroups")
    assert bed.left() == []


@pytest.mark.parametrize(
    ("resources", "says"),
    [
        ({"memory": {"limit": "1"}}, 'memory.limit: "1" is not an integer'),
        ({"hugepageLimits": [{"limit": 1}]}, "hugepageLimits[0].pageSize: missing"),
        ({"unified": {"../cgroup.procs": "1"}}, "unified"),
    ],
)
def test_an_update_that_is_no_resources(bed, resources, says):
    file = bed.folder / "resources.json"
    file.write_text(json.dumps(resources))
    with bed.running() as container:
        one_sentence(bed.call("update", "--resources", file, container.id), "resources.json", says)


def test_the_states_of_a_life(bed):
    with bed.created(["sleep", "1000"]) as container:
        assert container.status == "created"
        container.start()
        assert container.status == "running"
        container.pause()
        assert container.status == "paused"
        container.resume()
        container.kill(9)
        assert wait(container) == 128 + 9
        assert container.status == "stopped"
        assert container.state()["pid"] == 0


def test_what_a_created_one_holds_open_while_it_waits(bed):
    """Only the gate and the sockets of its own: no cgroup, no mount and none of our files."""
    with bed.created(["true"]) as container:
        folder = f"/proc/{container.pid}/fd"
        held = {fd: os.readlink(f"{folder}/{fd}") for fd in os.listdir(folder) if int(fd) > 2}
        gate = os.path.join(bed.state, container.id, "exec.fifo")
        assert gate in held.values()
        assert [at for at in held.values() if at != gate and not at.startswith("socket:")] == []


def test_a_created_one_that_is_paused_cannot_be_started(bed):
    with bed.created(["true"]) as container:
        container.pause()
        one_sentence(bed.call("start", container.id), container.id, "paused")
        container.resume()
        container.start()
        assert wait(container) == 0


def test_start_waits_for_start_container_hooks_and_tells_of_their_failure(bed):
    failing = {"hooks.startContainer": [hook("/bin/sh", "-c", "echo why; exit 3")]}
    with bed.created(["true"], failing) as container:
        with pytest.raises(StepError, match=r"startContainer hook #0: /bin/sh: exit status 3: why"):
            container.start()
        reap(container.pid)
        assert container.status == "stopped"


def test_start_tells_of_a_workload_that_cannot_be_executed(bed):
    root = bed.own_rootfs()
    script = root / "bin/script"
    script.write_text("#!/no/such/interpreter\n")
    script.chmod(0o755)
    bundle = bed.bundle(["script"], {"root.path": str(root)})
    name = bed.new_id()
    assert bed.call("create", "-b", bundle, name).status == 0
    one_sentence(bed.call("start", name), "exec /bin/script", "no such file")
    assert bed.call("delete", name).status == 0


def test_execs_side_by_side(bed):
    """One process's threads enter one container at once: each gets its own program."""
    with bed.running() as container:
        outputs: dict[int, str] = {}

        def go(number: int) -> None:
            outputs[number] = bed.exec(container, f"echo {number}; exit {number}").output

        threads = [threading.Thread(target=go, args=(number,)) for number in range(16)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert outputs == {number: f"{number}\n" for number in range(16)}


def test_a_signal_disposition_of_the_caller_is_not_the_containers(bed):
    """SIGCHLD ignored by the caller: the program still learns how the container ended."""
    bundle = bed.bundle(["sh", "-c", "exit 5"])
    words = ["env", "--ignore-signal=CHLD,PIPE,HUP", *bed.command("run", "-b", bundle, bed.new_id())]
    pid = os.posix_spawnp("env", words, os.environ)
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 5


@pytest.mark.parametrize("signal", [1, 2, 15])
def test_a_created_one_can_be_ended_politely(bed, signal):
    """As the first process of a pid namespace it would not hear these by default."""
    with bed.created(["sleep", "1000"]) as container:
        container.kill(signal)
        assert wait(container) == 128 + signal
        assert container.status == "stopped"


def test_what_an_init_said_on_a_terminal_that_nobody_came_to_see(bed):
    """The program is there when it is created, and cannot be executed when it starts."""
    root = bed.own_rootfs()
    (root / "run.sh").write_text("#!/no/such/shell\n")
    (root / "run.sh").chmod(0o755)
    bundle = bed.bundle(["/run.sh"], {"root.path": str(root), "process.terminal": True})
    outcome = bed.call("run", "-b", bundle, bed.new_id())
    assert outcome.status == 1
    assert outcome.output == "exec /run.sh: no such file or directory\n"
    assert outcome.error == "", "said once"
    log = bed.folder / "log"
    assert bed.call("--log", log, "run", "-b", bundle, bed.new_id()).status == 1
    assert 'level=error msg="exec /run.sh: no such file or directory"' in log.read_text()


def test_one_that_somebody_has_frozen_elsewhere_can_be_deleted(bed):
    freezer = Path("/sys/fs/cgroup/freezer")
    if not freezer.is_dir():
        pytest.skip("no v1 freezer here: what v2 has frozen can be killed")
    elsewhere = freezer / f"{bed.mark}-elsewhere"
    elsewhere.mkdir()
    try:
        with bed.running() as container:
            (elsewhere / "cgroup.procs").write_text(str(container.pid))
            (elsewhere / "freezer.state").write_text("FROZEN")
            container.delete(force=True)
    finally:
        (elsewhere / "freezer.state").write_text("THAWED")
        elsewhere.rmdir()


def test_many_by_a_regular_expression(bed):
    with bed.running() as one, bed.running() as other, bed.created(["true"]) as third:
        ids = f"^({one.id}|{other.id})$"
        assert bed.call("kill", "--regex", ids, "KILL").status == 0
        assert (wait(one), wait(other)) == (128 + 9, 128 + 9)
        assert bed.call("delete", "--regex", ids).status == 0
        assert bed.runtime.ids() == [third.id]
        one_sentence(bed.call("delete", "--force", "--regex", "("), '"("', "no regular expression")
        assert bed.call("delete", "--regex", "^nothing like this$").status == 0
