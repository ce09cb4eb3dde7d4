"""``attach``, ``exec`` and ``start``: somebody at a container's streams, or at those of one more process in it."""

from __future__ import annotations

from rung.cli.commands.lifecycle import container_path
from rung.cli.commands.several import each
from rung.cli.flags import command
from rung.cli.following import Seat, status_of
from rung.cli.link.engine import Engine
from rung.errors import RungError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rung.cli.flags import Asked

DETACHED = "read escape sequence"


@command(
    "attach [OPTIONS] CONTAINER",
    "Join your streams with those of a running container",
    "rung attach web",
    """
      --detach-keys string   keys that detach from it, as ctrl-p,ctrl-q
      --no-stdin             do not pass standard input on
      --sig-proxy bool=true  pass signals on to it
""",
)
def attach(asked: Asked) -> int:
    """The container's exit status."""
    engine = Engine(asked.settings)
    path = container_path(asked.words[0])
    found = engine.get(f"{path}/json")
    state, config = found["State"], found["Config"]
    if not state["Running"]:
        raise RungError("You cannot attach to a stopped container, start it first")
    if state["Paused"]:
        raise RungError("You cannot attach to a paused container, unpause it first")
    if state["Restarting"]:
        raise RungError("You cannot attach to a restarting container, wait until it is running")
    stdin = config["OpenStdin"] and not asked["no-stdin"]
    keys = asked["detach-keys"]
    seat = Seat(engine, path, tty=config["Tty"], stdin=stdin, keys=keys, proxy=asked["sig-proxy"])
    with seat.signals() as signals:
        waiting = engine.stream("POST", f"{path}/wait")
        hijacked = engine.hijack(f"{path}/attach", stream=1, stdin=stdin, stdout=1, stderr=1, detachKeys=keys)
        if not seat.sit(signals, hijacked):
            raise RungError(DETACHED)
        return status_of(waiting)


@command(
    "exec [OPTIONS] CONTAINER COMMAND [ARG...]",
    "Run one more command in a running container",
    "rung exec -it web sh",
    """
  -d, --detach              leave it to itself
      --detach-keys string  keys that detach from it, as ctrl-p,ctrl-q
  -e, --env list            set a variable (NAME=VALUE, or NAME for the caller's)
      --env-file list       file of variables, a line each
  -i, --interactive         pass standard input on
      --privileged          all capabilities
  -t, --tty                 give it a terminal
  -u, --user string         user, and group after a colon
  -w, --workdir string      directory that it starts in
""",
)
def exec_(asked: Asked) -> int:
    """The command's exit status."""
    engine = Engine(asked.settings)
    detached, tty = asked["detach"], asked["tty"]
    stdin = asked["interactive"] and not detached
    body = _execution(asked, stdin=stdin)
    seat = Seat(engine, "", tty=tty, stdin=stdin, keys=asked["detach-keys"])
    made = engine.post(f"{container_path(asked.words[0])}/exec", body)["Id"]
    seat.path = f"/exec/{made}"
    if detached:
        engine.post(f"{seat.path}/start", {"Detach": True, "Tty": tty})
        return 0
    with seat.signals() as signals:
        hijacked = engine.hijack(f"{seat.path}/start", {"Detach": False, "Tty": tty})
        if not seat.sit(signals, hijacked):
            raise RungError(DETACHED)
    status = engine.get(f"{seat.path}/json")["ExitCode"]
    return int(status or 0)


def _execution(asked: Asked, *, stdin: bool) -> dict[str, Any]:
    from rung.cli.creation import variables

    found: dict[str, Any] = {"Cmd": asked.words[1:], "Tty": asked["tty"], "AttachStdin": stdin}
    found["AttachStdout"] = found["AttachStderr"] = not asked["detach"]
    for flag, field in (("user", "User"), ("workdir", "WorkingDir"), ("detach-keys", "DetachKeys")):
        if asked[flag]:
            found[field] = asked[flag]
    if asked["privileged"]:
        found["Privileged"] = True
    if asked["env"] or asked["env-file"]:
        found["Env"] = variables(asked["env"], asked["env-file"])
    return found


@command(
    "start [OPTIONS] CONTAINER [CONTAINER...]",
    "Start containers that have ended or were created",
    "rung start -ai web",
    """
  -a, --attach              show its output, and pass signals on to it
      --detach-keys string  keys that detach from it, as ctrl-p,ctrl-q
  -i, --interactive         pass standard input on
""",
)
def start(asked: Asked) -> int:
    """Their names; the exit status of one that is attached to."""
    engine = Engine(asked.settings)
    if asked["attach"] or asked["interactive"]:
        if len(asked.words) > 1:
            raise RungError("you cannot start and attach multiple containers at once")
        return _attached(engine, asked)
    failed: list[str] = []
    each(asked.words, lambda name: engine.ask("POST", f"{container_path(name)}/start"), failed=failed)
    if failed:
        raise RungError("Error", "", f"failed to start containers: {', '.join(failed)}")
    return 0


def _attached(engine: Engine, asked: Asked) -> int:
    path, keys = container_path(asked.words[0]), asked["detach-keys"]
    found = engine.get(f"{path}/json")
    config = found["Config"]
    stdin = bool(config["OpenStdin"] and asked["interactive"])
    seat = Seat(engine, path, tty=config["Tty"], stdin=stdin, keys=keys, proxy=True)
    with seat.signals() as signals:
        hijacked = engine.hijack(f"{path}/attach", stream=1, stdin=stdin, stdout=1, stderr=1, detachKeys=keys)
        condition = "removed" if found["HostConfig"].get("AutoRemove") else "next-exit"
        waiting = engine.stream("POST", f"{path}/wait", condition=condition)
        if not seat.sit(signals, hijacked, lambda: engine.post(f"{path}/start", detachKeys=keys)):
            return 0
        return status_of(waiting)
