"""``rung image verify-signature``: whether somebody whose key we have signed an image."""

from __future__ import annotations

import sys

from rung.cli.parser import add_command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rung.cli.declaration import Namespace


def register(commands: Any, name: str) -> None:
    """Add the command."""
    what = "check that an image in its registry is signed by a key"
    example = "rung image verify-signature --key cosign.pub registry.example.com/app:1"
    parser = add_command(commands, name, what, example, run)
    parser.add_argument("names", metavar="NAME[:TAG|@DIGEST]", nargs="+")
    options(parser)
    parser.add_argument("-q", "--quiet", action="store_true", help="print nothing, but for errors")


def options(parser: Any, *, required: bool = True) -> None:
    """The flags that say which signatures count."""
    key = "public key in PEM; several: any of them"
    parser.add_argument("--key", metavar="FILE", action="append", required=required, default=[], help=key)
    pair = "words that must have been signed with it"
    parser.add_argument("-a", "--annotations", metavar="KEY=VALUE", action="append", default=[], help=pair)
    parser.add_argument("--insecure", action="store_true", help="allow plain HTTP and unknown certificates")


def run(args: Namespace) -> int:
    """Verify, and print what was signed as cosign does: JSON on standard output."""
    import json

    from rung.cli.image.sign import pairs
    from rung.image import PublicKey, verify_image

    keys = [PublicKey.load(path) for path in args.key]
    for name in args.names:
        found = verify_image(name, keys, annotations=pairs(args.annotations), insecure=args.insecure)
        if args.quiet:
            continue
        print(f"Verified {name}: {found.digest}, {len(found.payloads)} signatures", file=sys.stderr)
        print(json.dumps([one.to_json() for one in found.payloads]))
    return 0
