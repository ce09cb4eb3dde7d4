"""Taking names away, and images with their last one: docker's rules (daemon/images/image_delete.go).

Rule: a running container's image stays whatever is asked; a stopped one's goes by force only
(the container keeps its files). By name one name goes, by ID all do, where they are of one
repository or force is used.
"""

from __future__ import annotations

from rung.image.errors import ImageInUse, ImageNotFound
from rung.image.images.find import get, reference_of
from rung.image.images.summary import Summary, group
from rung.image.store.metadata import DANGLING, chain_key
from rung.kernel.mount import is_mountpoint
from rung.record import Record
from rung.spec.image.reference import familiar

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from rung.image.content import Content
    from rung.image.store.metadata import ImageRow, RootfsRow


class Removed(Record):
    """What a removal did: names taken away, then what nothing needs any more: image IDs and the
    chain IDs of layers. ``freed_bytes``: unpacked layers', as docker counts."""

    untagged: tuple[str, ...]
    deleted: tuple[str, ...]
    freed_bytes: int


def remove(content: Content, name: str, *, force: bool = False) -> Removed:
    """Take a name away, or an image; raises ``ImageInUse`` and leaves all as it is where docker's
    rules say no."""
    image = get(content, name)
    rows = content.metadata.images_of(str(image.id))
    if not rows:  # somebody else has just removed it
        raise ImageNotFound(image.name)
    (summary,) = group(rows)
    users = content.metadata.rootfs_of_image(summary.id)
    if _is_prefix(summary.id, name):
        _check_id(summary, users, force=force)
        doomed = rows
    else:
        if not force and _is_single(summary) and users:
            reason = f"container {users[0].id[:12]} is using its referenced image {image.id.short}"
            raise ImageInUse(f'conflict: unable to remove repository reference "{name}" (must force) - {reason}')
        doomed = _names_to_go(rows, image.row)
        if len(doomed) == len(rows) and _running(users):
            return _take_away(content, summary, doomed, keep=image.row)  # it stays, without a name
    return _take_away(content, summary, doomed)


def remove_all(content: Content, summaries: Sequence[Summary]) -> list[Removed]:
    """Remove images with all their names; the caller has looked whether they may go."""
    rows = {summary.id: content.metadata.images_of(summary.id) for summary in summaries}
    chains = {one: _chains(content, found) for one, found in rows.items()}
    with content.metadata.transaction() as change:
        for found in rows.values():
            for row in found:
                change.remove_image(row.name, row.manifest)
        content.write_index()
    gone = dict(content.collect().layers)
    removed = []
    for one, found in rows.items():
        own = [chain for chain in chains[one] if chain_key(chain) in gone]  # a layer of several goes with the first
        freed = sum(gone.pop(chain_key(chain)) for chain in own)
        removed.append(Removed(_untagged(found), (one, *own), freed))
    return removed


def _take_away(
    content: Content, summary: Summary, doomed: Sequence[ImageRow], keep: ImageRow | None = None
) -> Removed:
    chains = _chains(content, doomed)
    with content.metadata.transaction() as change:
        for row in doomed:
            change.remove_image(row.name, row.manifest)
        if keep:
            change.set_dangling(keep.manifest, keep.media_type)
        content.write_index()
    if content.metadata.images_of(summary.id):
        return Removed(_untagged(doomed), (), 0)
    gone = content.collect().layers
    own = [chain for chain in chains if chain_key(chain) in gone]
    return Removed(_untagged(doomed), (summary.id, *own), sum(gone[chain_key(chain)] for chain in own))


def _chains(content: Content, rows: Sequence[ImageRow]) -> list[str]:
    return content.metadata.chain_of(rows[0].chain) if rows and rows[0].chain else []


def _untagged(rows: Sequence[ImageRow]) -> tuple[str, ...]:
    return tuple(familiar(row.name) for row in rows if not row.name.startswith(DANGLING))


def _check_id(summary: Summary, users: list[RootfsRow], *, force: bool) -> None:
    short = summary.id.partition(":")[2][:12]
    running = _running(users)
    if running:
        reason = f"image is being used by running container {running[0].id[:12]}"
        raise ImageInUse(f"conflict: unable to delete {short} (cannot be forced) - {reason}")
    if force:
        return
    if not _is_single(summary):
        reason = "image is referenced in multiple repositories"
        raise ImageInUse(f"conflict: unable to delete {short} (must be forced) - {reason}")
    if users:
        reason = f"image is being used by stopped container {users[0].id[:12]}"
        raise ImageInUse(f"conflict: unable to delete {short} (must be forced) - {reason}")


def _names_to_go(rows: list[ImageRow], named: ImageRow) -> list[ImageRow]:
    """The name itself; with a repository's last tag go its digests."""
    doomed = [row for row in rows if row.name == named.name]
    others = [row for row in rows if row.name != named.name and _repository(row.name) == _repository(named.name)]
    if "@" not in named.name and all("@" in row.name for row in others):
        doomed += others
    return doomed


def _is_prefix(id: str, name: str) -> bool:
    return id.startswith(name) or id.partition(":")[2].startswith(name)


def _is_single(summary: Summary) -> bool:
    """At most one tag, and all digests of the same repository."""
    repositories = {_repository(name) for name in (*summary.repo_tags, *summary.repo_digests)}
    return len(summary.repo_tags) <= 1 and len(repositories) <= 1


def _repository(name: str) -> str:
    reference = reference_of(name)
    return reference.name if reference else ""


def _running(users: list[RootfsRow]) -> list[RootfsRow]:
    return [row for row in users if row.target and is_mountpoint(row.target)]
