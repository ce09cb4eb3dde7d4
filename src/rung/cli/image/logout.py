"""``rung logout``: a kept login forgotten."""

from __future__ import annotations

from rung.cli.parser import add_command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rung.cli.declaration import Namespace


def register(commands: Any, name: str) -> None:
    """Add the command."""
    parser = add_command(commands, name, "log out from a registry", "rung logout registry.example.com", _run)
    parser.add_argument("server", metavar="SERVER", nargs="?", default="", help="docker's hub if left out")


def _run(args: Namespace) -> int:
    from rung.image import logout

    server = args.server or "https://index.docker.io/v1/"
    if logout(server):
        print(f"Removing login credentials for {server}")
    else:
        print(f"Not logged in to {server}")
    return 0
