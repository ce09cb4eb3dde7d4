"""``rung run`` and ``rung create``."""

from __future__ import annotations

import sys

from rung import posix
from rung.cli.commands.run_flags import CREATION, RUNNING
from rung.cli.creation import creation
from rung.cli.flags import command
from rung.cli.following import Seat, status_of
from rung.cli.link.engine import Engine, Refused
from rung.errors import RungError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from rung.cli.flags import Asked
    from rung.cli.signals import Signals

#: Docker's exit statuses for what a client could not run (docker run --help has no others).
OWN, NOT_EXECUTABLE, NOT_THERE = 125, 126, 127
_SAYS_NOT_THERE = ("executable file not found", "no such file or directory", "not found in $PATH")
_SAYS_NOT_EXECUTABLE = ("permission denied", "is a directory", "exec format error")


class _Failed(RungError):
    """``run`` says whose error it is, as docker does, and ends with a status of its own."""

    def __init__(self, error: RungError, status: int = OWN) -> None:
        super().__init__("")
        self.error, self.exit_status = error, status

    def __str__(self) -> str:
        return f"rung: {self.error}"


@command(
    "create [OPTIONS] IMAGE [COMMAND] [ARG...]",
    "Create a container",
    "rung create --name web -p 8080:80 nginx",
    CREATION,
)
def create(asked: Asked) -> int:
    """Its ID."""
    engine = Engine(asked.settings)
    container = _create(engine, asked, creation(asked, asked.words[0], asked.words[1:], detached=False))
    print(container)
    return 0


@command(
    "run [OPTIONS] IMAGE [COMMAND] [ARG...]",
    "Create a container and start it",
    "rung run --rm -it debian:trixie bash",
    CREATION + RUNNING[1:],
)
def run(asked: Asked) -> int:
    """The workload's exit status."""
    if asked["rootfs"] or asked["explain"]:
        from rung.cli.standalone import handed_on

        return handed_on(asked, "run")
    engine = Engine(asked.settings)
    detached = asked["detach"]
    try:
        config = creation(asked, asked.words[0], asked.words[1:], detached=detached)
    except RungError as error:
        raise _Failed(error) from None
    tty, stdin = asked["tty"], bool(config.get("AttachStdin"))
    seat = Seat(
        engine, "", tty=tty, stdin=stdin and not detached, keys=asked["detach-keys"], proxy=asked["sig-proxy"]
    )
    try:
        container = _create(engine, asked, config)
    except RungError as error:
        raise _Failed(error) from error
    try:
        seat.path = f"/containers/{container}"
        if not detached:
            return _attached(engine, seat, container, asked, config)
        engine.post(f"{seat.path}/start", detachKeys=asked["detach-keys"])
    except RungError as error:
        raise _Failed(error, _status(str(error)) if isinstance(error, Refused) else OWN) from error
    print(container)
    return 0


def _status(sentence: str) -> int:
    """The exit status that docker gives an error of starting."""
    if any(words in sentence for words in _SAYS_NOT_THERE):
        return NOT_THERE
    return NOT_EXECUTABLE if any(words in sentence for words in _SAYS_NOT_EXECUTABLE) else OWN


def _attached(engine: Engine, seat: Seat, container: str, asked: Asked, config: dict[str, Any]) -> int:
    with seat.signals() as signals:
        try:
            return _until_its_end(engine, seat, container, asked, config, signals)
        except BaseException:
            if asked["rm"]:
                _forget(engine, container)
            raise


def _until_its_end(
    engine: Engine, seat: Seat, container: str, asked: Asked, config: dict[str, Any], signals: Signals
) -> int:
    streams = {name: bool(config.get(f"Attach{name.capitalize()}")) for name in ("stdin", "stdout", "stderr")}
    keys = asked["detach-keys"]
    hijacked = engine.hijack(f"{seat.path}/attach", stream=1, detachKeys=keys, **streams)
    waiting = engine.stream("POST", f"{seat.path}/wait", condition="removed" if asked["rm"] else "next-exit")
    if not streams["stdout"] and not streams["stderr"]:
        print(container, flush=True)
    if not seat.sit(
        signals, hijacked, lambda: engine.call("POST", f"{seat.path}/start", detachKeys=keys) and None
    ):
        return 0
    return status_of(waiting)


def _forget(engine: Engine, container: str) -> None:
    """A container that was to be removed and never ran; that it is gone already is as well."""
    try:
        engine.delete(f"/containers/{container}", force=1, v=1)
    except RungError:
        pass


def _create(engine: Engine, asked: Asked, config: dict[str, Any]) -> str:
    """Its ID, with its image pulled where it is not there."""
    from_file = asked["cidfile"]
    if from_file and posix.exists(from_file):
        said = f"container ID file found, make sure the other container isn't running or delete {from_file}"
        raise RungError(said)
    image, pulls = config["Image"], asked["pull"]
    if pulls not in ("always", "missing", "never"):
        raise RungError(
            "invalid pull option", "", f'\'{pulls}\': must be one of "always", "missing" or "never"'
        )
    if pulls == "always":
        _pull(engine, asked, image)
    query = {"name": asked["name"], "platform": asked["platform"]}
    try:
        made = engine.post("/containers/create", config, **query)
    except Refused as error:
        if error.status != 404 or pulls != "missing" or "No such image" not in str(error):
            raise
        if not asked["quiet"]:
            print(f"Unable to find image '{_familiar(image)}' locally", file=sys.stderr)
        _pull(engine, asked, image)
        made = engine.post("/containers/create", config, **query)
    for warning in made.get("Warnings") or ():
        print(f"WARNING: {warning}", file=sys.stderr)
    if from_file:
        with open(from_file, "w") as file:
            file.write(made["Id"])
    return str(made["Id"])


def _pull(engine: Engine, asked: Asked, image: str) -> None:
    from rung.cli.pulling import pull

    pull(engine, image, asked["platform"], quiet=asked["quiet"])


def _familiar(image: str) -> str:
    return image if ":" in image.rpartition("/")[2] or "@" in image else f"{image}:latest"
