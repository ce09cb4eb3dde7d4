"""``rung``: the command for people.

Commands over the engine's API are tables (``rung.cli.commands``), of which only the one that is called is imported;
those that work without an engine (images, registries, ``explain``) are declared with ``parser.py`` (``standalone.py``).
Errors are one sentence on stderr, with ``--debug`` the traceback too. Exit status: the command's own, 1 after an error,
125 for a wrong flag, 130 after Ctrl-C; ``run`` follows Docker (125 for Rung's own errors, 126 and 127 for a program
that cannot run or is not there).
"""

from __future__ import annotations

import sys
from time import monotonic_ns

from rung import __version__, posix
from rung.cli.flags import UsageError, read
from rung.cli.table import GLOBAL, SWITCHES, find
from rung.errors import RungError
from rung.trace.w3c import headers

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence

    from rung.cli.flags import Command

INTERRUPTED, PIPE_CLOSED = 130, 141
_OFF = ("false", "False", "FALSE", "f", "F", "0")


def main() -> None:
    """The program's entry: never returns."""
    posix._exit(run())  # an interpreter's orderly end is a millisecond


def run() -> int:
    """The process's command line; all that was said is out."""
    status = execute(sys.argv[1:])
    try:
        sys.stdout.flush()
        sys.stderr.flush()
    except BrokenPipeError:
        status = PIPE_CLOSED
    return status


def execute(words: Sequence[str]) -> int:
    """Carry out a command line and give the exit status."""
    began_ns = monotonic_ns()
    settings, rest = settings_of(words)
    found = find(rest)
    if found is None:
        if rest[:1] in (["--version"], ["-v"]):
            print(f"rung version {__version__}")
            return 0
        from rung.cli.standalone import execute

        return execute(words)
    prog, command, rest = found
    headers(prog, began_ns)
    try:
        return _call(prog, command, rest, settings)
    except UsageError as error:
        print(error.text, file=sys.stderr)
        return error.status
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        posix.dup2(posix.open("/dev/null", posix.O_WRONLY), 1)
        return PIPE_CLOSED
    except RungError as error:
        return _failed(error, settings)
    except OSError as error:
        where = f"{error.filename}: " if error.filename else ""
        return _failed(RungError(f"{where}{error.strerror or error}"), settings)


def _call(prog: str, command: Command, rest: list[str], settings: dict[str, str]) -> int:
    asked = read(prog, command, rest, settings)
    if asked["help"]:
        from rung.cli.help import help_text

        print(help_text(prog, command))
        return 0
    return command.run(asked)


def _failed(error: RungError, settings: dict[str, str]) -> int:
    if settings.get("debug"):
        import traceback

        traceback.print_exc()
    print(error, file=sys.stderr)
    return int(getattr(error, "exit_status", 1))


def settings_of(words: Sequence[str]) -> tuple[dict[str, str], list[str]]:
    """The flags before the command, by name, and the rest. What is no such flag is somebody else's to refuse."""
    settings: dict[str, str] = {}
    at = 0
    while at < len(words) and words[at][:1] == "-":
        name, equals, value = words[at].partition("=")
        name = GLOBAL.get(name.lstrip("-"), "") if name != "-" else ""
        if not name:
            break
        if name in SWITCHES:
            value = "" if value in _OFF else "true"
        elif not equals:
            at += 1
            if at == len(words):
                break
            value = words[at]
        settings[name] = value
        at += 1
    return settings, list(words[at:])
