"""``rung cp``: files between the caller and a container, as tar archives over the API.

What goes where follows docker's rules (docker cp --help, moby's archive/copy.go): a directory as destination takes the
source by its name, anything else takes its place; ``/.`` behind a directory means what is in it.
"""

from __future__ import annotations

import os
import sys

from rung.cli import tars
from rung.cli.commands.lifecycle import container_path
from rung.cli.flags import command
from rung.cli.link.engine import Engine, Refused
from rung.cli.output import human_size
from rung.cli.streams import write_all
from rung.errors import RungError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rung.cli.flags import Asked

#: Go's os.FileMode bits of a container's path.
_DIRECTORY, _LINK = 1 << 31, 1 << 27


@command(
    "cp [OPTIONS] SOURCE DESTINATION",
    "Copy files out of a container (CONTAINER:PATH PATH) or into one (PATH CONTAINER:PATH); - is a tar archive",
    "rung cp web:/etc/hosts .",
    """
  -a, --archive      keep owners
  -L, --follow-link  what a link leads to, not the link
  -q, --quiet        do not say how much was copied
""",
)
def cp(asked: Asked) -> int:
    """How much it was, at a terminal."""
    source, destination = map(_place, asked.words)
    if source[0] and destination[0]:
        raise RungError("copying between containers is not supported")
    if not source[0] and not destination[0]:
        raise RungError("must specify at least one container source")
    engine = Engine(asked.settings)
    size = (
        _out(engine, asked, *source, destination[1])
        if source[0]
        else _into(engine, asked, source[1], *destination)
    )
    if os.isatty(2) and not asked["quiet"]:
        to = f"{destination[0]}:{destination[1]}" if destination[0] else destination[1]
        print(f"Successfully copied {human_size(size)} to {to}", file=sys.stderr)
    return 0


def _place(word: str) -> tuple[str, str]:
    """The container, empty where it is none, and the path."""
    if word.startswith(("/", ".")) or ":" not in word:
        return "", word
    container, _, path = word.partition(":")
    if not container or not path:
        raise RungError("invalid path", word, "", "write CONTAINER:PATH")
    return container, path


def _look(engine: Engine, container: str, path: str) -> dict[str, Any] | None:
    """What a container has at a path, None where that is nothing."""
    from base64 import b64decode

    from rung import jsonc

    try:
        head, _ = engine.call("HEAD", f"{container_path(container)}/archive", path=path)
    except Refused as error:
        if error.status == 404:
            return None
        raise
    found: dict[str, Any] = jsonc.loads(b64decode(head.get("x-docker-container-path-stat")))
    return found


# --- out of a container ------------------------------------------------------------


def _out(engine: Engine, asked: Asked, container: str, path: str, to: str) -> int:
    if asked["follow-link"]:
        found = _look(engine, container, path)
        if found is not None and found["mode"] & _LINK:
            path = str(found["linkTarget"])
    answer = engine.stream("GET", f"{container_path(container)}/archive", path=path)
    if to == "-":
        if os.isatty(1):
            raise RungError("refusing to write an archive to a terminal", "", "", "redirect standard output")
        for piece in answer:
            write_all(1, piece)
        return 0
    reader = tars.Reader(answer)
    owner = None if asked["archive"] else (os.geteuid(), os.getegid())
    tars.unpack(reader, to, contents=path.endswith("/."), owner=owner)
    return reader.size


# --- into a container --------------------------------------------------------------


def _into(engine: Engine, asked: Asked, source: str, container: str, to: str) -> int:
    query = {"noOverwriteDirNonDir": "true", "copyUIDGID": "1" if asked["archive"] else None}
    path = f"{container_path(container)}/archive"
    if source == "-":
        return _send(engine, path, {"path": to, **query}, tars.copied)
    if asked["follow-link"] or source.endswith("/"):
        source = os.path.realpath(source) + ("/." if source.endswith("/.") else "")
    if not os.path.lexists(source):
        raise RungError("lstat", source, "no such file or directory")
    folder, name = _destination(engine, container, to, source)
    return _send(engine, path, {"path": folder, **query}, lambda write: tars.pack(source, name, write))


def _send(engine: Engine, path: str, query: dict[str, Any], body: Any) -> int:
    counted = tars.Counted(body)
    engine.call("PUT", path, counted, **query)
    return counted.size


def _destination(engine: Engine, container: str, to: str, source: str) -> tuple[str, str]:
    """The directory in the container, and what the source is called there. Raises ``RungError``."""
    found = _look(engine, container, to)
    if found is not None and found["mode"] & _LINK:
        to = str(found["linkTarget"])
        found = _look(engine, container, to)
    is_directory = os.path.isdir(source) and (source.endswith("/.") or not os.path.islink(source))
    own = "." if source.endswith("/.") else os.path.basename(os.path.normpath(source))
    if found is not None and found["mode"] & _DIRECTORY:
        return to, own
    if found is None and to.endswith("/") and not is_directory:
        raise RungError("no such directory", to)
    if found is not None and is_directory:
        raise RungError("cannot copy directory", source, f"{to} is a file")
    folder, _, name = to.rstrip("/").rpartition("/")
    return folder or "/", name
