"""``rung image verify``: does the store hold what it says it holds? With ``--key``: is an image signed?"""

from __future__ import annotations

import sys

from rung.cli.image import open_store, verify_signature
from rung.cli.parser import add_command
from rung.cli.progress import watch
from rung.errors import RungError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rung.cli.declaration import Namespace
    from rung.image import Verified


def register(commands: Any, name: str) -> None:
    """Add the command."""
    about = "hash all content again and follow every name; with --key, check signatures of images in registries"
    parser = add_command(commands, name, about, "rung image verify --repair", _run)
    parser.add_argument("names", metavar="NAME[:TAG|@DIGEST]", nargs="*", help="only with --key")
    verify_signature.options(parser, required=False)
    parser.add_argument("--repair", action="store_true", help="put right what needs no registry")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("-q", "--quiet", action="store_true", help="print problems only")


def _run(args: Namespace) -> int:
    if args.key and args.names:
        return verify_signature.run(args)
    if args.key or args.names:
        raise RungError("verify", "", "--key and the names of signed images go together", "rung image verify --help")
    store = open_store(args)
    bars = sys.stderr.isatty() and not args.quiet and not args.json
    with watch(sys.stderr, quiet=not bars) as progress:
        found = store.verify(progress)
        repaired = found.problems if args.repair else ()
        if repaired:
            store.repair(found.problems)
            found = store.verify(progress)
    if args.json:
        _print_json(found, [one for one in repaired if one not in found.problems])
    else:
        _print(found, [one for one in repaired if one not in found.problems], quiet=args.quiet)
    return 1 if found.problems else 0


def _print(found: Verified, repaired: Any, *, quiet: bool) -> None:
    from rung.cli.output import human_size

    for one in repaired:
        print(f"repaired: {one}")
    for one in found.problems:
        print(one)
    if not quiet:
        size = human_size(found.bytes)
        looked = f"{found.images} images, {found.blobs} blobs ({size}), {found.layers} unpacked layers"
        print(f"{looked}: {len(found.problems) or 'no'} problem{'' if len(found.problems) == 1 else 's'}")
    missing = sorted({one.image for one in found.problems if one.kind == "missing"})
    for name in missing:
        print(f"rung: {name} is incomplete (rung pull it again)", file=sys.stderr)


def _print_json(found: Verified, repaired: Any) -> None:
    import json

    value = {
        "images": found.images,
        "blobs": found.blobs,
        "bytes": found.bytes,
        "layers": found.layers,
        "problems": [vars(one) for one in found.problems],
        "repaired": [vars(one) for one in repaired],
    }
    print(json.dumps(value, indent=2))
