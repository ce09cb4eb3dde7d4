"""``save``, ``load`` and ``import``: archives between the caller's files and the engine."""

from __future__ import annotations

import sys

from rung import posix
from rung.cli.files import open_input, open_url, replaced
from rung.cli.image.api import refuse_flags
from rung.cli.image.api.names import split
from rung.cli.messages import show
from rung.cli.streams import write_all
from rung.errors import RungError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import Any, BinaryIO

    from rung.cli.declaration import Namespace
    from rung.cli.link.engine import Engine

_PIECE = 1 << 18


def save(args: Namespace, engine: Engine) -> int:
    """To a file, or to standard output."""
    whole = "the engine saves an image as it has it"
    refuse_flags(args, engine, "rung save", {"platform": whole})
    if args.format != "docker-archive":
        refuse_flags(args, engine, "rung save", {"format": "leave it out: the engine has one format"})
    if not args.output and posix.isatty(1):
        raise RungError("cowardly refusing to save to a terminal. Use the -o flag or redirect")
    answer = engine.stream("GET", "/images/get", names=args.names)
    if not args.output:
        for piece in answer:
            write_all(1, piece)
        return 0
    with replaced(args.output, "failed to save image") as file:
        for piece in answer:
            file.write(piece)
    return 0


def load(args: Namespace, engine: Engine) -> int:
    """The names of what was in it."""
    if not args.input and sys.stdin.isatty():
        raise RungError("requested load from stdin, but stdin is empty")
    quiet = args.quiet or not sys.stdout.isatty()
    with open_input(args.input or "-") as file:
        answer = engine.stream("POST", "/images/load", _content_of(file), quiet=quiet)
        show(answer.documents(), sys.stdout)
    return 0


def import_(args: Namespace, engine: Engine) -> int:
    """The image's ID. What a URL names is fetched here, and needs not be in the engine's reach."""
    url = args.file.startswith(("http://", "https://"))
    if url:
        print(f"Downloading from {args.file}")
    repository, tag = split(args.name)
    query: dict[str, Any] = {"fromSrc": "-", "repo": repository, "tag": tag, "changes": args.change}
    query |= {"message": args.message or (f"Imported from {args.file}" if url else ""), "platform": args.platform}
    with (open_url if url else open_input)(args.file) as file:
        answer = engine.stream("POST", "/images/create", _content_of(file), **query)
        show(answer.documents(), sys.stdout)
    return 0


def _content_of(file: BinaryIO) -> Callable[[Callable[[bytes], Any]], None]:
    """A file as a request's body."""

    def copy(write: Callable[[bytes], Any]) -> None:
        while piece := file.read(_PIECE):
            write(piece)

    return copy
