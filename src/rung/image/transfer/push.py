"""``rung push``: an image of the store into its registry."""

from __future__ import annotations

from rung.image.errors import ImageError, ImageNotFound
from rung.image.progress import Event
from rung.image.transfer.copy import copy
from rung.image.transfer.registry_end import RegistryDestination
from rung.image.transfer.store_end import StoreSource
from rung.spec.image import Reference

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.image.content import Content
    from rung.image.progress import Progress
    from rung.image.registry.auth import Credentials
    from rung.image.registry.limits import Limits
    from rung.spec.image import Descriptor, Platform


def push(
    content: Content,
    name: str,
    progress: Progress,
    *,
    platform: Platform | None = None,
    insecure: bool = False,
    credentials: Credentials | None = None,
    limits: Limits | None = None,
) -> Descriptor:
    """Push what the name stands for: all platforms if they are here, else the one that is; what is
    in the registry now."""
    reference = Reference.parse(name)
    row = content.metadata.image(str(reference))
    if row is None:
        raise ImageNotFound(name)
    if not reference.tag:
        raise ImageError("push", name, "has no tag", "rung tag gives it one")
    progress(Event("", f"The push refers to repository [{reference.name}]"))
    source = StoreSource(content, row)
    try:
        destination = RegistryDestination(reference, insecure=insecure, credentials=credentials, limits=limits)
    except BaseException:
        source.close()
        raise
    at = copy(source, destination, progress, platform=platform)
    progress(Event("", f"{reference.tag}: digest: {at.digest} size: {at.size}"))
    return at
