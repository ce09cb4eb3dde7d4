"""``rung pull``, and the image that ``rung run`` names."""

from __future__ import annotations

import sys

from rung.cli.image import open_store
from rung.cli.parser import add_command
from rung.cli.progress import watch

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any

    from rung.image import Image, Store


def register(commands: Any, name: str) -> None:
    """Add the command."""
    parser = add_command(commands, name, "fetch an image from a registry", "rung pull debian:trixie", _run)
    parser.add_argument("name", metavar="NAME[:TAG|@DIGEST]")
    parser.add_argument("--platform", metavar="OS/ARCH[/VARIANT]", help="another platform than this machine's")
    parser.add_argument("--insecure", action="store_true", help="allow plain HTTP and unknown certificates")
    parser.add_argument("-q", "--quiet", action="store_true", help="print the image's name only")


def _run(args: argparse.Namespace) -> int:
    with watch(sys.stdout, quiet=args.quiet) as progress:
        image = open_store(args).pull(args.name, args.platform, progress, insecure=args.insecure)
    if not args.quiet:
        print(f"Digest: {image.digest}")
    print(image.reference)
    return 0


def image_for_run(args: argparse.Namespace, name: str) -> tuple[Store, Image]:
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
