"""Hooks inside the container's namespaces."""

from __future__ import annotations

import errno

import pytest

from kernel.init import driver
from kernel.init.test_mounts import inside
from rung.runtime.plan import steps as s


def hook(*argv: str, timeout_s: int = 0, path: str = "/bin/sh", env: tuple[str, ...] = ()) -> s.RunHook:
    return s.RunHook("createContainer", path, argv, env, timeout_s, b'{"pid":', b"}", 0)


def test_the_state_arrives_on_stdin(run, rootfs):
    outcome = run(
        inside(
            rootfs, hook("sh", "-c", f'cat >{rootfs}/tmp/state; echo "$X" >{rootfs}/tmp/env', env=("X=7",))
        )
    )
    assert (outcome.ledger.error, outcome.status) == ("", 0)
    assert (rootfs / "tmp/state").read_text() == '{"pid":1}'
    assert (rootfs / "tmp/env").read_text() == "7\n"


def test_what_a_hook_says_is_not_the_workloads(run, rootfs):
    assert (
        run(inside(rootfs, hook("sh", "-c", "echo noise; echo more >&2"), argv=("echo", "work"))).output
        == "work\n"
    )


@pytest.mark.parametrize(
    ("step", "code", "words"),
    [
        (hook("sh", "-c", "echo first; echo it broke >&2; exit 3"), 0, ": exit status 3: first it broke"),
        (hook("sh", "-c", "kill -9 $$"), 0, ": killed: killed by signal 9"),
        (hook("x", path="/no/hook"), 0, ": exit status 127: no such file or directory"),
        (hook("sleep", "100", path="/bin/sleep", timeout_s=1), errno.ETIMEDOUT, ": took longer than 1 s"),
        (hook("sh", "-c", "head -c 3000 /dev/zero | tr '\\0' x; echo end; exit 1"), 0, ": exit status 1: "),
    ],
)
def test_hooks_that_fail(run, rootfs, step, code, words):
    outcome = run(inside(rootfs, step))
    ledger = outcome.ledger
    assert ledger.error.startswith(f"{step.path}{words}")
    assert ledger.error_errno == code
    assert outcome.status == 1


def test_a_hook_after_start_fails_the_workload(rung_init, rootfs):
    plan = inside(rootfs)
    plan[-2:-1] = [
        s.WaitStart(),
        s.RunHook("startContainer", "/bin/sh", ("sh", "-c", "exit 5"), (), 0, b"", b"", 0),
    ]
    running = driver.start(str(rung_init), plan, gate=True)
    assert running.receive() == b"r"
    running.release()
    assert running.receive() == b"e"
    assert running.reap() == 1
    assert running.ledger.error == "/bin/sh: exit status 5"


def test_hooks_keep_no_descriptor_of_ours(run, rootfs):
    run(inside(rootfs, hook("sh", "-c", f"ls /proc/self/fd >{rootfs}/tmp/fds")))
    assert (rootfs / "tmp/fds").read_text().split() == ["0", "1", "2", "3"]
