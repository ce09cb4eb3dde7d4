"""``rung unshare``: a command in the user namespace in which an ordinary user's images belong to root.

podman's command of that name: to look into a mounted image, or to remove what its files are.
"""

from __future__ import annotations

from rung.cli.declaration import REMAINDER
from rung.errors import RungError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

    from rung.cli.declaration import Namespace


def register(subparsers: Any, words: Sequence[str] = ()) -> None:
    """Add the command of this file."""
    from rung.cli.parser import add_command

    about = "run a command in the user namespace of an ordinary user's images"
    parser = add_command(subparsers, "unshare", about, "rung unshare ls -ln ~/.local/share/rung", _run)
    parser.add_argument("words", metavar="[COMMAND [ARG...]]", nargs=REMAINDER)
    parser.set_defaults(error_status=125)


def _run(args: Namespace) -> int:
    import os

    from rung.cli.rootless import become_root, is_ordinary

    if not is_ordinary():
        raise RungError("please use unshare with rootless", "", "", "root's images are root's already")
    become_root()
    command = args.words or [os.environ.get("SHELL") or "/bin/sh"]
    try:
        os.execvp(command[0], command)
    except FileNotFoundError:
        args.error_status = 127
        raise RungError(f'exec: "{command[0]}"', "", "executable file not found in $PATH") from None
    except PermissionError:
        args.error_status = 126
        raise RungError(f'exec: "{command[0]}"', "", "permission denied") from None
