"""``export`` and ``commit``: a container's files as an archive, as an image."""

from __future__ import annotations

from rung import posix
from rung.cli.commands.lifecycle import container_path
from rung.cli.flags import command
from rung.cli.link.engine import Engine
from rung.cli.streams import write_all
from rung.errors import RungError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.cli.flags import Asked


@command(
    "export [OPTIONS] CONTAINER",
    "Write the files of a container as a tar archive",
    "rung export --output web.tar web",
    """
  -o, --output string  write to this file
""",
)
def export(asked: Asked) -> int:
    """To standard output where no file is named."""
    path = asked["output"]
    if not path and posix.isatty(1):
        raise RungError("cowardly refusing to save to a terminal. Use the -o flag or redirect")
    answer = Engine(asked.settings).stream("GET", f"{container_path(asked.words[0])}/export")
    if not path:
        for piece in answer:
            write_all(1, piece)
        return 0
    from rung.cli.files import replaced

    with replaced(path, "failed to export container") as file:
        for piece in answer:
            file.write(piece)
    return 0


@command(
    "commit [OPTIONS] CONTAINER [REPOSITORY[:TAG]]",
    "Make an image of a container's files",
    "rung commit --change 'CMD [\"serve\"]' web shop:2",
    """
  -a, --author string    who made it
  -c, --change list      an instruction of a Dockerfile, as CMD or ENV
  -m, --message string   what was done
  -p, --pause bool=true  freeze the container meanwhile
""",
)
def commit(asked: Asked) -> int:
    """The image's ID."""
    container, *name = asked.words
    repository, tag = _split(name[0] if name else "")
    query = {"container": container, "repo": repository, "tag": tag, "author": asked["author"]}
    query |= {
        "comment": asked["message"],
        "changes": asked["change"],
        "pause": "1" if asked["pause"] else "0",
    }
    print(Engine(asked.settings).post("/commit", {}, **query)["Id"])
    return 0


def _split(name: str) -> tuple[str, str]:
    head, slash, last = name.rpartition("/")
    last, _, tag = last.partition(":")
    return f"{head}{slash}{last}", tag
