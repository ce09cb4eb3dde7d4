"""A process that counts is saved and goes on counting where it was."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from kernel.checkpoint.counter import COUNT, Saved, inode, ok
from kernel.runtime.bed import until
from rung.runtime import CheckpointOptions, RestoreOptions, Stdio


def test_twice_saved_and_restored_it_counts_on(saved: Saved) -> None:
    """Twice, since the second dump meets what a restore made."""
    name, bundle = saved.started()
    for _ in range(2):
        before = saved.state(name)
        ok(saved.checkpoint(name))
        assert saved.state(name)["status"] == "none"
        assert not saved.bed.left()
        stopped_at = saved.count()
        pid_file = saved.bed.folder / "pid"
        ok(saved.restore(name, bundle, "--pid-file", pid_file))
        assert stopped_at < saved.goes_on() < stopped_at + 200
        after = saved.state(name)
        assert after["status"] == "running"
        assert int(pid_file.read_text()) == after["pid"] != before["pid"]
        assert {**after, "pid": 0, "created": ""} == {**before, "pid": 0, "created": ""}
    saved.delete(name)


def test_what_is_restored_can_do_what_any_container_can(saved: Saved) -> None:
    name, bundle = saved.started()
    ok(saved.checkpoint(name))
    ok(saved.restore(name, bundle))
    assert saved.inside(name, "echo $$; cat /proc/1/comm").split()[1] == "sh"
    ok(saved.call("pause", name))
    assert saved.state(name)["status"] == "paused"
    ok(saved.call("resume", name))
    ok(saved.call("update", "--pids-limit", "50", name))
    assert saved.bed.call("ps", name).output.count("\n") >= 2
    pid = saved.state(name)["pid"]
    ok(saved.call("kill", name, "KILL"))
    until(lambda: saved.state(name)["status"] == "stopped", "the container stopped")
    ok(saved.call("delete", name))
    assert not os.path.exists(f"/proc/{pid}/root/data")


def test_inside_everything_is_as_it_was(saved: Saved) -> None:
    """Mounts (masked and read-only ones too), devices, ids, limits, capabilities; the clocks run on."""
    look = "cut -d' ' -f5,6 /proc/1/mountinfo | sort; ls -l /dev; grep -E 'Cap|Uid|NoNew|Seccomp:|Groups' /proc/1/status; \
cat /proc/1/limits; hostname; cat /proc/kcore | wc -c; echo x 2>&1 > /proc/sys/kernel/hostname; cat /proc/1/oom_score_adj"
    name, bundle = saved.started(edits={"process.oomScoreAdj": 77})
    before = saved.inside(name, look + " || true")
    uptime = float(saved.inside(name, "cat /proc/uptime").split()[0])
    ok(saved.checkpoint(name))
    ok(saved.restore(name, bundle))
    assert saved.inside(name, look + " || true") == before
    assert float(saved.inside(name, "cat /proc/uptime").split()[0]) >= uptime
    saved.delete(name)


def test_exec_enters_the_time_namespace_that_criu_restores_into(saved: Saved) -> None:
    name, bundle = saved.started()
    ok(saved.checkpoint(name))
    ok(saved.restore(name, bundle))
    pid = saved.state(name)["pid"]
    assert inode(pid, "time") != inode(os.getpid(), "time")
    assert str(inode(pid, "time")) in saved.inside(name, "readlink /proc/self/ns/time")
    saved.delete(name)


def test_left_running_it_goes_on_and_another_can_be_made_of_the_images(saved: Saved) -> None:
    name, bundle = saved.started()
    before = saved.state(name)
    ok(saved.checkpoint(name, "--leave-running"))
    assert saved.state(name) == before
    later = saved.goes_on()
    until(lambda: saved.count() > later + 20, "it ran for a while")
    later = saved.count()
    saved.delete(name)
    other = saved.bed.new_id()
    ok(saved.restore(other, bundle))
    until(lambda: saved.count() < later, "the other began at the time of the checkpoint")
    assert saved.bed.left() and all(path.endswith(other) for path in saved.bed.left())
    saved.delete(other)


def test_a_paused_one_is_saved_and_restored_running(saved: Saved) -> None:
    name, bundle = saved.started()
    ok(saved.call("pause", name))
    at = saved.count()
    ok(saved.checkpoint(name))
    ok(saved.restore(name, bundle))
    assert saved.state(name)["status"] == "running"
    assert saved.goes_on() > at
    saved.delete(name)


def test_by_the_library_the_restored_init_is_our_child(saved: Saved) -> None:
    bed = saved.bed
    null = os.open("/dev/null", os.O_RDWR)
    try:
        bundle = bed.bundle(("sh", "-c", "trap 'exit 7' TERM; while :; do sleep 0.1; done"), saved.edits())
        container = bed.runtime.create(bed.new_id(), str(bundle), stdio=Stdio(null, null, null))
        container.start()
        first = container.pid
        container.checkpoint(CheckpointOptions(str(saved.images)))
        os.waitpid(first, 0)
        options = RestoreOptions(str(saved.images), stdio=Stdio(null, null, null))
        again = bed.runtime.restore(container.id, str(bundle), options)
        assert Path(f"/proc/{again.pid}/stat").read_text().rpartition(")")[2].split()[1] == str(os.getpid())
        again.kill(15)
        assert again.wait() == 7
        again.delete()
    finally:
        os.close(null)


def test_in_the_foreground_the_exit_status_is_the_workloads(saved: Saved) -> None:
    script = "while [ ! -e /data/end ]; do sleep 0.05; done; exit 5"
    name, bundle = saved.started(script)
    ok(saved.checkpoint(name))
    (saved.data / "end").touch()
    places = ("--image-path", saved.images, "--work-path", saved.work, "--bundle", bundle)
    assert saved.call("restore", *places, name).status == 5
    assert saved.state(name)["status"] == "none"


def test_who_stays_with_a_container_that_is_saved_sees_it_killed(saved: Saved) -> None:
    bundle = saved.bed.bundle(("sh", "-c", COUNT), saved.edits())
    name = saved.bed.new_id()
    null = subprocess.DEVNULL
    log = saved.bed.folder / "staying.log"
    words = [str(saved.bed.program), "--root", str(saved.bed.state), "--log", str(log), "run", "--bundle", str(bundle), name]
    staying = subprocess.Popen(words, stdin=null, stdout=null, stderr=null)
    try:
        saved.goes_on()
        ok(saved.checkpoint(name))
        assert staying.wait(60) == 137
    finally:
        staying.kill()
        staying.wait()
    assert log.read_text() == ""
    assert saved.state(name)["status"] == "none"


def test_the_story_of_a_restore_can_be_explained(saved: Saved) -> None:
    from rung.runtime import render, story

    name, bundle = saved.started()
    ok(saved.checkpoint(name))
    ok(saved.restore(name, bundle))
    state = saved.bed.state / name
    told = render(story((state / "plan").read_bytes(), (state / "trace").read_bytes()))
    assert "attach the root file system" in told and "start criu" in told
    saved.delete(name)


