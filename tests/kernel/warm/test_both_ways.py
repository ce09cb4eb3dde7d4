"""Nothing observable differs between the launcher's two ways (the suites of conformance/ run both, too)."""

from __future__ import annotations

import json
import os
import re
import resource
import signal
import subprocess
import time
from pathlib import Path

import pytest

SLEEP = ("sleep", "1000")


def told(run: subprocess.CompletedProcess[bytes]) -> tuple[int, bytes, bytes]:
    """What a caller sees, without what differs between any two runs."""
    scrub = re.compile(rb"\d{4}-\d\d-\d\dT[\d:.]+Z|\b\d{2,}\b|warm-[a-z]+")
    return run.returncode, scrub.sub(b"#", run.stdout), scrub.sub(b"#", run.stderr)


def each_way(installation, *words, **how):
    """A command in both ways: each with a container of its own name where WAY stands."""
    runs = []
    for way, call in (("warm", installation.run), ("cold", installation.cold)):
        runs.append(call(*(str(word).replace("WAY", way) for word in words), **how))
    assert told(runs[0]) == told(runs[1])
    return runs[0]


def test_a_life(installation, make, nothing_left):
    bundle = make(*SLEEP)
    assert installation.was_warm("state", "warm-none")
    for words in (
        ["create", "-b", bundle, "--pid-file", f"{bundle}/WAY.pid", "warm-WAY"],
        ["create", "-b", bundle, "warm-WAY"],
        ["state", "warm-WAY"],
        ["delete", "warm-WAY"],  # deletes a created one
        ["create", "-b", bundle, "warm-WAY"],
        ["start", "warm-WAY"],
        ["start", "warm-WAY"],
        ["exec", "warm-WAY", "sh", "-c", "cat; echo err >&2; exit 3"],
        ["exec", "warm-WAY", "no-such-program"],
        ["exec", "--no-such-flag", "warm-WAY"],
        ["ps", "-f", "json", "warm-WAY"],
        ["pause", "warm-WAY"],
        ["resume", "warm-WAY"],
        ["update", "--pids-limit", "77", "warm-WAY"],
        ["list", "-q"],
        ["delete", "warm-WAY"],
        ["kill", "warm-WAY", "KILL"],
        ["delete", "--force", "warm-WAY"],
        ["state", "warm-WAY"],
        ["state"],
        ["nonsense"],
    ):
        each_way(installation, *words, input=b"in\n")
    assert installation.run("list", "-q").stdout == b""


@pytest.mark.parametrize(
    ("args", "status"), [(["true"], 0), (["sh", "-c", "exit 7"], 7), (["sh", "-c", "sleep 1000 & kill -9 $!; wait $!"], 137), (["none"], 1)]
)
def test_run_to_the_end(installation, make, nothing_left, args, status):
    run = each_way(installation, "run", "-b", make(*args), "warm-WAY", input=b"")
    assert run.returncode == status


def test_debug_shows_the_steps(installation, make, nothing_left):
    run = each_way(installation, "--debug", "run", "-b", make("true"), "warm-WAY", input=b"")
    for said in (b'msg="nsexec container setup"', b'msg="child process in init()', b'msg="init: closing the pipe'):
        assert said in run.stderr
    each_way(installation, "--debug", "run", "-b", make("true", edits={"process.cwd": "/etc/passwd/no"}), "warm-WAY")


def test_help_shows_the_name_that_the_caller_was_called_by(installation, tmp_path):
    link = tmp_path / "runc"
    link.symlink_to(installation.launcher)
    for way in ("on", "off"):
        run = subprocess.run([link, "create", "--help"], env={**os.environ, "RUNG_WARM": way}, capture_output=True, check=True, timeout=60)
        assert b"USAGE:\n   runc create " in run.stdout


def test_stdio_is_the_callers(installation, make, nothing_left):
    bundle = make("sh", "-c", "cat; echo error >&2")
    run = each_way(installation, "run", "-b", bundle, "warm-WAY", input=b"through\n")
    assert (run.stdout, run.stderr) == (b"through\n", b"error\n")


def test_broken_configurations(installation, make, nothing_left):
    for key, value in (("process.args", []), ("root.path", "/no/such"), ("linux.namespaces", [{"type": "no"}])):
        run = each_way(installation, "run", "-b", make("true", edits={key: value}), "warm-WAY")
        assert run.returncode == 1
        assert run.stderr


INHERITED = """
cat /proc/self/limits | grep -E 'core file|locked|pending'
cat /proc/self/oom_score_adj
grep -E 'Cpus_allowed_list|Speculation|SigIgn|SigBlk|Groups' /proc/self/status
umask
cut -d' ' -f 19 /proc/self/stat
"""


def odd_caller():
    """What a container inherits of its caller."""
    resource.setrlimit(resource.RLIMIT_CORE, (4096, 8192))
    os.sched_setaffinity(0, {0})
    os.nice(3)
    os.umask(0o077)
    Path("/proc/self/oom_score_adj").write_text("321")
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})


def test_the_container_inherits_from_the_caller(installation, make, nothing_left):
    bundle = make("sh", "-c", INHERITED, edits={"process.rlimits": None, "process.user": {"uid": 0, "gid": 0}})
    run = each_way(installation, "run", "-b", bundle, "warm-WAY", preexec_fn=odd_caller)
    assert run.returncode == 0, run.stderr
    assert b"321" in run.stdout and b"4096" in run.stdout
    assert installation.was_warm("run", "-b", bundle, "warm-odd", preexec_fn=odd_caller)


def test_environment_directory_and_umask_are_the_callers(installation, make, nothing_left, tmp_path):
    bundle = make("true")
    run = installation.run(
        "--log", "log", "run", "-b", os.path.relpath(bundle, tmp_path), "--pid-file", "pid", "warm-here",
        cwd=tmp_path, preexec_fn=lambda: os.umask(0o077),
    )
    assert run.returncode == 0, run.stderr
    assert [(tmp_path / name).stat().st_mode & 0o777 for name in ("log", "pid")] == [0o600, 0o600]


def test_the_init_is_handed_to_the_callers_reaper(installation, make, nothing_left):
    installation.run("create", "-b", make(*SLEEP), "warm-orphan")
    pid = json.loads(installation.run("state", "warm-orphan").stdout)["pid"]
    parent = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    assert parent == os.getpid()  # the test adopts orphans, as a shim does
    installation.run("delete", "--force", "warm-orphan")


def test_hooks_have_the_callers_limits_and_output(installation, make, nothing_left, tmp_path):
    script = f"cat > {tmp_path}/state; pwd; cat /proc/self/oom_score_adj"
    hook = {"path": "/bin/sh", "args": ["sh", "-c", script]}
    bundle = make("true", edits={"hooks": {"createRuntime": [hook], "poststop": [hook]}})
    run = each_way(installation, "run", "-b", bundle, "warm-WAY", cwd=tmp_path, preexec_fn=odd_caller)
    assert run.stdout.count(b"#") == 0 and run.stdout.count(str(tmp_path).encode()) == 2
    assert json.loads((tmp_path / "state").read_text())["status"] == "stopped"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1, signal.SIGINT])
def test_signals_reach_the_workload(installation, make, nothing_left, number):
    script = "trap 'echo got; exit 9' TERM USR1 INT; echo ready; while :; do sleep 0.05; done"
    statuses = []
    for way in ("on", "off"):
        words = [installation.launcher, "--root", installation.root, "run", "-b", make("sh", "-c", script), "warm-sig"]
        with subprocess.Popen(words, stdout=subprocess.PIPE, env={**os.environ, "RUNG_WARM": way}) as run:
            assert run.stdout and run.stdout.readline() == b"ready\n"
            run.send_signal(number)
            statuses.append((run.stdout.read(), run.wait(60)))
    assert statuses == [(b"got\n", 9)] * 2


def test_ctrl_c_undoes_what_was_begun(installation, make, nothing_left, tmp_path):
    hook = {"path": "/bin/sh", "args": ["sh", "-c", f"trap '' INT; echo > {tmp_path}/begun; exec sleep 1000"]}
    bundle = make("true", edits={"hooks": {"createRuntime": [hook]}})
    for way, number, status in (
        ("on", signal.SIGINT, 130), ("off", signal.SIGINT, 130), ("on", signal.SIGKILL, -9), ("on", signal.SIGTERM, -15)
    ):
        words = [installation.launcher, "--root", installation.root, "create", "-b", bundle, "warm-stop"]
        with subprocess.Popen(words, env={**os.environ, "RUNG_WARM": way}, process_group=0) as run:
            until = time.monotonic() + 60
            while not (tmp_path / "begun").exists():
                assert time.monotonic() < until
                time.sleep(0.01)
            (tmp_path / "begun").unlink()
            wchan = Path(f"/proc/{run.pid}/wchan")  # killed before it waits, a launcher has told nobody of its child
            while wchan.read_text() != "do_wait":
                assert time.monotonic() < until, wchan.read_text()
                time.sleep(0.01)
            os.killpg(run.pid, number) if number == signal.SIGINT else run.send_signal(number)
            assert run.wait(60) == status
        until = time.monotonic() + 60
        while installation.cold("list", "-q").stdout:
            assert time.monotonic() < until
            time.sleep(0.02)
