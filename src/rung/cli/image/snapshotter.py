"""``rung image snapshotter``: how this store's layers become root file systems."""

from __future__ import annotations

from rung.cli.image import open_store
from rung.cli.parser import add_command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rung.cli.declaration import Namespace


def register(commands: Any, name: str) -> None:
    """Add the command."""
    about = "show or set the snapshotter of the store: overlay, erofs, native, or auto for what the host can do"
    parser = add_command(commands, name, about, "rung image snapshotter erofs", _run)
    parser.add_argument("name", nargs="?", metavar="NAME", choices=("overlay", "erofs", "native", "auto"))


def _run(args: Namespace) -> int:
    with open_store(args) as store:
        if args.name:
            store.set_snapshotter("" if args.name == "auto" else args.name)
        else:
            print(store.snapshotter)
    return 0
