"""checkpoint: a container's processes and what they hold, saved below ``image_path``.

A container that goes on afterwards, or whose dump fails, goes on as it was. ``descriptors.json``
beside CRIU's images says what 0, 1 and 2 were when it was created, as runc and crun write it: a restore
puts its own in the place of pipes.
"""

from __future__ import annotations

from rung import jsonc, posix
from rung.files import write_atomically
from rung.runtime.checkpoint import criu, outside, rpc
from rung.runtime.checkpoint.request import DUMP_LOG, dump_options, named
from rung.runtime.errors import CriuError, RuntimeFailure
from rung.runtime.plan.compile import compile_container
from rung.runtime.plan.request import Request
from rung.runtime.state import PAUSED
from rung.undo import Closing, Undo

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.runtime.cgroup import Cgroup
    from rung.runtime.checkpoint.options import CheckpointOptions, Options
    from rung.runtime.state import Facts
    from rung.spec.runtime.config import Config

DESCRIPTORS = "descriptors.json"


def dump(facts: Facts, config: Config, group: Cgroup, status: str, options: CheckpointOptions) -> None:
    """Save a container that is running or paused. Raises ``CriuError``."""
    criu.find()
    if options.pre_dump:
        criu.check_feature("mem_track", "dump memory beforehand (--pre-dump)")
    if options.lazy_pages:
        criu.check_feature("lazy_pages", "leave pages to be fetched later (--lazy-pages)")
    with Closing() as closing:
        images_fd, work_fd = open_directories(options, closing, make=True)
        _check_parent(options)
        external = [] if options.pre_dump else _external(facts, config)
        wanted = dump_options(
            options,
            config,
            pid=facts.pid,
            root=facts.rootfs,
            images_fd=images_fd,
            work_fd=work_fd,
            freezer=group.paths.get("freezer", group.paths.get("", "")),
            inodes={kind: posix.stat(path).st_ino for kind, path in named(config).items()},
            external=external,
        )
        if not options.pre_dump:
            descriptors = jsonc.dumps(facts.descriptors).encode()
            write_atomically(posix.join(options.image_path, DESCRIPTORS), descriptors)
        with Undo() as undo:
            if status != PAUSED:
                undo.push(group.thaw)  # CRIU does so itself, unless it was killed
            _ask(facts.id, wanted, options)
            undo.keep()


def _ask(container_id: str, wanted: dict[str, object], options: CheckpointOptions) -> None:
    kind = rpc.PRE_DUMP if options.pre_dump else rpc.DUMP

    def notified(name: str, _pid: int, _fd: int) -> None:
        if name == "status-ready" and options.status_fd >= 0:
            posix.write(options.status_fd, b"\0")
            posix.close(options.status_fd)

    log = posix.join(options.log_directory, DUMP_LOG)
    with criu.start() as talk:
        try:
            response = talk.ask(rpc.request(type=kind, opts=wanted), notified)
        except CriuError:
            raise criu.failure("dump", container_id, log, None) from None
    if not response.success:
        raise criu.failure("dump", container_id, log, response)


def _external(facts: Facts, config: Config) -> list[str]:
    from rung.runtime import cgroup

    request = Request(facts.id, facts.bundle, config, facts.cgroup_paths, cgroup.hierarchies().mode)
    root_fd = posix.open(f"/proc/{facts.pid}/root", posix.O_PATH | posix.O_DIRECTORY | posix.O_CLOEXEC)
    try:
        return outside.for_dump(compile_container(request).steps, config, outside.Inside(root_fd))
    finally:
        posix.close(root_fd)


def _check_parent(options: CheckpointOptions) -> None:
    path = options.parent_path
    if not path:
        return
    if path.startswith("/"):
        raise RuntimeFailure("use --parent-path", f'"{path}"', "it must be relative to --image-path")
    whole = posix.join(options.image_path, path)
    if not posix.isdir(whole):
        raise RuntimeFailure("use --parent-path", f'"{path}"', f"{posix.normpath(whole)} is no directory")


def open_directories(options: Options, closing: Closing, *, make: bool) -> tuple[int, int]:
    """Descriptors of the images' and of the work directory (-1: none was given)."""
    images = _open(options.image_path, "--image-path", closing, make=make)
    return images, _open(options.work_path, "--work-path", closing, make=True) if options.work_path else -1


def _open(path: str, flag: str, closing: Closing, *, make: bool) -> int:
    try:
        if make:
            posix.makedirs(path, 0o700, exist_ok=True)
        return closing.add(posix.open(path, posix.O_RDONLY | posix.O_DIRECTORY | posix.O_CLOEXEC))
    except OSError as error:
        raise RuntimeFailure(f"use {flag}", f'"{path}"', str(error.strerror)) from None
