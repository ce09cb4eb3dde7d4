"""``rung image unpack``: an image as a bundle for an OCI runtime (umoci's unpack)."""

from __future__ import annotations

from rung.cli.image import open_store
from rung.cli.parser import add_command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rung.cli.declaration import Namespace


def register(commands: Any, name: str) -> None:
    """Add the command."""
    about = "unpack an image into a bundle: rootfs and config.json"
    parser = add_command(commands, name, about, "rung image unpack debian:trixie bundle", _run)
    parser.add_argument("image", metavar="IMAGE")
    parser.add_argument("bundle", metavar="DIRECTORY")
    parser.add_argument("--rootless", action="store_true", help="with a configuration for a caller without privilege")


def _run(args: Namespace) -> int:
    from rung.image import unpack_bundle

    store = open_store(args)
    unpack_bundle(store, store.get(args.image), args.bundle, rootless=args.rootless)
    return 0
