"""What a container's state does not allow, ids that are none, bundles that vanish."""

from __future__ import annotations

import shutil
import subprocess

import pytest

from kernel.runtime.bed import one_sentence, until
from rung.runtime import ContainerExists, ContainerNotFound, StateError, StepError

LONG = "x" * 256


@pytest.mark.parametrize("container_id", ["", ".", "..", "a/b", "/", "../up", "a b", "a\nb", "ä", ".a", LONG, "-" * 300])
def test_an_illegal_id(bed, container_id):
    bundle = bed.bundle()
    outcome = bed.call("create", "-b", bundle, "--", container_id)
    one_sentence(outcome, "container ID", "invalid")
    for command in ("start", "state", "delete", "kill", "pause"):
        one_sentence(bed.call(command, "--", container_id), "container ID", "invalid")
    assert not list(bed.state.iterdir())


def test_the_longest_id(bed):
    """As long as a file name may be; but a cgroup and a directory must bear it."""
    from rung.runtime.state import check_id

    longest = bed.mark + "x" * (255 - len(bed.mark))
    assert check_id(longest) == longest
    assert bed.call("run", "-b", bed.bundle(), longest).status == 0


def test_an_unknown_id(bed):
    for command in ("start", "state", "delete", "kill", "pause", "resume", "ps", "events"):
        one_sentence(bed.call(command, "unknown"), '"unknown"', "does not exist")
    one_sentence(bed.call("exec", "unknown", "true"), '"unknown"', status=255)
    assert bed.call("delete", "--force", "unknown").status == 0


def test_an_id_that_is_taken(bed):
    with bed.created(["true"]) as container:
        one_sentence(bed.call("create", "-b", bed.bundle(), container.id), container.id, "exists already")
        with pytest.raises(ContainerExists):
            bed.runtime.create(container.id, str(bed.bundle()))
        assert container.status == "created", "the one that was there is untouched"


def test_a_second_start(bed):
    with bed.running() as container:
        one_sentence(bed.call("start", container.id), container.id, "running")
        with pytest.raises(StateError):
            container.start()
        assert container.status == "running"


def test_a_start_of_a_stopped_one(bed):
    with bed.created(["true"]) as container:
        container.start()
        container.wait()
        one_sentence(bed.call("start", container.id), container.id, "stopped")


def test_a_start_of_a_created_one_whose_init_is_gone(bed):
    with bed.created(["true"]) as container:
        container.kill(9)
        container.wait()
        one_sentence(bed.call("start", container.id), container.id, "stopped")


def test_a_delete_of_a_running_one(bed):
    with bed.running() as container:
        one_sentence(bed.call("delete", container.id), container.id, "running")
        assert container.status == "running"


def test_what_a_stopped_one_refuses(bed):
    with bed.created(["true"]) as container:
        container.start()
        container.wait()
        for command in ("kill", "pause", "resume", "events"):
            one_sentence(bed.call(command, container.id), container.id)
        one_sentence(bed.call("exec", container.id, "true"), container.id, "stopped", status=255)
        one_sentence(bed.call("update", "--pids-limit", 9, container.id), container.id)
        assert container.status == "stopped"


def test_what_a_paused_one_refuses(bed):
    with bed.running() as container:
        container.pause()
        one_sentence(bed.call("pause", container.id), "paused")
        one_sentence(bed.call("exec", container.id, "true"), "paused", status=255)
        one_sentence(bed.call("delete", container.id), "paused")
        container.resume()
        one_sentence(bed.call("resume", container.id), "running")


def test_a_paused_one_is_deleted_by_force(bed):
    with bed.running() as container:
        container.pause()
        assert bed.call("delete", "--force", container.id).status == 0
        with pytest.raises(ContainerNotFound):
            bed.runtime.get(container.id)
        until(lambda: not bed.left(), "the cgroups are gone")


def test_a_bundle_that_vanishes_after_create(bed):
    """What create read counts, not what the bundle holds later."""
    bundle = bed.bundle(["true"])
    container = bed.runtime.create(bed.new_id(), str(bundle))
    shutil.rmtree(bundle)
    assert container.state()["bundle"] == str(bundle)
    container.start()
    assert container.wait() == 0
    container.delete()


def test_a_rootfs_that_vanishes_after_create(bed):
    root = bed.own_rootfs()
    container = bed.runtime.create(bed.new_id(), str(bed.bundle(["true"], {"root.path": str(root)})))
    shutil.rmtree(root)
    with pytest.raises(StepError, match="/bin/true: no such file"):
        container.start()
    container.wait()
    assert container.status == "stopped"
    container.delete()


def test_the_state_directory_is_no_directory(bed):
    (bed.folder / "file").write_text("")
    root = bed.folder / "file" / "below"
    outcome = bed.call("--root", root, "create", "-b", bed.bundle(), bed.new_id())
    one_sentence(outcome, str(bed.folder / "file"))


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b"\0\0", b'{"id": 1}'], ids=repr)
def test_a_state_that_is_spoilt(bed, content):
    """Each command says so; delete --force finds what there is to clean."""
    with bed.running() as container:
        (bed.state / container.id / "state.json").write_bytes(content)
        for command in ("state", "start", "delete", "pause"):
            one_sentence(bed.call(command, container.id), container.id, "state.json is spoilt", "delete --force")
        assert bed.call("delete", "--force", container.id).status == 0
        until(lambda: not bed.left(), "the cgroups are gone")


@pytest.mark.parametrize("content", [b"", b"{", b'"hooks"{'], ids=repr)
def test_a_configuration_that_is_spoilt(bed, content):
    with bed.running() as container:
        (bed.state / container.id / "config.json").write_bytes(content)
        one_sentence(bed.call("exec", container.id, "true"), "config.json is spoilt", status=255)
        assert bed.call("delete", "--force", container.id).status == 0


def test_a_state_file_system_that_is_full(bed):
    """At whatever write it happens: a sentence, and all of it is taken back."""
    root = bed.folder / "small"
    root.mkdir()
    for pages in (1, 2, 3, 4, 8):
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={4 * pages}k", "tmpfs", root], check=True)
        try:
            outcome = bed.call("--root", root, "run", "-b", bed.bundle(), bed.new_id())
            if outcome.status:
                one_sentence(outcome, str(root) if "No space" in outcome.error else "rung-init was killed")
            assert not list(root.iterdir())
            assert pages > 1 or outcome.status
        finally:
            subprocess.run(["umount", root], check=True)
