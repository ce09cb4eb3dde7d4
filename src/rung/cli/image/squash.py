"""``rung image squash``: an image's layers made one."""

from __future__ import annotations

from rung.cli.image import open_store
from rung.cli.parser import add_command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rung.cli.declaration import Namespace


def register(commands: Any, name: str) -> None:
    """Add the command."""
    about = "make an image of one layer, without what lies hidden below"
    parser = add_command(commands, name, about, "rung image squash app:1 app:small", _run)
    parser.add_argument("image", metavar="IMAGE")
    parser.add_argument("name", metavar="NAME[:TAG]", nargs="?", default="", help="the same, if not said")


def _run(args: Namespace) -> int:
    from rung.image import squash

    store = open_store(args)
    print(squash(store, store.get(args.image), args.name or args.image).id)
    return 0
