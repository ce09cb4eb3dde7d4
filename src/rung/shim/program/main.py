"""The command line that containerd calls a shim with: ``start``, ``delete``, and ``-info``.

    containerd-shim-rung-v2 -namespace NS -address SOCKET -publish-binary FILE -id ID start
    containerd-shim-rung-v2 ... -bundle DIR delete

Flags are Go's: one dash or two, ``-flag value`` or ``-flag=value``. containerd reads standard output and standard
error as one, so nothing but the answer is printed where it went well. containerd, core/runtime/v2/README.md.
"""

from __future__ import annotations

import sys

from rung import __version__, posix
from rung.errors import RungError
from rung.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any

NAME = "io.containerd.rung.v2"
USAGE = """usage: containerd-shim-rung-v2 -namespace NAME -id ID [flags] start|delete
       containerd-shim-rung-v2 -info < OPTIONS

containerd's shim (runtime v2) on Rung's own OCI runtime, or on the one that the options name.

  -address SOCKET          containerd's own
  -bundle DIR              the container's (delete)
  -debug                   log what is asked
  -id ID                   of the container
  -info                    what this is, as RuntimeInfo
  -namespace NAME          containerd's, of the container
  -publish-binary FILE     unused: events go to TTRPC_ADDRESS
  -socket FILE             to listen on
  -v                       the version

example: ctr run --runtime io.containerd.rung.v2 docker.io/library/busybox:latest one echo hello
"""
_VALUES = ("address", "bundle", "events", "id", "listening", "namespace", "publish-binary", "socket")
_SWITCHES = ("debug", "info", "v", "version", "help", "h")


class Arguments(Record):
    """The command line."""

    action: str = ""
    address: str = ""
    bundle: str = ""
    debug: bool = False
    #: ``events`` and ``listening``: of ``serve``, see there.
    events: str = ""
    id: str = ""
    info: bool = False
    listening: str = ""
    namespace: str = ""
    socket: str = ""
    version: bool = False
    help: bool = False


def parse(words: Sequence[str]) -> Arguments:
    """Go's ``flag``: the first word without a dash is the action. Raises ``RungError``."""
    found: dict[str, Any] = {}
    rest = list(words)
    while rest and rest[0].startswith("-") and rest[0] != "-":
        word = rest.pop(0)
        name, given, value = word.lstrip("-").partition("=")
        if name in _SWITCHES:
            found[{"v": "version", "h": "help"}.get(name, name)] = value not in ("false", "0")
        elif name in _VALUES:
            if not given and not rest:
                raise RungError("flag", word, "needs a value")
            found[name] = value if given else rest.pop(0)
        else:
            raise RungError("flag", word, "is not known", "-help shows what there is")
    if len(rest) > 1:
        raise RungError("more than one action", " ".join(rest))
    return Arguments(action="".join(rest), **{name: one for name, one in found.items() if name in Arguments.fields})


def run() -> int:
    """Carry out the command line (``boot.py`` calls it): the exit status."""
    try:
        return execute(parse(sys.argv[1:]))
    except (RungError, OSError) as error:
        posix.write(2, f"containerd-shim-rung-v2: {error}\n".encode())
        return 1


def execute(arguments: Arguments) -> int:
    """The exit status of an action."""
    if arguments.help:
        _print(USAGE.encode())
        return 0
    if arguments.version:
        _print(f"containerd-shim-rung-v2:\n  Version:  {__version__}\n".encode())
        return 0
    if arguments.info:
        from rung.shim.program.info import information

        _print(information())
        return 0
    if not arguments.namespace:
        raise RungError("shim namespace", "", "cannot be empty", "-namespace NAME")
    if arguments.action == "start":
        from rung.shim.program.start import start

        return start(arguments)
    if arguments.action == "delete":
        from rung.shim.program.delete import delete

        _print(delete(arguments).encode())
        return 0
    if arguments.action == "serve":
        from rung.shim.program.serve import serve

        return serve(arguments)
    raise RungError("action", f'"{arguments.action}"', "is not known", "start or delete")


def _print(data: bytes) -> None:
    while data:
        data = data[posix.write(1, data) :]
