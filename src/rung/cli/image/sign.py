"""``rung image sign``: sign an image in its registry, as cosign does."""

from __future__ import annotations

import sys

from rung.cli.parser import add_command
from rung.errors import RungError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rung.cli.declaration import Namespace

#: Where a key's password is looked for, so that a pipeline need not type it. cosign's name works too.
PASSWORDS = ("RUNG_KEY_PASSWORD", "COSIGN_PASSWORD")


def register(commands: Any, name: str) -> None:
    """Add the command."""
    what = "sign an image in its registry"
    example = "rung image sign --key cosign.key registry.example.com/app:1"
    parser = add_command(commands, name, what, example, _run)
    parser.add_argument("name", metavar="NAME[:TAG|@DIGEST]", nargs="+")
    parser.add_argument("--key", metavar="FILE", required=True, help="private key: cosign's, or PEM")
    pair = "words to sign with the image"
    parser.add_argument("-a", "--annotations", metavar="KEY=VALUE", action="append", default=[], help=pair)
    parser.add_argument("-r", "--recursive", action="store_true", help="an index with all its images")
    form = "cosign's tag, an OCI 1.1 referrer, both of them, or a bundle as newer cosigns have it (%(default)s)"
    parser.add_argument("--form", choices=("tag", "referrer", "both", "bundle"), default="both", help=form)
    parser.add_argument("--insecure", action="store_true", help="allow plain HTTP and unknown certificates")


def _run(args: Namespace) -> int:
    from rung.image import PrivateKey, sign_image

    key = PrivateKey.load(args.key, ask_password(args.key))
    said = pairs(args.annotations)
    for name in args.name:
        signed = sign_image(
            name, key, annotations=said, recursive=args.recursive, form=args.form, insecure=args.insecure
        )
        for at in signed:
            print(f"Signed: {name.partition('@')[0]}@{at.digest}")
    return 0


def pairs(words: list[str]) -> dict[str, str]:
    """``-a a=b -a c=d``."""
    found = {}
    for word in words:
        key, equals, value = word.partition("=")
        if not key or not equals:
            raise RungError("annotation", word, "is not KEY=VALUE")
        found[key] = value
    return found


def ask_password(path: str, *, twice: bool = False) -> bytes:
    """The password of a key: from the environment, or typed; empty where nobody can be asked."""
    import os

    for name in PASSWORDS:
        if name in os.environ:
            return os.environ[name].encode()
    if not sys.stdin.isatty():
        return b""
    from getpass import getpass

    typed = getpass(f"Password for {path}: ")
    if twice and getpass("Once more: ") != typed:
        raise RungError("password", "", "the two are not the same")
    return typed.encode()
