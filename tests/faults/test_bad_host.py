"""What the configuration names and the host does not have, or has otherwise."""

from __future__ import annotations

import os
import socket

import pytest

from kernel.runtime.bed import one_sentence, until
from rung.errors import RungError

STAGES = ("prestart", "createRuntime", "createContainer")


def hook(*argv: str, **more: object) -> list[dict[str, object]]:
    return [{"path": argv[0], "args": list(argv), **more}]


def refuses_to_create(bed, edits, *words: str, args=("true",), options=()) -> None:
    """By the program: create and run both say it in a sentence; the bed counts what is left."""
    bundle = bed.bundle(args, edits)
    for command in ("create", "run"):
        one_sentence(bed.call(command, *options, "-b", bundle, bed.new_id()), *words)
    assert not list(bed.state.iterdir())


# --- executables --------------------------------------------------------------------


@pytest.mark.parametrize(
    ("program", "words"),
    [
        ("nothing", "executable file not found in $PATH"),
        ("/bin/nothing", "no such file or directory"),
        ("/etc/passwd", "permission denied"),
        ("/etc", "is a directory"),
        ("/dev/null", "permission denied"),
        ("/etc/passwd/x", "not a directory"),
        ("./sh", "no such file or directory"),
        ("/loop", "Too many"),
        ("/" + "x" * 5000, ""),  # the words are cut
    ],
)
def test_an_executable_that_is_none(bed, program, words):
    root = bed.own_rootfs()
    (root / "loop").symlink_to("loop")
    outcome = bed.call("create", "-b", bed.bundle([program], {"root.path": str(root)}), bed.new_id())
    one_sentence(outcome)
    assert words.lower() in outcome.error.lower(), outcome.error
    assert program[:40] in outcome.error


# --- the working directory ------------------------------------------------------------


def test_a_working_directory_that_is_a_file(bed):
    refuses_to_create(bed, {"process.cwd": "/etc/passwd"}, "/etc/passwd")


def test_a_working_directory_that_cannot_be_made(bed):
    refuses_to_create(bed, {"process.cwd": "/proc/none/here"}, "/proc/none/here")


# --- hooks ------------------------------------------------------------------------------


@pytest.mark.parametrize("stage", STAGES)
def test_a_hook_that_fails(bed, stage):
    refuses_to_create(bed, {f"hooks.{stage}": hook("/bin/sh", "-c", "exit 7")}, stage, "/bin/sh", "7")


@pytest.mark.parametrize("stage", STAGES)
def test_a_hook_that_is_killed(bed, stage):
    refuses_to_create(bed, {f"hooks.{stage}": hook("/bin/sh", "-c", "kill -9 $$")}, stage, "/bin/sh", "signal 9")


@pytest.mark.parametrize("stage", STAGES)
def test_a_hook_that_is_not_there(bed, stage):
    refuses_to_create(bed, {f"hooks.{stage}": hook("/no/such/hook")}, stage, "/no/such/hook")


@pytest.mark.parametrize("stage", STAGES)
def test_a_hook_that_cannot_be_executed(bed, stage):
    refuses_to_create(bed, {f"hooks.{stage}": hook("/etc/passwd")}, stage, "/etc/passwd")


@pytest.mark.parametrize("stage", STAGES)
def test_a_hook_that_hangs(bed, stage):
    """Killed after its time, though it reads nothing of a state that no pipe could hold."""
    edits = {f"hooks.{stage}": hook("/bin/sleep", "1000", timeout=1), "annotations": {"long": "x" * 300_000}}
    outcome = bed.call("create", "-b", bed.bundle(edits=edits), bed.new_id())
    one_sentence(outcome, stage, "/bin/sleep", "took longer than 1 s")


def test_a_start_container_hook_that_is_not_there(bed):
    bundle, name = bed.bundle(edits={"hooks.startContainer": hook("/no/such/hook")}), bed.new_id()
    assert bed.call("create", "-b", bundle, name).status == 0
    one_sentence(bed.call("start", name), "startContainer", "/no/such/hook")
    one_sentence(bed.call("start", name), "stopped")
    assert bed.call("delete", name).status == 0
    outcome = bed.call("run", "-b", bundle, bed.new_id())
    own = outcome.error.splitlines()[-1]  # before it the container's own stderr, which is ours here
    assert outcome.status == 1
    assert "startContainer" in own and "/no/such/hook" in own


def test_a_poststop_hook_that_fails_is_a_warning(bed):
    """runtime.md#lifecycle, step 13: log a warning, go on."""
    failing = [*hook("/no/such/hook"), *hook("/bin/sh", "-c", "exit 7"), *hook("/bin/sh", "-c", f"> {bed.folder}/ran")]
    outcome = bed.call("run", "-b", bed.bundle(edits={"hooks.poststop": failing}), bed.new_id())
    assert outcome.status == 0
    assert "warning: poststop hook cannot run: /no/such/hook" in outcome.error
    assert "warning: poststop hook failed with exit code 7: /bin/sh" in outcome.error
    assert (bed.folder / "ran").exists()


@pytest.mark.parametrize("way", ["run", "run --keep", "run --detach", "start"])
def test_a_poststart_hook_that_fails_ends_the_container(bed, way):
    """runtime.md#lifecycle, step 9: "generate an error, stop the container, and continue at step 12", which is
    that it is destroyed, and step 13, the poststop hooks."""
    hooks = {"hooks.poststart": [*hook("/bin/true"), *hook("/bin/sh", "-c", "exit 7"), *hook("/bin/sh", "-c", f"> {bed.folder}/no")]}
    hooks["hooks.poststop"] = hook("/bin/sh", "-c", f"> {bed.folder}/stopped")
    bundle, name = bed.bundle(["sleep", "1000"], hooks), bed.new_id()
    if way == "start":
        assert bed.call("create", "-b", bundle, name).status == 0
        one_sentence(bed.call("start", name), "error running poststart hook #1: /bin/sh: failed with exit code 7")
    else:
        one_sentence(bed.call(*way.split(), "-b", bundle, name), "error running poststart hook #1: /bin/sh")
    one_sentence(bed.call("state", name), "does not exist")
    assert (bed.folder / "stopped").exists()
    assert not (bed.folder / "no").exists()


# --- sockets and files the caller names ---------------------------------------------------


def test_a_terminal_without_a_console_socket(bed):
    one_sentence(bed.call("create", "-b", bed.bundle(edits={"process.terminal": True}), bed.new_id()), "terminal")


def test_a_console_socket_that_is_not_there(bed):
    bundle = bed.bundle(edits={"process.terminal": True})
    path = bed.folder / "socket"
    one_sentence(bed.call("create", "--console-socket", path, "-b", bundle, bed.new_id()), str(path))
    path.write_text("")
    one_sentence(bed.call("create", "--console-socket", path, "-b", bundle, bed.new_id()), str(path))
    long = bed.folder / ("x" * 120)
    one_sentence(bed.call("create", "--console-socket", long, "-b", bundle, bed.new_id()), "x" * 120)


def test_a_console_socket_nobody_listens_at_or_that_hangs_up(bed):
    bundle = bed.bundle(edits={"process.terminal": True})
    path = bed.folder / "s"
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        one_sentence(bed.call("create", "--console-socket", path, "-b", bundle, bed.new_id()), str(path))


def test_a_console_socket_without_a_terminal(bed):
    one_sentence(bed.call("create", "--console-socket", "/x", "-b", bed.bundle(), bed.new_id()), "console socket")


@pytest.mark.parametrize("kind", ["missing directory", "directory", "under a file"])
def test_a_pid_file_that_cannot_be_written(bed, kind):
    (bed.folder / "d").mkdir()
    (bed.folder / "f").write_text("")
    path = bed.folder / {"missing directory": "none/pid", "directory": "d", "under a file": "f/pid"}[kind]
    refuses_to_create(bed, {}, str(path), options=("--pid-file", path))
    assert sorted(p.name for p in bed.folder.iterdir() if p.name.startswith("d")) == ["d"]


def test_a_pidfd_socket_that_is_not_there(bed):
    refuses_to_create(bed, {}, "/no/socket", options=("--pidfd-socket", "/no/socket"))


def test_descriptors_that_are_not_open(bed):
    """As with crun they are just not there inside; but it is said."""
    outcome = bed.call("run", "--preserve-fds", "5", "-b", bed.bundle(["sh", "-c", "ls /proc/self/fd"]), bed.new_id())
    assert (outcome.status, outcome.output.split()) == (0, ["0", "1", "2", "3"]), "3 is ls's own"
    assert "warning: --preserve-fds 5: not open" in outcome.error


# --- namespaces, mounts, limits -------------------------------------------------------------


@pytest.mark.parametrize("kind", ["pid", "network", "ipc", "uts", "mount", "cgroup", "user", "time"])
@pytest.mark.parametrize("what", ["missing", "file", "directory", "fifo", "another kind"])
def test_a_namespace_path_that_is_none(bed, kind, what):
    path = bed.folder / "ns"
    if what == "file":
        path.write_text("")
    elif what == "directory":
        path.mkdir()
    elif what == "fifo":
        os.mkfifo(path)
    elif what == "another kind":
        path = {"uts": "/proc/self/ns/ipc"}.get(kind, "/proc/self/ns/uts")
    edits = {"linux.namespaces": [{"type": kind, "path": str(path)}], "hostname": None}
    edits |= {"linux.maskedPaths": None, "linux.readonlyPaths": None}
    bundle = bed.bundle(edits=edits)
    with pytest.raises(RungError) as caught:
        bed.runtime.create(bed.new_id(), str(bundle))
    assert str(path) in str(caught.value) or kind in str(caught.value), str(caught.value)


@pytest.mark.parametrize(
    ("mount", "words"),
    [
        ({"type": "fishfs", "source": "x"}, "/there"),
        ({"type": "bind", "source": "/no/such/source", "options": ["bind"]}, "/no/such/source"),
        ({"type": "bind", "source": "relative", "options": ["bind"]}, "relative"),
        ({"type": "tmpfs", "source": "tmpfs", "options": ["fish=1"]}, "fish"),
        ({"type": "tmpfs", "source": "tmpfs", "options": ["size=many"]}, "size"),
        ({"type": "ext4", "source": "/dev/null"}, "/there"),
        ({"type": "bind", "source": "/etc/passwd", "destination": "/etc", "options": ["bind"]}, "/etc"),
        ({"type": "bind", "source": "/etc", "destination": "/etc/passwd", "options": ["bind"]}, "/etc/passwd"),
        ({"type": "tmpfs", "source": "tmpfs", "destination": "/etc/passwd/below"}, "/etc/passwd/below"),
    ],
    ids=str,
)
def test_a_mount_that_cannot_be(bed, mount, words):
    config = bed.config()
    config["mounts"].append({"destination": "/there", **mount})
    (bed.folder / "made").mkdir()
    root = bed.own_rootfs()
    config["root"]["path"] = str(root)
    one_sentence(bed.call("create", "-b", bed.write(config), bed.new_id()), words)


@pytest.mark.parametrize(
    ("edits", "words"),
    [
        ({"linux.resources.memory": {"limit": 1}}, "memory"),
        ({"linux.resources.memory": {"limit": 4096}}, ""),
        ({"linux.resources.cpu": {"cpus": "4000-5000"}}, "cpus"),
        ({"linux.resources.cpu": {"mems": "77"}}, "mems"),
        ({"linux.resources.cpu": {"quota": 1, "period": 1}}, "cpu"),
        ({"linux.resources.hugepageLimits": [{"pageSize": "3MB", "limit": 1}]}, "3MB"),
        ({"linux.resources.unified": {"no.such.file": "1"}}, "no.such.file"),
        ({"linux.resources.unified": {"../../x": "1"}}, "../../x"),
        ({"process.rlimits": [{"type": "RLIMIT_NOFILE", "soft": 1 << 40, "hard": 1 << 40}]}, "RLIMIT_NOFILE"),
        ({"linux.sysctl": {"kernel.shmmni": "fish"}}, "shmmni"),
        ({"linux.sysctl": {"net.no.such.key": "1"}}, "net/no/such/key"),
        ({"linux.devices": [{"path": "/etc/passwd", "type": "c", "major": 1, "minor": 3}]}, "/etc/passwd"),
        ({"linux.devices": [{"path": "/proc/x", "type": "c", "major": 1, "minor": 3}]}, "/proc/x"),
        ({"linux.uidMappings": [{"containerID": 0, "hostID": 0, "size": 1}]}, "uidMappings"),
        ({"process.apparmorProfile": "no-such-profile"}, "apparmor"),
    ],
    ids=str,
)
def test_a_limit_or_setting_that_cannot_be(bed, edits, words):
    outcome = bed.call("create", "-b", bed.bundle(edits=edits), bed.new_id())
    one_sentence(outcome)
    assert words.lower() in outcome.error.lower(), outcome.error


def test_a_cgroup_that_somebody_lives_in(bed):
    """Two containers in one cgroup would be killed and paused together."""
    path = f"/{bed.mark}-shared"
    with bed.running({"linux.cgroupsPath": path}) as container:
        outcome = bed.call("create", "-b", bed.bundle(edits={"linux.cgroupsPath": path}), bed.new_id())
        one_sentence(outcome, f"{bed.mark}-shared")
        assert container.status == "running"
    until(lambda: not bed.left(), "the cgroup is gone with its first owner")
