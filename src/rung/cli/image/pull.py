"""``rung pull``, and the image that ``rung run`` names."""

from __future__ import annotations

import sys

from rung.cli.image import open_store
from rung.cli.parser import add_command
from rung.cli.progress import watch
from rung.errors import RungError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rung.cli.declaration import Namespace
    from rung.image import Image, Store


def register(commands: Any, name: str) -> None:
    """Add the command."""
    parser = add_command(commands, name, "fetch an image from a registry", "rung pull debian:trixie", _run)
    parser.add_argument("name", metavar="NAME[:TAG|@DIGEST]")
    parser.add_argument("--platform", metavar="OS/ARCH[/VARIANT]", help="another platform than this machine's")
    parser.add_argument("--all-platforms", action="store_true", help="the others' content too, to push it whole")
    parser.add_argument("-a", "--all-tags", action="store_true", help="all tags of the repository")
    parser.add_argument("--insecure", action="store_true", help="allow plain HTTP and unknown certificates")
    parser.add_argument("-q", "--quiet", action="store_true", help="print the image's name only")


def _run(args: Namespace) -> int:
    for name in names_to_pull(args):
        _pull(args, name)
    return 0


def names_to_pull(args: Namespace) -> list[str]:
    """The name, or with ``--all-tags`` that of each tag that its registry has. Raises ``RungError``."""
    is_bare = ":" not in args.name.rpartition("/")[2]
    if args.all_tags:
        from rung.image import list_tags

        if not is_bare:
            raise RungError("tag can't be used with --all-tags/-a")
        return [f"{args.name}:{tag}" for tag in list_tags(args.name, insecure=args.insecure)]
    if is_bare and not args.quiet:
        print("Using default tag: latest")
    return [args.name]


def _pull(args: Namespace, name: str) -> None:
    store = open_store(args)
    before = store.find(name)
    with watch(sys.stdout, quiet=args.quiet) as progress:
        image = store.pull(
            name, args.platform, progress, all_platforms=args.all_platforms, insecure=args.insecure
        )
    if not args.quiet:
        same = before is not None and before.digest == image.digest and before.id == image.id
        status = "Image is up to date" if same else "Downloaded newer image"
        print(f"Digest: {image.digest}\nStatus: {status} for {image.name}")
    print(image.reference)


def image_for_run(args: Namespace, name: str) -> tuple[Store, Image]:
    """The image that ``rung run`` names, pulled where the store does not have it."""
    store = open_store(args)
    image = store.find(name)
    platform = getattr(args, "platform", None)
    if image is not None and (not platform or _same_platform(image, platform)):
        return store, image
    print(f"Unable to find image '{name}' locally", file=sys.stderr)
    with watch(sys.stderr) as progress:
        return store, store.pull(name, platform, progress, insecure=getattr(args, "insecure", False))


def _same_platform(image: Image, wanted: str) -> bool:
    from rung.spec.image import Platform

    return image.platform.serves(Platform.parse(wanted)) is not None
