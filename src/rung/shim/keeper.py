"""The shim itself: cut loose from who started it, then serving until it is shut down.

Whoever breaks it breaks the containers' streams, so it takes no signals but SIGKILL, and the kernel's memory killer
takes it before whoever started it.
"""

from __future__ import annotations

from rung import posix
from rung.kernel.process import become_subreaper
from rung.runtime import use_parent_everywhere
from rung.shim.children import Holding
from rung.shim.loop import Loop
from rung.shim.publisher import Publisher
from rung.shim.server import Server
from rung.shim.service import Service
from rung.shim.settings import remember, settings
from rung.shim.story import Story

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable

    from rung.shim.beginning import Keep
    from rung.shim.memory import Watch
    from rung.shim.runtimes import Settings
    from rung.spec.shim.bootstrap import Options

_OOM_ADJUST_MAX = 1000


def prepare() -> Loop:
    """What can be done before it is known what the shim is for: be ready to be told of children."""
    become_subreaper()
    use_parent_everywhere(Holding())
    loop = Loop()
    loop.take_orphans()
    return loop


def keep(wanted: Keep, listening: int, loop: Loop, has_started: Callable[[], None] = lambda: None) -> None:
    """Serve. Returns when the last container is gone and nobody wants the shim any more. ``has_started`` is called when
    a container runs."""
    story = Story(wanted.story, wanted.trace)
    _cut_loose(wanted.log)
    if wanted.cgroup:
        from rung.runtime import join_cgroup

        join_cgroup(wanted.cgroup)
    publisher = Publisher(loop, wanted.events, wanted.namespace)

    def used(options: Options, bundle: str) -> Settings:
        found = settings(options, wanted.namespace, bundle, wanted.socket, wanted.worker)
        remember(bundle, found)
        return found

    def shut_down() -> None:
        server.close()
        try:
            posix.unlink(wanted.socket)
        except FileNotFoundError:
            pass  # an engine that was refused something has cleared away without us
        publisher.when_empty(lambda: loop.soon(loop.stop))

    watch = _memory_watch() if wanted.events else None
    service = Service(loop, wanted.namespace, used, publisher.publish, shut_down, story, watch)
    service.has_started = has_started
    server = Server(loop, listening, service.handle, lambda uid: uid in (0, posix.geteuid()), service.gone)
    story.has_begun()
    loop.run()


def _memory_watch() -> Watch:
    from rung.runtime import watch_oom

    return watch_oom


def _cut_loose(log_path: str) -> None:
    from _signal import SIG_IGN, SIGHUP, SIGINT, SIGPIPE, SIGTERM, signal  # type: ignore[import-not-found]

    posix.setsid()
    for number in (SIGHUP, SIGINT, SIGTERM, SIGPIPE):
        signal(number, SIG_IGN)
    null = posix.open("/dev/null", posix.O_RDWR | posix.O_CLOEXEC)
    log = _log(log_path)
    for number in range(3):
        posix.dup2(log if log >= 0 and number else null, number)
    posix.chdir("/")
    _adjust_oom()


def _log(path: str) -> int:
    """Where complaints go; -1 where nobody reads them (a FIFO), or nobody wants them."""
    try:
        return posix.open(path, posix.O_WRONLY | posix.O_NONBLOCK | posix.O_APPEND | posix.O_CLOEXEC) if path else -1
    except OSError:
        return -1


def _adjust_oom() -> None:
    """One more than the parent's: without its shim a container goes on, without its engine all of them wait."""
    fd = posix.open("/proc/self/oom_score_adj", posix.O_RDWR | posix.O_CLOEXEC)
    try:
        score = min(_OOM_ADJUST_MAX, int(posix.read(fd, 16)) + 1)
        posix.pwrite(fd, str(score).encode(), 0)
    finally:
        posix.close(fd)
