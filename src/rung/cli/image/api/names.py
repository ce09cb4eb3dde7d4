"""Names of images as the API takes them apart."""

from __future__ import annotations

from rung.errors import RungError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.spec.image import Reference


def split(name: str) -> tuple[str, str]:
    """``host:5000/app:1`` as ``host:5000/app`` and ``1``, a digest in place of the tag; empty where there is none."""
    bare, _, digest = name.partition("@")
    head, slash, last = bare.rpartition("/")
    last, _, tag = last.partition(":")
    return f"{head}{slash}{last}", digest or tag


def full(name: str) -> str:
    """``busybox`` as ``docker.io/library/busybox:latest``. Raises ``RungError``."""
    return str(parsed(name))


def parsed(name: str) -> Reference:
    """A name's parts. Raises ``RungError`` for what is no name, in the words of docker's client."""
    from rung.spec.errors import SpecError
    from rung.spec.image import Reference

    try:
        return Reference.parse(name)
    except SpecError:
        repository = split(name)[0]
    if repository == repository.lower():
        raise RungError("invalid reference format")
    path = repository if "/" in repository else f"library/{repository}"
    raise RungError(f"invalid reference format: repository name ({path}) must be lowercase")


def with_tag(name: str, *, all_tags: bool, quiet: bool) -> tuple[str, str]:
    """Repository and tag to push, docker's default told; no tag for all of them. Raises ``RungError``."""
    repository, tag = split(name)
    if all_tags:
        if tag:
            raise RungError("tag can't be used with --all-tags/-a")
        return repository, ""
    if not tag and not quiet:
        print("Using default tag: latest")
    return repository, tag or "latest"
