"""Hooks that run in the runtime's own namespaces.

config.md#posix-platform-hooks: prestart and createRuntime before the root changes,
poststart after the workload runs, poststop after the container is deleted. Each gets the
state on its stdin. A failing prestart or createRuntime hook fails the create; a failing
poststart or poststop hook is a warning (runtime.md#lifecycle, steps 9 and 13).
"""

from __future__ import annotations

from rung import jsonc, posix
from rung.runtime.errors import HookError, RuntimeFailure
from rung.runtime.parent import parent
from rung.runtime.state import write_whole

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from rung.spec.runtime.config import Hook


def run_hooks(stage: str, hooks: Sequence[Hook] | None, state: dict[str, Any]) -> None:
    """Run each in order; the first that fails raises ``HookError``."""
    for hook in hooks or ():
        run_hook(stage, hook, jsonc.dumps(state).encode())


def run_late_hooks(
    stage: str, hooks: Sequence[Hook] | None, state: dict[str, Any], warn: Callable[[str], None]
) -> None:
    """Run all of them, whatever becomes of each; failures are warnings."""
    for hook in hooks or ():
        try:
            run_hook(stage, hook, jsonc.dumps(state).encode())
        except RuntimeFailure as error:
            warn(str(error))


def run_hook(stage: str, hook: Hook, state: bytes) -> None:
    """One hook, with its time limit."""
    path = hook["path"]
    stdin = _state_file(state)
    try:
        pid = _start(stage, path, hook, stdin)
    finally:
        posix.close(stdin)
    status = _wait(pid, hook.get("timeout"))
    if status is None:
        raise HookError(f"{stage} hook", path, f"took longer than {hook['timeout']} s and was killed")
    code = posix.waitstatus_to_exitcode(status)
    if code:
        how = f"exited with {code}" if code > 0 else f"was killed by signal {-code}"
        raise HookError(f"{stage} hook", path, how)


def _start(stage: str, path: str, hook: Hook, stdin: int) -> int:
    env = dict(entry.partition("=")[::2] for entry in hook.get("env") or ())
    try:
        return parent().spawn(path, hook.get("args") or [path], env, [(stdin, 0)], default_signals=True)
    except OSError as error:
        raise HookError(f"{stage} hook", path, f"cannot run: {error.strerror}") from None


def _state_file(state: bytes) -> int:
    """The state as a file in memory: nobody waits for a hook that does not read it."""
    fd = posix.memfd_create("state", posix.MFD_CLOEXEC)
    write_whole(fd, state, "the hook's state")
    posix.lseek(fd, 0, posix.SEEK_SET)
    return fd


def _wait(pid: int, timeout_s: int | None) -> int | None:
    if timeout_s is None:
        return parent().wait(pid)
    from select import POLLIN, poll

    pidfd = posix.pidfd_open(pid)
    try:
        waiter = poll()
        waiter.register(pidfd, POLLIN)
        late = not waiter.poll(timeout_s * 1000)
    finally:
        posix.close(pidfd)
    if late:
        posix.kill(pid, 9)
    status = parent().wait(pid)
    return None if late else status
