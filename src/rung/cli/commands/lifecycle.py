"""What is done to containers and answered with their names: start to remove."""

from __future__ import annotations

from rung.cli.commands.several import each
from rung.cli.flags import command
from rung.cli.link.engine import Engine, quoted

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.cli.flags import Asked


@command(
    "rm [OPTIONS] CONTAINER [CONTAINER...]",
    "Remove containers",
    "rung rm --force web",
    """
  -f, --force    kill it first where it runs
  -l, --link     remove a link, not a container
  -v, --volumes  remove its nameless volumes too
""",
)
def rm(asked: Asked) -> int:
    """The names of those that are gone."""
    engine = Engine(asked.settings)
    query = {"force": asked["force"], "v": asked["volumes"], "link": asked["link"]}
    forgiven = (404,) if asked["force"] else ()
    return each(
        asked.words,
        lambda name: engine.ask("DELETE", f"/containers/{quoted(name.strip('/'))}", **query),
        forgiven=forgiven,
    )
