"""The shim itself under containerd: cut loose from who started it, then serving until it is shut down.

Whoever breaks it breaks the containers' streams, so it takes no signals but SIGKILL, and the kernel's memory killer
takes it only after containerd itself.
"""

from __future__ import annotations

from rung import posix
from rung.kernel.process import become_subreaper
from rung.shim.loop import Loop
from rung.shim.program.settings import remember, settings
from rung.shim.publisher import Publisher
from rung.shim.server import Server
from rung.shim.service import Service

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.shim.program.start import Start
    from rung.shim.runtimes import Settings
    from rung.spec.shim.bootstrap import Options

_OOM_ADJUST_MAX = 1000


def keep(wanted: Start, listening: int, cgroup: str) -> None:
    """Serve. Returns when the last container is gone and nobody wants the shim any more."""
    _cut_loose(wanted.bundle)
    become_subreaper()
    if cgroup:
        from rung.runtime import join_cgroup

        join_cgroup(cgroup)
    loop = Loop()
    loop.take_orphans()
    publisher = Publisher(loop, wanted.events, wanted.namespace)

    def used(options: Options, bundle: str) -> Settings:
        found = settings(options, wanted.namespace)
        remember(bundle, found)
        return found

    def shut_down() -> None:
        server.close()
        posix.unlink(wanted.socket)
        publisher.when_empty(lambda: loop.soon(loop.stop))

    service = Service(loop, wanted.namespace, used, publisher.publish, shut_down)
    server = Server(loop, listening, service.handle, lambda uid: uid in (0, posix.geteuid()))
    loop.run()


def _cut_loose(bundle: str) -> None:
    from _signal import SIG_IGN, SIGHUP, SIGINT, SIGPIPE, SIGTERM, signal  # type: ignore[import-not-found]

    posix.setsid()
    for number in (SIGHUP, SIGINT, SIGTERM, SIGPIPE):
        signal(number, SIG_IGN)
    null = posix.open("/dev/null", posix.O_RDWR | posix.O_CLOEXEC)
    log = _log(bundle)
    for number in range(3):
        posix.dup2(log if log >= 0 and number else null, number)
    posix.chdir("/")
    _adjust_oom()


def _log(bundle: str) -> int:
    """containerd reads a FIFO beside the configuration; -1 where there is none."""
    try:
        return posix.open(f"{bundle}/log", posix.O_WRONLY | posix.O_NONBLOCK | posix.O_CLOEXEC)
    except OSError:
        return -1


def _adjust_oom() -> None:
    """One more than the parent's, so that it is taken before it would be taken."""
    fd = posix.open("/proc/self/oom_score_adj", posix.O_RDWR | posix.O_CLOEXEC)
    try:
        score = min(_OOM_ADJUST_MAX, int(posix.read(fd, 16)) + 1)
        posix.pwrite(fd, str(score).encode(), 0)
    finally:
        posix.close(fd)
