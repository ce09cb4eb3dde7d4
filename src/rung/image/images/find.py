"""Which image a person means: by name, by ID or its first digits, by digest.

Rule: as docker, a name comes before an ID, and an ID's digits must stand for one image only.
"""

from __future__ import annotations

from rung.image.errors import ImageError, ImageNotFound
from rung.image.images.image import Image
from rung.spec.errors import SpecError
from rung.spec.image import Reference
from rung.spec.image.digest import ALGORITHMS

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.image.content import Content
    from rung.image.images.summary import Summary


def get(content: Content, name: str) -> Image:
    """The image of that name, or whose ID (or digest) begins so. Raises ``ImageNotFound``."""
    found = find(content, name)
    if found is None:
        reference = reference_of(name)
        if reference is None:
            raise _malformed(name)
        raise ImageNotFound(reference.familiar)
    return found


def find(content: Content, name: str) -> Image | None:
    """The image of that name, or whose ID (or digest) begins so; None where there is none."""
    reference = reference_of(name)
    if reference is not None:
        row = content.metadata.image(str(reference))
        if row is None and reference.digest:
            return _by_digest(content, reference)
        if row is not None:
            return Image(content, row)
    return _by_id(content, name)


def named(content: Content, name: str) -> list[tuple[Image, bool]]:
    """Images for ``save``, each with whether it is meant by a name: all tags of a repository where
    the name has none, an image without its name where it is meant by its ID."""
    reference = reference_of(name)
    if reference and not reference.digest and not name.endswith(f":{reference.tag}"):
        prefix = f"{reference.name}:"
        rows = [row for row in content.metadata.images() if row.name.startswith(prefix) and "@" not in row.name]
        if rows:
            return [(Image(content, row), True) for row in rows]
    image = find(content, name)
    if image is None:
        raise ImageNotFound(name)
    return [(image, reference is not None and reference.name == image.reference.name)]


def _by_digest(content: Content, reference: Reference) -> Image | None:
    for row in content.metadata.images_by_id(str(reference.digest)):
        image = Image(content, row)
        if image.reference.name == reference.name:
            return image
    return None


def _by_id(content: Content, text: str) -> Image | None:
    algorithm, colon, digits = text.rpartition(":")
    if (colon and algorithm not in ALGORITHMS) or not digits or set(digits) - set("0123456789abcdef"):
        return None
    algorithms = [algorithm] if colon else ALGORITHMS
    rows = [row for one in algorithms for row in content.metadata.images_by_id(f"{one}:{digits}")]
    if len({row.config for row in rows}) > 1:
        raise ImageError("image", text, "stands for several images", "give more of its ID")
    return Image(content, rows[0]) if rows else None


def no_image(name: str) -> Summary:
    """For filters that name no image."""
    raise ImageNotFound(name)


def reference_of(name: str) -> Reference | None:
    """A name as a reference; None where it can be none."""
    try:
        return Reference.parse(name)
    except SpecError:
        return None


def parse_name(name: str) -> Reference:
    """A name for an image; raises ``ImageError`` in docker's words."""
    found = reference_of(name)
    if found is None:
        raise _malformed(name)
    return found


def _malformed(name: str) -> ImageError:
    """What docker says of a name that can be none."""
    lower = reference_of(name.lower())
    if lower is None or name == name.lower():
        return ImageError("invalid reference format")
    path = name if "/" in name else f"library/{name}"
    return ImageError("invalid reference format", "", f"repository name ({path}) must be lowercase")
