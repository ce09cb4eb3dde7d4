"""``rung image ...`` and docker's short forms of it (``rung images``, ``rung rmi``): a table.

Rule: one file a command, which parses, calls ``rung.image`` and prints; only the file of the
command that is asked for is imported. Such a file has ``register(commands, name)``, which adds
its parser under ``name`` (``ls``, or ``images``). Output is docker's where docker has the command.
"""

from __future__ import annotations

from rung.cli.summaries import SUMMARIES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from typing import Any

    from rung.cli.declaration import Namespace
    from rung.image import Store

#: command of ``rung image`` -> the module here that has it
COMMANDS = {
    "bootstrap": "bootstrap",
    "convert": "convert",
    "copy": "copy",
    "df": "df",
    "diff": "diff",
    "explore": "explore",
    "gc": "gc",
    "history": "history",
    "import": "import_",
    "inspect": "inspect",
    "keygen": "keygen",
    "list": "ls",
    "load": "load",
    "ls": "ls",
    "mount": "mount",
    "prune": "prune",
    "pull": "pull",
    "push": "push",
    "referrers": "referrers",
    "remove": "rm",
    "rm": "rm",
    "save": "save",
    "scan": "scan",
    "sign": "sign",
    "snapshotter": "snapshotter",
    "squash": "squash",
    "tag": "tag",
    "umount": "mount",
    "unmount": "mount",
    "unpack": "unpack",
    "verify": "verify",
    "verify-signature": "verify_signature",
}
#: word of ``rung`` itself -> the module here that has it
SHORT = {
    "history": "history",
    "images": "ls",
    "import": "import_",
    "load": "load",
    "login": "login",
    "logout": "logout",
    "manifest": "manifest",
    "pull": "pull",
    "push": "push",
    "rmi": "rm",
    "save": "save",
    "search": "search",
    "tag": "tag",
}


def register(subparsers: Any, words: Sequence[str] = ()) -> None:
    """Add the command that ``words`` name; all where there are no words, the summary of all where they name none."""
    first = next((word for word in words if word in SHORT or word == "image"), "")
    if first != "image":
        _add(subparsers, SHORT, [first] if first else SHORT)
    if first in ("", "image"):
        image = subparsers.add_parser("image", help="work with images", description="Work with images.")
        commands = image.add_subparsers(metavar="COMMAND")
        below = words[words.index("image") + 1 :] if first else ()
        named = next((word for word in below if not word.startswith("-")), "")
        if words and named not in COMMANDS:
            commands.listed += SUMMARIES["image"].items()
        else:
            _add(commands, COMMANDS, [named] if named else COMMANDS)


def _add(commands: Any, table: dict[str, str], names: Iterable[str]) -> None:
    for name in names:
        __import__(f"{__name__}.{table[name]}", fromlist=["register"]).register(commands, name)
        one = commands.parsers[name]
        one.set_defaults(image_command=(table[name], one.prog))


def open_store(args: Namespace, *, writes: bool = True) -> Store:
    """The images below ``--data-root``. ``writes``: also their unpacked files, for which an ordinary
    user becomes root in a user namespace; so this comes before anything that starts a thread."""
    from rung.image import Store

    if writes:
        from rung.cli.rootless import become_root

        become_root()

    return Store(args.data_root, snapshotter=args.snapshotter)
