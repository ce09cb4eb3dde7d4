"""``rung login``: a login tried and kept, where docker keeps its own."""

from __future__ import annotations

import sys

from rung.cli.parser import add_command
from rung.errors import RungError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rung.cli.declaration import Namespace


def register(commands: Any, name: str) -> None:
    """Add the command."""
    what = "log in to a registry"
    parser = add_command(commands, name, what, "rung login -u me --password-stdin registry.example.com <file", _run)
    parser.add_argument("server", metavar="SERVER", nargs="?", default="", help="docker's hub if left out")
    parser.add_argument("-u", "--username", metavar="NAME", default="")
    parser.add_argument("-p", "--password", metavar="TEXT", default="", help="seen by all: better is --password-stdin")
    parser.add_argument("--password-stdin", action="store_true", help="read the password from standard input")
    parser.add_argument("--insecure", action="store_true", help="allow plain HTTP and unknown certificates")


def _run(args: Namespace) -> int:
    from rung.image import login

    user, password = _asked(args)
    done = login(args.server, user, password, insecure=args.insecure)
    if not done.is_encrypted:
        print(f"WARNING! Your credentials are stored unencrypted in '{done.kept_by}'.", file=sys.stderr)
    print("Login Succeeded")
    return 0


def _asked(args: Namespace) -> tuple[str, str]:
    if args.password_stdin:
        if args.password:
            raise RungError("login", "", "--password and --password-stdin are mutually exclusive")
        if not args.username:
            raise RungError("login", "", "must provide --username with --password-stdin")
        password = sys.stdin.read().rstrip("\r\n")
        if not password:
            raise RungError("login", args.server, "needs a user and a password")
        return args.username, password
    if args.password:
        print("WARNING! Using --password via the CLI is insecure. Use --password-stdin.", file=sys.stderr)
    if (not args.username or not args.password) and not sys.stdin.isatty():
        raise RungError("login", args.server, "cannot ask for a password: there is no terminal", "--password-stdin")
    user = args.username or _ask_user(args.server)
    password = args.password or _ask_password()
    if not user or not password:
        raise RungError("login", args.server, "needs a user and a password")
    return user, password


def _ask_user(server: str) -> str:
    from rung.image import stored_user

    known = stored_user(server)
    return input(f"Username ({known}): " if known else "Username: ") or known


def _ask_password() -> str:
    from getpass import getpass

    return getpass("Password: ")
