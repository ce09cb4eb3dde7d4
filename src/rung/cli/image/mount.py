"""``rung image mount`` and ``unmount``: an image's files, read-only, to look into."""

from __future__ import annotations

from rung.cli.image import open_store
from rung.cli.parser import add_command

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rung.cli.declaration import Namespace


def register(commands: Any, name: str) -> None:
    """Add the command."""
    if name == "mount":
        about = "mount an image's files read-only, or list those that are mounted"
        parser = add_command(commands, name, about, "ls $(rung image mount debian:trixie)", _mount)
        parser.add_argument("image", metavar="IMAGE", nargs="?", default="")
        parser.add_argument("target", metavar="DIRECTORY", nargs="?", default="", help="where it is shown")
        parser.add_argument("--format", metavar="string", default="", help="of the list: json or a Go template")
    else:
        about = "take away what image mount has mounted"
        parser = add_command(commands, name, about, f"rung image {name} debian:trixie", _unmount)
        parser.add_argument("images", metavar="IMAGE", nargs="*")
        parser.add_argument("-a", "--all", action="store_true", help="of all images")


def _mount(args: Namespace) -> int:
    from rung.cli.output import print_rows
    from rung.image import mount_image, views

    store = open_store(args)
    if args.image:
        print(mount_image(store, store.get(args.image), args.target))
        return 0
    rows = [
        {"Image": (view.repo_tags or ("<none>",))[0], "ID": view.image_id.partition(":")[2][:12], "Mount": view.target}
        for view in views(store)
    ]
    print_rows(rows, {"IMAGE": "Image", "IMAGE ID": "ID", "MOUNTED AT": "Mount"}, template=args.format)
    return 0


def _unmount(args: Namespace) -> int:
    from rung.image import unmount_image, views

    store = open_store(args)
    names = [view.image_id for view in views(store)] if args.all else args.images
    for name in names:
        image = store.get(name)
        unmount_image(store, image)
        print(image.id)
    return 0
