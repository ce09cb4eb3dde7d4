"""``rung image keygen``: a key pair to sign images with, in cosign's files."""

from __future__ import annotations

from rung.cli.image.sign import ask_password
from rung.cli.parser import add_command
from rung.errors import RungError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rung.cli.declaration import Namespace


def register(commands: Any, name: str) -> None:
    """Add the command."""
    what = "make a key pair for signatures; the private half is encrypted with a password"
    parser = add_command(commands, name, what, "rung image keygen --output-key-prefix release", _run)
    prefix = "write PREFIX.key and PREFIX.pub (%(default)s)"
    parser.add_argument("--output-key-prefix", metavar="PREFIX", default="cosign", help=prefix)
    parser.add_argument("--type", choices=("ecdsa", "ed25519", "rsa"), default="ecdsa", help="(%(default)s)")


def _run(args: Namespace) -> int:
    import os

    from rung.image import PrivateKey

    secret, public = f"{args.output_key_prefix}.key", f"{args.output_key_prefix}.pub"
    for path in (secret, public):
        if os.path.lexists(path):
            raise RungError("keygen", path, "is there already", "choose another --output-key-prefix")
    key = PrivateKey.make(args.type)
    _write(secret, key.sealed(ask_password(secret, twice=True)), 0o600)
    _write(public, key.public.pem, 0o644)
    print(f"Private key written to {secret}\nPublic key written to {public}")
    return 0


def _write(path: str, data: bytes, mode: int) -> None:
    import os

    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode), "wb") as file:
        file.write(data)
