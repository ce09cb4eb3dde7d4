"""``rung pull``, ``images``, ``image ...`` and docker's short forms of them.

Each command parses, calls ``rung.image`` and prints; output is docker's where docker
has the command. The images are those below ``--data-root``.
"""

from __future__ import annotations

import argparse
import os
import sys

from rung.errors import RungError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rung.image import Image, Store


def register(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the commands of this group."""
    for add in (_add_pull, _add_images, _add_rmi, _add_save, _add_load, _add_import):
        add(subparsers)
    image = subparsers.add_parser("image", help="work with images", description="Work with images.")
    commands = image.add_subparsers(metavar="COMMAND", required=True)
    for add in (_add_pull, _add_ls, _add_rm, _add_save, _add_load, _add_import):
        add(commands)
    for add in (_add_inspect, _add_tag, _add_bootstrap):
        add(commands)


def image_for_run(args: argparse.Namespace, name: str) -> tuple[Store, Image]:
    """The image that ``rung run`` names, pulled where the store does not have it."""
    store = _store(args)
    image = store.find(name)
    platform = getattr(args, "platform", None)
    if image is not None and (not platform or _same_platform(image, platform)):
        return store, image
    print(f"Unable to find image '{name}' locally", file=sys.stderr)
    with _progress(sys.stderr) as progress:
        return store, store.pull(name, platform, progress, insecure=getattr(args, "insecure", False))


def _same_platform(image: Image, wanted: str) -> bool:
    from rung.spec.image import Platform

    return image.platform.serves(Platform.parse(wanted)) is not None


# --- the parsers -------------------------------------------------------------------


def _parser(commands: Any, name: str, help: str, example: str, run: Any) -> argparse.ArgumentParser:
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=help, description=help[0].upper() + help[1:] + ".", epilog=f"example: {example}"
    )
    parser.set_defaults(run=run)
    return parser


def _add_pull(commands: Any) -> None:
    parser = _parser(commands, "pull", "fetch an image from a registry", "rung pull debian:trixie", _pull)
    parser.add_argument("name", metavar="NAME[:TAG|@DIGEST]")
    parser.add_argument("--platform", metavar="OS/ARCH[/VARIANT]", help="another platform than this machine's")
    parser.add_argument("--insecure", action="store_true", help="allow plain HTTP and unknown certificates")
    parser.add_argument("-q", "--quiet", action="store_true", help="print the image's name only")


def _add_images(commands: Any) -> None:
    _listing(_parser(commands, "images", "list images", "rung images --format '{{.Repository}}'", _ls))


def _add_ls(commands: Any) -> None:
    _listing(_parser(commands, "ls", "list images", "rung image ls --json", _ls))


def _listing(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("name", metavar="NAME", nargs="?", help="only this repository, or this image")
    parser.add_argument("-q", "--quiet", action="store_true", help="print IDs only")
    parser.add_argument("--no-trunc", action="store_true", help="print whole IDs")
    parser.add_argument("--digests", action="store_true", help="print digests too")
    parser.add_argument("--format", metavar="TEMPLATE", default="", help="table, json or a template")
    parser.add_argument("--json", action="store_true", help="print one JSON array")


def _add_rmi(commands: Any) -> None:
    _removing(_parser(commands, "rmi", "remove images", "rung rmi debian:trixie", _rm))


def _add_rm(commands: Any) -> None:
    _removing(_parser(commands, "rm", "remove images", "rung image rm debian:trixie", _rm))


def _removing(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("names", metavar="IMAGE", nargs="+")
    parser.add_argument("-f", "--force", action="store_true", help="even if containers use it")


def _add_save(commands: Any) -> None:
    example = "rung save -o trixie.tar debian:trixie"
    parser = _parser(commands, "save", "write images into one archive", example, _save)
    parser.add_argument("names", metavar="IMAGE", nargs="+")
    parser.add_argument("-o", "--output", metavar="FILE", help="instead of standard output")
    formats = ("docker-archive", "oci-archive")
    parser.add_argument("--format", choices=formats, default=formats[0], help="(default: %(default)s)")


def _add_load(commands: Any) -> None:
    parser = _parser(commands, "load", "load images from an archive", "rung load -i trixie.tar", _load)
    parser.add_argument("-i", "--input", metavar="FILE", help="instead of standard input")
    parser.add_argument("-q", "--quiet", action="store_true", help="print no progress")


def _add_import(commands: Any) -> None:
    example = "rung import rootfs.tar.gz mine:1"
    parser = _parser(commands, "import", "make an image from a root file system's tar", example, _import)
    parser.add_argument("file", metavar="FILE|-")
    parser.add_argument("name", metavar="NAME[:TAG]", nargs="?", default="")
    parser.add_argument("-m", "--message", default="Imported by rung", help="a comment kept with the image")
    what = "ENV, CMD, ENTRYPOINT, WORKDIR, USER, EXPOSE, VOLUME, LABEL or STOPSIGNAL, as in a Dockerfile"
    parser.add_argument("-c", "--change", metavar="INSTRUCTION", action="append", default=[], help=what)


def _add_inspect(commands: Any) -> None:
    example = "rung image inspect debian:trixie"
    parser = _parser(commands, "inspect", "show what is known of images, as JSON", example, _inspect)
    parser.add_argument("names", metavar="IMAGE", nargs="+")
    parser.add_argument("--format", metavar="TEMPLATE", default="", help="json or a template")


def _add_tag(commands: Any) -> None:
    example = "rung image tag debian:trixie localhost:5000/debian"
    parser = _parser(commands, "tag", "give an image one more name", example, _tag)
    parser.add_argument("image", metavar="IMAGE")
    parser.add_argument("name", metavar="NAME[:TAG]")


def _add_bootstrap(commands: Any) -> None:
    example = "rung image bootstrap debian:trixie"
    what = "build a base image from its distribution's own signed archive, without a registry"
    parser = _parser(commands, "bootstrap", what, example, _bootstrap)
    parser.add_argument("name", metavar="debian:SUITE[-slim]|ubuntu:SUITE|busybox")
    parser.add_argument("--mirror", metavar="URL", default="", help="of the package archive")
    parser.add_argument("--tag", metavar="NAME[:TAG]", default="", help="another name for the image")
    parser.add_argument("-q", "--quiet", action="store_true", help="print the image's name only")


# --- the commands ------------------------------------------------------------------


def _store(args: argparse.Namespace) -> Store:
    from rung.image import Store

    return Store(args.data_root)


def _progress(stream: Any, *, quiet: bool = False) -> Any:
    from rung.cli.progress import watch

    return watch(stream, quiet=quiet)


def _pull(args: argparse.Namespace) -> int:
    with _progress(sys.stdout, quiet=args.quiet) as progress:
        image = _store(args).pull(args.name, args.platform, progress, insecure=args.insecure)
    if not args.quiet:
        print(f"Digest: {image.digest}")
    print(image.reference)
    return 0


def _bootstrap(args: argparse.Namespace) -> int:
    with _progress(sys.stderr, quiet=args.quiet) as progress:
        image = _store(args).bootstrap(args.name, progress, mirror=args.mirror, tag=args.tag)
    print(image.name)
    return 0


def _ls(args: argparse.Namespace) -> int:
    from rung.cli.imageview import columns, image_rows
    from rung.cli.output import print_rows

    images = _store(args).images()
    if args.name:
        images = [image for image in images if args.name in (image.name, image.reference.familiar_name)]
    rows = image_rows(images, truncate=not args.no_trunc)
    if args.json:
        import json

        print(json.dumps(rows, indent=2))
        return 0
    if args.quiet:
        rows = list({row["ID"]: row for row in rows}.values())
    print_rows(rows, columns(digests=args.digests), quiet="ID" if args.quiet else "", template=args.format)
    return 0


def _rm(args: argparse.Namespace) -> int:
    store = _store(args)
    status = 0
    for name in args.names:
        try:
            removed = store.remove(name, force=args.force)
        except RungError as error:
            print(f"rung: {error}", file=sys.stderr)
            status = 1
            continue
        for untagged in removed.untagged:
            print(f"Untagged: {untagged}")
        for key in removed.deleted:
            if not key.startswith("chain:"):
                print(f"Deleted: {key}")
    return status


def _save(args: argparse.Namespace) -> int:
    store = _store(args)
    if args.output:
        _save_to(store, args)
        return 0
    if sys.stdout.isatty():
        raise RungError("save", "", "does not write an archive to a terminal", "use -o FILE or redirect")
    store.save(args.names, sys.stdout.buffer, args.format)
    return 0


def _save_to(store: Store, args: argparse.Namespace) -> None:
    """Write beside the file and rename: what was there stays if this fails."""
    temporary = f"{args.output}.{os.getpid()}"
    try:
        with open(temporary, "xb") as file:
            store.save(args.names, file, args.format)
        os.rename(temporary, args.output)
    except BaseException:
        if os.path.exists(temporary):
            os.unlink(temporary)
        raise


def _load(args: argparse.Namespace) -> int:
    with _progress(sys.stderr, quiet=args.quiet) as progress:
        if args.input:
            with open(args.input, "rb") as file:
                images = _store(args).load(file, progress)
        else:
            images = _store(args).load(sys.stdin.buffer, progress)
    for image in images:
        print(f"Loaded image: {image.name}")
    return 0


def _import(args: argparse.Namespace) -> int:
    from rung.cli.changes import parse_changes

    changes = parse_changes(args.change)
    store = _store(args)
    name = args.name or _name_of_file(args.file)
    if args.file == "-":
        image = store.import_(sys.stdin.buffer, name, comment=args.message, **changes)
    else:
        with open(args.file, "rb") as file:
            image = store.import_(file, name, comment=args.message, **changes)
    print(image.id)
    return 0


def _name_of_file(path: str) -> str:
    """``/tmp/My Rootfs.tar.gz`` as ``my-rootfs``; ``imported`` for what has no name."""
    stem = os.path.basename(path).lower().split(".tar")[0].split(".tgz")[0]
    return "-".join("".join(c if c.isascii() and c.isalnum() else " " for c in stem).split()) or "imported"


def _tag(args: argparse.Namespace) -> int:
    _store(args).tag(args.image, args.name)
    return 0


def _inspect(args: argparse.Namespace) -> int:
    import json

    from rung.cli.imageview import expand, inspected

    store = _store(args)
    names: dict[str, list[str]] = {}
    for image in store.images():
        names.setdefault(str(image.id), []).append(image.name)
    values = [inspected(image, names[str(image.id)]) for image in map(store.get, args.names)]
    if args.format and args.format != "json":
        for value in values:
            print(expand(args.format, value))
    else:
        print(json.dumps(values, indent=None if args.format else 4))
    return 0
