"""Taking names away, and what nothing needs any more with the last one."""

from __future__ import annotations

from rung.image.errors import ImageError, ImageInUse
from rung.image.images.find import get, reference_of
from rung.record import Record
from rung.spec.image import Reference

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.image.content import Content
    from rung.image.images.image import Image


class Removed(Record):
    """What a removal did: names taken away, then the content that nothing needs any more."""

    untagged: tuple[str, ...]
    deleted: tuple[str, ...]
    freed_bytes: int


def remove(content: Content, name: str, *, force: bool = False) -> Removed:
    """Take a name away, or with an ID all names of the image; content that nothing else needs
    goes with the last one. Raises ``ImageInUse`` where a container needs it, unless ``force``d
    (the container keeps its files)."""
    image = get(content, name)
    by_id = _is_id(name, image)
    metadata = content.metadata
    rows = [row for row in metadata.images_by_id(str(image.id)) if row.config == str(image.id)]
    doomed = [row.name for row in rows] if by_id else [image.row.name]
    if by_id and len(doomed) > 1 and not force:
        names = ", ".join(Reference.parse(one).familiar for one in doomed)
        raise ImageError("remove", name, f"it has several names: {names}", "remove them, or use --force")
    users = metadata.rootfs_of_manifest(image.row.manifest)
    if users and len(doomed) == len(rows) and not force:
        container = ", ".join(user[:12] for user in users[:3])
        hint = "remove the container first, or use --force"
        raise ImageInUse("remove", name, f"is used by container {container}", hint)
    with metadata.transaction() as change:
        for one in doomed:
            change.execute("DELETE FROM image WHERE name = ?", one)
        content.write_index()
    keys, freed = content.collect()
    untagged = tuple(Reference.parse(one).familiar for one in doomed)
    return Removed(untagged, tuple(keys), freed)


def _is_id(name: str, image: Image) -> bool:
    reference = reference_of(name)
    return reference is None or reference.name != image.reference.name
