"""``rung image convert``: the same image with its layers in another form."""

from __future__ import annotations

import sys

from rung.cli.image import open_store
from rung.cli.parser import add_command
from rung.cli.progress import watch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rung.cli.declaration import Namespace


def register(commands: Any, name: str) -> None:
    """Add the command."""
    about = "make an image of the same files with its layers in another form"
    parser = add_command(commands, name, about, "rung image convert --zstd app:1 app:1-zstd", _run)
    form = parser.add_mutually_exclusive_group(required=True)
    told = {
        "gzip": "compressed with gzip, as all registries and clients know it",
        "zstd": "compressed with zstd: smaller, and several times as fast to unpack",
        "uncompressed": "not compressed",
        "erofs": "images of EROFS, which are mounted and not unpacked (containerd's erofs snapshotter)",
        "erofs-zstd": "the same, each compressed with zstd",
        "estargz": "gzip whose files can be fetched one by one (containerd's stargz snapshotter)",
    }
    for flag, what in told.items():
        form.add_argument(f"--{flag}", dest="form", action="store_const", const=flag, help=what)
    parser.add_argument("image", metavar="IMAGE")
    parser.add_argument("name", metavar="NAME[:TAG]")
    parser.add_argument("-q", "--quiet", action="store_true", help="print the new image's digest only")


def _run(args: Namespace) -> int:
    from rung.image import convert

    store = open_store(args)
    with watch(sys.stderr, quiet=args.quiet) as progress:
        image = convert(store, store.get(args.image), args.name, args.form, progress)
    print(image.manifest_digest)
    return 0
