"""``archive``, ``export``, ``changes``: a container's files, out and in."""

from __future__ import annotations

import os
import stat
from base64 import b64encode

from rung import jsonc
from rung.engine.docker.answers import Answer, Streamed, document
from rung.engine.docker.images import received
from rung.engine.docker.progress import Piped
from rung.engine.errors import BadParameter, EngineError, NotFound
from rung.engine.files.changes import changes
from rung.engine.files.root import Place, below
from rung.engine.files.whole import is_own_view, resolve, root_of, rootfs_of
from rung.engine.lifecycle.start import who
from rung.kernel.idmap import as_owner
from rung.spec.jsonfile import timestamp

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import BinaryIO

    from rung.engine.container import Container
    from rung.engine.docker.call import Call
    from rung.engine.docker.routes import Table
    from rung.engine.engine import Engine

#: Go's os.FileMode bits beyond the permissions.
_GO = {
    stat.S_IFDIR: 1 << 31,
    stat.S_IFLNK: 1 << 27,
    stat.S_IFBLK: 1 << 26,
    stat.S_IFIFO: 1 << 25,
    stat.S_IFSOCK: 1 << 24,
    stat.S_IFCHR: 1 << 26 | 1 << 21,
}

#: How long a look at one file of a container may take.
LOOK_S = 30.0
_READ_ONLY = "container rootfs is marked read-only"
#: Places in a container's files that the engine and the runtime have made, and no workload.
HIDDEN = frozenset(
    ("/etc/hosts", "/etc/hostname", "/etc/resolv.conf", "/dev", "/proc", "/sys", "/.dockerenv", "/sbin/docker-init")
)


def table(engine: Engine) -> Table:
    """The endpoints of this file."""

    def get(call: Call) -> Container:
        return engine.containers.get(call.words["id"])

    async def stat_of(container: Container, path: str) -> str:
        subject = f"the files of container {container.name}"
        return await engine.threads.apart(subject, _stat, engine, container, path, deadline_s=LOOK_S)

    async def look(call: Call) -> Answer:
        header = await stat_of(get(call), _path(call))
        return Answer(headers=(("X-Docker-Container-Path-Stat", header),))

    async def copy_out(call: Call) -> Streamed:
        container, path = get(call), _path(call)
        header = await stat_of(container, path)
        subject = f"copies from container {container.name}"
        pieces = Piped(engine, subject, lambda file: _pack(engine, container, path, file))
        return Streamed(pieces, "application/x-tar", (("X-Docker-Container-Path-Stat", header),))

    async def copy_in(call: Call) -> Answer:
        container, path = get(call), _path(call)
        with await received(engine, call) as archive:
            how = (call.flag("copyUIDGID"), not call.flag("noOverwriteDirNonDir"))
            subject = f"copies to container {container.name}"
            await engine.threads.apart(subject, _unpack, engine, container, path, archive, how)
        return Answer()

    async def export(call: Call) -> Streamed:
        container = get(call)
        pieces = Piped(engine, f"exports of container {container.name}", lambda file: _export(engine, container, file))
        engine.events.tell("container", "export", container.id, container.attributes())
        return Streamed(pieces, "application/octet-stream")

    async def diff(call: Call) -> Answer:
        with engine.counts.timed("changes"):
            found = await engine.threads.disk(changed, engine, get(call))
        return document([{"Path": path, "Kind": kind} for path, kind in found] or None)

    return {
        "HEAD /containers/{id}/archive": look,
        "GET /containers/{id}/archive": copy_out,
        "PUT /containers/{id}/archive": copy_in,
        "GET /containers/{id}/export": export,
        "GET /containers/{id}/changes": diff,
    }


def _path(call: Call) -> str:
    path = call.query.get("path")
    if not path:
        raise BadParameter("bad parameter: pathcannot be empty")  # Docker's own words
    return path


def _no_such(path: str, container: Container) -> NotFound:
    return NotFound(f"Could not find the file {path} in container {container.id}")


def _stat(engine: Engine, container: Container, path: str) -> str:
    """Docker's ContainerPathStat as JSON in base64. Raises ``NotFound``."""
    follow = path.endswith("/")
    with root_of(engine, container) as root, below(*resolve(container, root, path), follow=follow) as place:
        if place is None:
            raise _no_such(path, container)
        found = {
            "name": os.path.basename(os.path.normpath(path)) or "/",
            "size": place.status.st_size,
            "mode": stat.S_IMODE(place.status.st_mode) & 0o777 | _GO.get(stat.S_IFMT(place.status.st_mode), 0),
            "mtime": timestamp(place.status.st_mtime_ns),
            "linkTarget": _link(place, path),
        }
    return b64encode(jsonc.dumps(found).encode()).decode()


def _link(place: Place, path: str) -> str:
    target = place.link_target()
    above = os.path.dirname(os.path.normpath("/" + path.lstrip("/")))
    return os.path.normpath(os.path.join(above, target)) if target else ""


def _pack(engine: Engine, container: Container, path: str, file: BinaryIO) -> None:
    from rung.engine.files.pack import pack

    follow = path.endswith(("/", "/."))
    with root_of(engine, container) as root, below(*resolve(container, root, path), follow=follow) as place:
        if place is None:
            raise _no_such(path, container)
        base = os.path.basename(os.path.normpath(path))
        ids = engine.ids(container)
        owners = ids.inside if ids is not None else None
        pack(place, "." if path.endswith("/.") else base or ".", file, owners=owners)


def _unpack(
    engine: Engine, container: Container, path: str, archive: BinaryIO, how: tuple[bool, bool]
) -> None:
    from rung.engine.files.unpack import Unpacker

    as_user, replace = how
    with root_of(engine, container) as root:
        base, inside = resolve(container, root, path)
        with below(base, inside) as place:
            if place is None:
                raise _no_such(path, container)
            if not place.is_directory:
                raise EngineError("extraction point is not a directory")
        if container.host.get("ReadonlyRootfs") and base == root and not is_own_view(root):
            raise EngineError(_READ_ONLY)
        if not os.fstat(archive.fileno()).st_size:  # nothing at all is an empty archive
            return
        try:
            identity = who(container, root) if as_user else None
            owner = (identity.uid, identity.gid) if identity is not None else None
            ids = engine.ids(container)
            if ids is None:
                Unpacker(base, inside, owner=owner, replace=replace).take(archive)
            else:
                unpacker = Unpacker(base, inside, owner=owner, replace=replace, owners=ids.outside)
                as_owner(*ids.root, lambda: unpacker.take(archive))
        except OSError as error:
            if error.errno == 30:
                raise EngineError(_READ_ONLY) from None
            raise


def _export(engine: Engine, container: Container, file: BinaryIO) -> None:
    """The root file system alone, without what is mounted in it."""
    from rung.engine.files.pack import pack

    with rootfs_of(engine, container) as root, below(root, "/") as place:
        if place is None:
            raise _no_such("/", container)
        ids = engine.ids(container)
        pack(place, "", file, owners=ids.inside if ids is not None else None)


def changed(engine: Engine, container: Container) -> list[tuple[str, int]]:
    """Docker's changes: path and kind."""
    rootfs = engine.store.rootfs(container.id)
    if rootfs is None:
        return []
    hidden = HIDDEN | {one["destination"] for one in container.mounts}
    found = changes(rootfs.changes, rootfs.layers, hidden)
    kept = {one.path for one in found}
    # A directory that only holds what a mount has made there is nobody's change either.
    return [(one.path, one.kind) for one in found if one.kind or _is_real(one.path, kept, rootfs.changes)]


def _is_real(path: str, kept: set[str], upper: str) -> bool:
    full = f"{upper}{path}"
    if not os.path.isdir(full):
        return True
    inside = os.listdir(full)
    return not inside or any(f"{path}/{name}" in kept for name in inside)


