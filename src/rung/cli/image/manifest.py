"""``rung manifest``: lists of manifests, and what a registry has under a name."""

from __future__ import annotations

import sys

from rung import posix
from rung.cli.parser import add_command
from rung.cli.progress import watch

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rung.cli.declaration import Namespace
    from rung.image import ManifestLists


def register(commands: Any, name: str) -> None:
    """Add the command and those below it."""
    what = "work with manifests and lists of them in registries"
    example = "example: rung manifest inspect debian:trixie"
    group = commands.add_parser(name, help=what, description=what[0].upper() + what[1:], epilog=example)
    below = group.add_subparsers(metavar="COMMAND")
    example = "rung manifest create HOST/app:1 HOST/app:1-amd64 HOST/app:1-arm64"
    create = add_command(below, "create", "draft a list of manifests", example, _create)
    create.add_argument("list", metavar="MANIFEST_LIST")
    create.add_argument("members", metavar="MANIFEST", nargs="+")
    create.add_argument("-a", "--amend", action="store_true", help="add to a list that is drafted already")
    example = "rung manifest annotate --arch arm64 HOST/app:1 HOST/app:1-arm64"
    annotate = add_command(below, "annotate", "say for which platform a manifest in a list is", example, _annotate)
    annotate.add_argument("list", metavar="MANIFEST_LIST")
    annotate.add_argument("member", metavar="MANIFEST")
    for flag in ("arch", "os", "os-version", "variant"):
        annotate.add_argument(f"--{flag}", metavar="TEXT", default="")
    annotate.add_argument("--os-features", metavar="TEXT", action="append", default=[])
    example = "rung manifest inspect debian:trixie"
    inspect = add_command(below, "inspect", "show a manifest or a list", example, _inspect)
    inspect.add_argument("name", metavar="MANIFEST")
    inspect.add_argument("-v", "--verbose", action="store_true", help="with its descriptor, and what is in a list")
    push = add_command(below, "push", "bring a list into its registry", "rung manifest push HOST/app:1", _push)
    push.add_argument("list", metavar="MANIFEST_LIST")
    push.add_argument("-p", "--purge", action="store_true", help="drop the draft afterwards")
    remove = add_command(below, "rm", "drop drafts of lists", "rung manifest rm HOST/app:1", _remove)
    remove.add_argument("lists", metavar="MANIFEST_LIST", nargs="+")
    for command in (create, annotate, inspect, push):
        command.add_argument("--insecure", action="store_true", help="allow plain HTTP and unknown certificates")


def _lists(args: Namespace) -> ManifestLists:
    from rung.image import ManifestLists

    insecure = getattr(args, "insecure", False)
    return ManifestLists(posix.join(args.data_root, "manifests"), insecure=insecure)


def _create(args: Namespace) -> int:
    print(f"Created manifest list {_lists(args).create(args.list, args.members, amend=args.amend)}")
    return 0


def _annotate(args: Namespace) -> int:
    _lists(args).annotate(
        args.list,
        args.member,
        os=args.os,
        architecture=args.arch,
        variant=args.variant,
        os_version=args.os_version,
        os_features=args.os_features,
    )
    return 0


def _inspect(args: Namespace) -> int:
    import json

    from rung.image import read_remote

    data = _lists(args).index(args.name)
    kind = ""
    if data is None:
        kind, data = read_remote(args.name, insecure=args.insecure)
    value: Any = json.loads(data)
    if args.verbose:
        value = _verbose(args, kind or value["mediaType"], data, value)
    print(json.dumps(value, indent=3))
    return 0


def _verbose(args: Namespace, kind: str, data: bytes, value: Any) -> Any:
    """As docker: one manifest with its descriptor, or that of each in a list."""
    from rung.image import read_remote
    from rung.spec.image import Descriptor, Digest, Reference

    reference = Reference.parse(args.name)
    if "manifests" not in value:
        at = Descriptor(kind, Digest.of(data), len(data))
        return {"Ref": str(reference), "Descriptor": at.to_json(), "Manifest": value}
    import json

    found = []
    for one in value["manifests"]:
        name = f"{reference.name}@{one['digest']}"
        _, below = read_remote(name, insecure=args.insecure)
        found.append({"Ref": name, "Descriptor": one, "Manifest": json.loads(below)})
    return found


def _push(args: Namespace) -> int:
    with watch(sys.stderr) as progress:
        digest = _lists(args).push(args.list, progress, purge=args.purge)
    print(digest)
    return 0


def _remove(args: Namespace) -> int:
    lists = _lists(args)
    for name in args.lists:
        lists.remove(name)
    return 0
