"""``transport:where`` as skopeo writes it (containers-transports(5)). Pure.

    docker://NAME[:TAG|@DIGEST]      a registry
    store:NAME                       the store of this host
    oci:DIRECTORY[:REF]              an OCI image layout
    oci-archive:FILE[:REF]           the same as one tar
    docker-archive:FILE[:NAME:TAG]   what docker save writes
    dir:DIRECTORY                    a directory of plain files
"""

from __future__ import annotations

from rung.image.errors import ImageError
from rung.record import Record

REGISTRY, STORE, DIRECTORY = "docker", "store", "dir"
LAYOUT, OCI_ARCHIVE, DOCKER_ARCHIVE = "oci", "oci-archive", "docker-archive"
_ALL = (REGISTRY, STORE, LAYOUT, OCI_ARCHIVE, DOCKER_ARCHIVE, DIRECTORY)


class Place(Record):
    """``where`` is a path, or a reference for ``docker`` and ``store``; ``ref`` is empty where none is said."""

    transport: str
    where: str
    ref: str = ""

    def __str__(self) -> str:
        joint = "//" if self.transport == REGISTRY else ""
        return f"{self.transport}:{joint}{self.where}{f':{self.ref}' if self.ref else ''}"


def parse_place(text: str) -> Place:
    """A place as people type it."""
    transport, colon, rest = text.partition(":")
    if not colon or transport not in _ALL:
        hint = f"docker://{text} for a registry, store:{text} for this host's store"
        if colon and "/" not in transport and "." not in transport:
            hint = f"there are {', '.join(_ALL)}"
        raise ImageError("copy", repr(text), "does not begin with a transport", hint)
    if transport == REGISTRY:
        if not rest.startswith("//") or not rest[2:]:
            raise ImageError("copy", repr(text), "is no name in a registry", "write docker://NAME:TAG")
        return Place(transport, rest[2:])
    if not rest:
        raise ImageError("copy", repr(text), "names nothing", f"write {transport}:WHERE")
    if transport in (STORE, DIRECTORY):
        return Place(transport, rest)
    # As containers/image: the first colon ends the path.
    where, _, ref = rest.partition(":")
    if not where:
        raise ImageError("copy", repr(text), "names no path")
    return Place(transport, where, ref)
