"""What cannot be saved goes on; what cannot be restored leaves nothing."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kernel.checkpoint.counter import Saved, ok
from kernel.runtime.bed import one_sentence, until


def goes_on_untouched(saved: Saved, name: str, before: dict[str, object]) -> None:
    saved.goes_on()
    assert saved.state(name) == before
    saved.inside(name, "true")
    saved.delete(name)


def test_without_criu_both_say_so(saved: Saved) -> None:
    name, bundle = saved.started()
    before = saved.state(name)
    nowhere = {**os.environ, "PATH": str(saved.bed.folder)}
    outcome = saved.checkpoint(name, env=nowhere)
    one_sentence(outcome, "criu", "$PATH", "install")
    assert not saved.images.exists()
    goes_on_untouched(saved, name, before)
    saved.images.mkdir()
    one_sentence(saved.restore(name, bundle, env=nowhere), "criu", "$PATH")
    assert saved.state(name)["status"] == "none"


def test_an_image_directory_that_cannot_be_made(saved: Saved) -> None:
    name, _ = saved.started()
    before = saved.state(name)
    saved.images.write_text("a file")
    one_sentence(saved.checkpoint(name), "--image-path", str(saved.images))
    goes_on_untouched(saved, name, before)


def test_what_criu_cannot_dump_is_said_in_its_words_and_the_container_goes_on(saved: Saved) -> None:
    """An open file that lies outside of everything the container can see."""
    out = os.open(saved.bed.folder / "outside", os.O_WRONLY | os.O_CREAT)
    try:
        name, _ = saved.started(stdio=(out, out, out))
    finally:
        os.close(out)
    before = saved.state(name)
    outcome = saved.checkpoint(name)
    one_sentence(outcome, f'"{name}"', "Can't lookup mount", str(saved.work / "dump.log"))
    goes_on_untouched(saved, name, before)


def test_a_paused_one_that_cannot_be_dumped_stays_paused(saved: Saved) -> None:
    out = os.open(saved.bed.folder / "outside", os.O_WRONLY | os.O_CREAT)
    try:
        name, _ = saved.started(stdio=(out, out, out))
    finally:
        os.close(out)
    ok(saved.call("pause", name))
    one_sentence(saved.checkpoint(name), "Can't lookup mount")
    assert saved.state(name)["status"] == "paused"
    ok(saved.call("resume", name))
    saved.goes_on()
    saved.delete(name)


@pytest.mark.parametrize("status", ["created", "stopped"])
def test_only_what_runs_can_be_saved(saved: Saved, status: str) -> None:
    bundle = saved.bed.bundle(("true",), saved.edits())
    name = saved.bed.new_id()
    ok(saved.call("create", "--bundle", bundle, name))
    if status == "stopped":
        ok(saved.call("start", name))
        until(lambda: saved.state(name)["status"] == "stopped", "it ended")
    one_sentence(saved.checkpoint(name), f'"{name}"', f"it is {status}", "running or paused")
    assert saved.state(name)["status"] == status
    assert not saved.images.exists()
    saved.delete(name)


def test_a_container_that_is_not_there(saved: Saved) -> None:
    one_sentence(saved.checkpoint("nobody"), '"nobody"', "does not exist")


def test_an_id_that_is_taken_is_not_restored_over(saved: Saved) -> None:
    name, bundle = saved.started()
    before = saved.state(name)
    ok(saved.checkpoint(name, "--leave-running"))
    one_sentence(saved.restore(name, bundle), f'"{name}"', "exists already")
    goes_on_untouched(saved, name, before)


@pytest.mark.parametrize("what", ["nothing there", "no images", "half an image", "a spoilt list"])
def test_images_that_are_none_leave_nothing(saved: Saved, what: str) -> None:
    name, bundle = saved.started()
    ok(saved.checkpoint(name))
    assert not saved.bed.left()
    if what == "half an image":
        for image in saved.images.glob("core-*.img"):
            os.truncate(image, image.stat().st_size // 2)
    elif what == "a spoilt list":
        (saved.images / "descriptors.json").write_text('{"a": 1}')
    else:
        for image in saved.images.iterdir():
            image.unlink()
        if what == "nothing there":
            saved.images.rmdir()
    outcome = saved.restore(name, bundle)
    where = str(saved.work / "restore.log") if what == "half an image" else str(saved.images)
    one_sentence(outcome, where)
    assert saved.state(name)["status"] == "none"
    assert not (saved.bed.state / name).exists()
    assert not saved.bed.left()


def test_a_mount_that_is_no_more_fails_the_restore_whole(saved: Saved) -> None:
    """CRIU has made processes and namespaces by then, and takes them back."""
    name, bundle = saved.started()
    ok(saved.checkpoint(name))
    for path in saved.data.iterdir():
        path.unlink()
    saved.data.rmdir()
    mounted = Path("/proc/self/mountinfo").read_text()
    outcome = saved.restore(name, bundle)
    one_sentence(outcome, str(saved.data))
    assert saved.state(name)["status"] == "none"
    assert Path("/proc/self/mountinfo").read_text() == mounted
    assert not saved.bed.left()


def test_a_file_that_changed_size_fails_after_the_mounts_are_made(saved: Saved) -> None:
    script = "exec 5</data/file; while [ ! -e /data/end ]; do sleep 0.05; done"
    (saved.data / "file").write_text("long enough")
    name, bundle = saved.started(script)
    ok(saved.checkpoint(name))
    (saved.data / "file").write_text("cut")
    outcome = saved.restore(name, bundle)
    one_sentence(outcome, "size", str(saved.work / "restore.log"))
    assert saved.state(name)["status"] == "none"
    assert not saved.bed.left()


def test_a_failing_hook_fails_the_restore(saved: Saved) -> None:
    flag = saved.bed.folder / "fail"
    hook = {"path": "/bin/sh", "args": ["sh", "-c", f"test ! -e {flag}"]}
    name, bundle = saved.started(edits={"hooks": {"createRuntime": [hook]}})
    ok(saved.checkpoint(name))
    flag.touch()
    one_sentence(saved.restore(name, bundle), "createRuntime hook", "/bin/sh")
    assert saved.state(name)["status"] == "none"
    assert not saved.bed.left()
    flag.unlink()
    ok(saved.restore(name, bundle))
    saved.goes_on()
    saved.delete(name)


def test_a_runtime_that_is_killed_in_the_middle_leaves_what_delete_takes_away(saved: Saved) -> None:
    flag = saved.bed.folder / "kill"
    hook = {"path": "/bin/sh", "args": ["sh", "-c", f"test ! -e {flag} || kill -9 $PPID"]}
    name, bundle = saved.started(edits={"hooks": {"createRuntime": [hook]}})
    ok(saved.checkpoint(name))
    flag.touch()
    assert saved.restore(name, bundle).status == -9
    saved.delete(name)
    assert saved.state(name)["status"] == "none"
    until(lambda: not saved.bed.left(), "its cgroups went")


@pytest.mark.parametrize(
    ("flags", "words"),
    [
        (("--parent-path", "/absolute"), ("--parent-path", "relative")),
        (("--parent-path", "missing"), ("--parent-path", "missing")),
        (("--page-server", "nowhere"), ("--page-server", "nowhere")),
        (("--lazy-pages", "--status-fd", "77"), ("--status-fd", "77")),
        (("--manage-cgroups-mode", "gently"), ("gently",)),
        (("--empty-ns", "pid"), ("pid",)),
    ],
)
def test_flags_that_mean_nothing(saved: Saved, flags: tuple[str, ...], words: tuple[str, ...]) -> None:
    name, _ = saved.started()
    before = saved.state(name)
    one_sentence(saved.checkpoint(name, *flags), *words)
    goes_on_untouched(saved, name, before)
