"""Hooks that run in the runtime's own namespaces.

config.md#posix-platform-hooks: prestart and createRuntime before the root changes,
poststart after the workload runs, poststop after the container is deleted. Each gets the
state on its stdin. A failing prestart or createRuntime hook fails the create, a failing
poststart hook ends the container (runtime.md#lifecycle, step 9 since 1.2.1); a failing
poststop hook is a warning (step 13).

As with runc and crun, one without variables of its own gets the runtime's. Their output is the
runtime's, or goes where crun's annotations say, so that a manager finds it.
"""

from __future__ import annotations

from rung import jsonc, posix
from rung.files import write_whole
from rung.runtime.errors import HookError
from rung.runtime.parent import parent
from rung.runtime.spawn import kill_child
from rung.undo import Closing

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from typing import Any

    from rung.spec.runtime.config import Hook


ANNOTATIONS = ("run.oci.hooks.stdout", "run.oci.hooks.stderr")

_LONGEST_MS = 0x7FFFFFFF  # what poll takes: 24 days


def run_hooks(stage: str, hooks: Sequence[Hook] | None, state: dict[str, Any]) -> None:
    """Run each in order; the first that fails raises ``HookError``."""
    for number, hook in enumerate(hooks or ()):
        run_hook(stage, number, hook, state)


def run_late_hooks(
    stage: str, hooks: Sequence[Hook] | None, state: dict[str, Any], warn: Callable[[str], None]
) -> None:
    """Run all of them, whatever becomes of each; failures are warnings."""
    for hook in hooks or ():
        failure = _failure(hook, state)
        if failure:
            warn(f"{stage} hook {failure}: {hook['path']}")


def run_hook(stage: str, number: int, hook: Hook, state: dict[str, Any]) -> None:
    """One hook, the ``number``th of its stage. Raises ``HookError``."""
    failure = _failure(hook, state)
    if failure:
        raise HookError(f"error running {stage} hook #{number}:", hook["path"], failure)


def _failure(hook: Hook, state: dict[str, Any]) -> str:
    """Run it within its time limit: how it failed, or nothing."""
    try:
        with Closing() as closing:
            fds = [(closing.add(_state_file(jsonc.dumps(state).encode())), 0)]
            fds += [(closing.add(fd), target) for fd, target in _output(state.get("annotations") or {})]
            pid = _start(hook, fds)
    except OSError as error:
        return f"cannot run: {error.filename or hook['path']}: {error.strerror}"
    try:
        status = _wait(pid, hook.get("timeout"))
    except KeyboardInterrupt:  # what it was to help with is not to be
        kill_child(pid)  # the wait that was broken off may have its status
        raise
    if status is None:
        return f"took longer than {hook['timeout']} s and was killed"
    code = posix.waitstatus_to_exitcode(status)
    if not code:
        return ""
    return f"failed with exit code {code}" if code > 0 else f"was killed by signal {-code}"


def _start(hook: Hook, fds: Sequence[tuple[int, int]]) -> int:
    own, path = hook.get("env"), hook["path"]
    env = posix.environment() if own is None else dict(entry.partition("=")[::2] for entry in own)
    return parent().spawn(path, hook.get("args") or [path], env, fds, default_signals=True)


def _output(annotations: Mapping[str, str]) -> Iterator[tuple[int, int]]:
    """``(ours, its)`` of the files that the annotations name. Raises ``OSError``."""
    for target, name in enumerate(ANNOTATIONS, 1):
        file = annotations.get(name)
        if file:
            flags = posix.O_WRONLY | posix.O_CREAT | posix.O_APPEND | posix.O_CLOEXEC
            yield posix.open(file, flags, 0o600), target


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
        late = not waiter.poll(min(timeout_s * 1000, _LONGEST_MS))
    finally:
        posix.close(pidfd)
    if late:
        posix.kill(pid, 9)
    status = parent().wait(pid)
    return None if late else status
