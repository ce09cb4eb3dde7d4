"""What of a container's mounts belongs to the host.

CRIU saves a mount with what is in it, unless it is told that it comes from outside; then it
notes a name, and at restore it is told which host path has that name now. The container's
own plan says which mounts those are: every ``MountBind`` has a host path as its source. The name
is the destination as config.json has it, so that a restore finds it whatever links the root
file system holds; only the dump needs to know where the mount really is.
"""

from __future__ import annotations

from rung import posix
from rung.runtime.plan import steps
from rung.runtime.plan.namespaces import new_and_joined

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from rung.runtime.plan.steps import Step
    from rung.spec.runtime.config import Config

_NULL = "/dev/null"


def binds(made: Iterable[Step], config: Config) -> Iterator[tuple[str, str]]:
    """``(destination, host path)`` of each mount from outside that a container's plan makes.

    Nodes count where a user namespace has them bound, since it may not make them."""
    new, joined = new_and_joined(config)
    mapped = "user" in new or "user" in joined
    for step in made:
        if isinstance(step, steps.MountBind) or (isinstance(step, steps.MakeNode) and mapped and step.source):
            yield (step.dest if isinstance(step, steps.MountBind) else step.path), step.source


def for_dump(made: Iterable[Step], config: Config, where: Callable[[str], str]) -> list[str]:
    """CRIU's ``external`` entries for a dump: ``mnt[mount point]:name``.

    ``where``: the real path in the container of one of its own; "": there is none."""
    found = ((where(dest), dest) for dest, _ in binds(made, config))
    return [f"mnt[{real}]:{name}" for real, name in found if real]


def for_restore(made: Iterable[Step], config: Config) -> list[str]:
    """CRIU's ``external`` entries for a restore: ``mnt[name]:host path``.

    What masks a file is the container's own null device here; runc's images name the host's."""
    found = [f"mnt[{dest}]:{_with_a_name(source)}" for dest, source in binds(made, config)]
    return [*found, f"mnt[{_NULL}]:{_NULL}"]


def _with_a_name(source: str) -> str:
    """CRIU wants a last component that is a name, which ``BUNDLE/.`` has not."""
    if not source.endswith(("/", "/.", "/..")):
        return source
    try:
        fd = posix.open(source, posix.O_PATH | posix.O_CLOEXEC)
    except FileNotFoundError:  # CRIU says so
        return source
    try:
        return posix.readlink(f"/proc/self/fd/{fd}")
    finally:
        posix.close(fd)


class Inside:
    """Looks paths up as the container sees them, below a descriptor of its root."""

    def __init__(self, root_fd: int) -> None:
        self._root_fd = root_fd

    def __call__(self, path: str) -> str:
        from rung.kernel.errors import KernelError
        from rung.kernel.path import RESOLVE_IN_ROOT, RESOLVE_NO_MAGICLINKS, openat2

        try:
            fd = openat2(self._root_fd, path, posix.O_PATH, 0, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS)
        except KernelError:  # not there, or no way to it: CRIU says so if it matters
            return ""
        try:
            # Its root is not in our mount namespace: the kernel names it from there.
            return posix.readlink(f"/proc/self/fd/{fd}")
        finally:
            posix.close(fd)
