"""What is done to containers and answered with their names: start to remove."""

from __future__ import annotations

from rung.cli.commands.several import each
from rung.cli.flags import command
from rung.cli.following import status_of
from rung.cli.link.engine import Engine, quoted
from rung.errors import RungError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.cli.flags import Asked
    from rung.cli.link.engine import Answer


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


def container_path(name: str) -> str:
    """Where a container is in the API."""
    return f"/containers/{quoted(name)}"


_STOPPING = """
  -s, --signal string  signal that asks it to end
  -t, --time int       seconds before it is killed
"""


def _stop(asked: Asked, verb: str) -> int:
    engine = Engine(asked.settings)
    query = {"signal": asked["signal"], "t": asked["time"]}
    return each(asked.words, lambda name: engine.ask("POST", f"{container_path(name)}/{verb}", **query))


@command(
    "stop [OPTIONS] CONTAINER [CONTAINER...]", "Stop running containers", "rung stop --time 2 web", _STOPPING
)
def stop(asked: Asked) -> int:
    """Their names."""
    return _stop(asked, "stop")


@command(
    "restart [OPTIONS] CONTAINER [CONTAINER...]",
    "Stop containers and start them again",
    "rung restart web",
    _STOPPING,
)
def restart(asked: Asked) -> int:
    """Their names."""
    return _stop(asked, "restart")


@command(
    "kill [OPTIONS] CONTAINER [CONTAINER...]",
    "Send running containers a signal, KILL where none is named",
    "rung kill --signal HUP web",
    """
  -s, --signal string  another signal
""",
)
def kill(asked: Asked) -> int:
    """Their names."""
    engine = Engine(asked.settings)
    return each(
        asked.words, lambda name: engine.ask("POST", f"{container_path(name)}/kill", signal=asked["signal"])
    )


@command("pause CONTAINER [CONTAINER...]", "Freeze all processes of containers", "rung pause web")
def pause(asked: Asked) -> int:
    """Their names."""
    engine = Engine(asked.settings)
    return each(asked.words, lambda name: engine.ask("POST", f"{container_path(name)}/pause"))


@command("unpause CONTAINER [CONTAINER...]", "Let frozen containers go on", "rung unpause web")
def unpause(asked: Asked) -> int:
    """Their names."""
    engine = Engine(asked.settings)
    return each(asked.words, lambda name: engine.ask("POST", f"{container_path(name)}/unpause"))


@command("rename CONTAINER NEW_NAME", "Give a container another name", "rung rename web shop")
def rename(asked: Asked) -> int:
    """Nothing is said."""
    before, after = asked.words
    Engine(asked.settings).post(f"{container_path(before)}/rename", name=after)
    return 0


@command(
    "wait CONTAINER [CONTAINER...]",
    "Wait until containers have ended, and print their exit statuses",
    "rung wait web",
)
def wait(asked: Asked) -> int:
    """A number a container."""
    engine = Engine(asked.settings)

    def status(_name: str, answer: Answer) -> None:
        print(status_of(answer), flush=True)

    return each(asked.words, lambda name: engine.ask("POST", f"{container_path(name)}/wait"), told=status)


@command(
    "update [OPTIONS] CONTAINER [CONTAINER...]",
    "Change the limits of containers while they run",
    "rung update --memory 256m web",
    """
      --blkio-weight uint16       weight of block I/O, 10 to 1000
      --cpu-period int            length of a CPU period in microseconds
      --cpu-quota int             microseconds of CPU in each period
      --cpu-rt-period int         length of a real-time period in microseconds
      --cpu-rt-runtime int        microseconds of real-time CPU in each period
  -c, --cpu-shares int            share of the CPU relative to others
      --cpus decimal              number of CPUs, as 1.5
      --cpuset-cpus string        CPUs that it may use, as 0-3 or 0,1
      --cpuset-mems string        memory nodes that it may use
  -m, --memory bytes              limit of memory
      --memory-reservation bytes  soft limit of memory
      --memory-swap bytes         limit of memory and swap together; -1: no limit
      --pids-limit int            most processes; -1: no limit
      --restart string            restart policy: no, always, unless-stopped, on-failure[:times]
""",
)
def update(asked: Asked) -> int:
    """Their names."""
    from rung.cli.creation import limits, restart_policy

    if not asked.given:
        raise RungError("you must provide one or more flags when using this command")
    body = limits(asked)
    if "restart" in asked.given:
        body["RestartPolicy"] = restart_policy(asked["restart"])
    engine = Engine(asked.settings)
    return each(asked.words, lambda name: engine.ask("POST", f"{container_path(name)}/update", body))
