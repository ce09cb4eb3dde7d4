"""``rung-runtime``: runc's command line over the runtime's library.

One file a command, each of which parses, calls the library and prints; only the one
that is asked for is imported, and nothing that a command does not use, for the process
is started five times in a container's life. What the caller gets:

* exit status 0, or 1 after an error; ``run`` and ``exec`` end with the workload's
  status (128 + N for signal N), ``exec`` with 255 where it could not run it, as runc;
* an error as one sentence on stderr, and as the last line of ``--log`` (see ``log.py``);
* a wrong command line shows the usage on stdout, as runc.
"""

from __future__ import annotations

import _signal  # type: ignore[import-not-found]
import sys

from rung import posix
from rung.errors import RungError
from rung.runtime.cli.options import BOOLEANS, Flag, UsageError, check_arguments, parse

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from rung.runtime import Plan, Runtime
    from rung.runtime.cli.log import Log
    from rung.runtime.plan.wire import Ledger

PROGRAM = "rung-runtime"
#: In the order of ``--help``. Each is a module of this package.
COMMANDS = (
    "create",
    "start",
    "run",
    "exec",
    "kill",
    "delete",
    "state",
    "list",
    "ps",
    "pause",
    "resume",
    "update",
    "checkpoint",
    "restore",
    "events",
    "spec",
    "features",
    "plan",
)
GLOBAL_FLAGS = (
    Flag(("debug",), "bool", "say more, and show where errors come from", False),
    Flag(("log",), "text", "file for messages, besides stderr", ""),
    Flag(("log-format",), "text", "text or json", "text"),
    Flag(("log-level",), "text", "crun's: debug is --debug, others change nothing", "", hidden=True),
    Flag(("root",), "text", "directory for the containers' state, on a tmpfs (default: /run/rung/runtime)"),
    Flag(("systemd-cgroup",), "bool", 'let systemd make cgroups; cgroupsPath is "slice:prefix:name"', False),
    Flag(("cgroup-manager",), "text", "cgroupfs, systemd or disabled, in crun's words", ""),
    Flag(("rootless",), "text", "pass over cgroup permission errors: true, false or auto", "auto"),
    Flag(("version", "v"), "bool", "print the version", False),
    Flag(("criu",), "text", "ignored", "", hidden=True),
)


class Call:
    """One command as it was called: what its file gets to work on."""

    __slots__ = ("_log", "arguments", "options", "program")

    def __init__(
        self, program: dict[str, Any], options: dict[str, Any], arguments: list[str], log: Log
    ) -> None:
        self.program = program
        self.options = options
        self.arguments = arguments
        self._log = log

    def runtime(self) -> Runtime:
        """The library over ``--root``."""
        from rung.runtime import Runtime

        return Runtime(
            state_root(self.program["root"]),
            cgroup_manager=_manager(self.program["cgroup-manager"], self.program["systemd-cgroup"]),
            rootless=_true_false_auto(self.program["rootless"]),
            notes=self._log.warning,
        )

    def observer(self) -> Callable[[Plan, Ledger], None] | None:
        """With ``--debug``: what writes the steps of a rung-init into the log."""
        if not self._log.debugging:
            return None
        from rung.runtime.cli.debug_lines import debug_lines

        def observe(plan: Plan, ledger: Ledger) -> None:
            for line in debug_lines(plan, ledger):
                self._log.debug(line)

        return observe

    def warn(self, message: str) -> None:
        """Say what was passed over."""
        self._log.warning(message)

    def record(self, message: str) -> None:
        """An error that the caller has been shown already: for the log."""
        self._log.error(message, shown=True)


def main() -> int:
    """The program's entry (``boot.py`` calls it): the exit status."""
    # A caller that ignores it would have the kernel reap our children before we can.
    _signal.signal(_signal.SIGCHLD, _signal.SIG_DFL)
    return execute(sys.argv[1:])


def execute(words: Sequence[str]) -> int:
    """Carry out a command line and give the exit status."""
    from rung.runtime.cli.log import Log

    log = Log()
    status = 1
    try:
        program, rest = parse(GLOBAL_FLAGS, words, False)
        debugging = program["debug"] or program["log-level"] == "debug"
        log = Log(program["log"].removeprefix("file:"), program["log-format"], debugging)
        if program["version"]:
            return _show(_version())
        name = rest[0] if rest else ""
        if program["help"] or name in ("", "help", "h"):
            return _help(rest[1:])
        if name == "exec":
            status = 255
        return _command(name, program, rest[1:], log)
    except UsageError as error:
        _show(f"Incorrect Usage: {error}\n\n{_usage_for(words)}")
        log.error(str(error))
        return 1
    except KeyboardInterrupt:
        return 130
    except (RungError, OSError) as error:
        log.error(str(error) if isinstance(error, RungError) else _os_sentence(error))
        if log.debugging:
            _traceback()
        return status
    except Exception as bug:
        log.error(f"a bug in {PROGRAM}: {type(bug).__name__}: {bug}")
        raise
    finally:
        log.close()


def called_as() -> str:
    """The name that this program was called by, for help and version: the launcher says so where it is another."""
    name = sys._xoptions.get("rung_name")
    return name if isinstance(name, str) and name else PROGRAM


def load(name: str) -> Any:
    """The module of a command."""
    module = f"rung.runtime.cli.{name}"
    __import__(module)
    return sys.modules[module]


def _command(name: str, program: dict[str, Any], words: list[str], log: Log) -> int:
    if name not in COMMANDS and not {"-h", "--help"}.isdisjoint(words):
        raise RungError("", f"No help topic for '{name}'", "", f"see {PROGRAM} --help")
    if name not in COMMANDS:
        raise RungError("unknown command", f'"{name}"', "", f"see {PROGRAM} --help")
    module = load(name)
    command = module.COMMAND
    options, arguments = parse(command.flags, words, command.interleaved)
    if options["help"]:
        return _help([name])
    check_arguments(command, arguments)
    log.debug(f"{name} {' '.join(arguments)}")
    status: int = module.run(Call(program, options, arguments, log))
    log.debug(f"{name} ends with exit status {status}")
    return status


def state_root(given: str | None) -> str:
    """``--root``, or its default: one for root, one for each other user.

    A directory below XDG_RUNTIME_DIR gets the sticky bit, which keeps it from being
    cleaned away (XDG Base Directory Specification)."""
    if given is not None:
        root = posix.abspath(given)
        if root == "/":
            raise RungError("use --root", given, "containers' state cannot lie in /")
        return root
    users = posix.getenv("XDG_RUNTIME_DIR")
    if not users and posix.geteuid() != 0:
        raise RungError(
            "keep containers' state", "", "this user has no place for it", "set XDG_RUNTIME_DIR, or give --root"
        )
    if not users or not _is_unprivileged():
        return "/run/rung/runtime"
    root = f"{users}/rung/runtime"
    posix.makedirs(root, 0o700, exist_ok=True)
    posix.chmod(root, 0o1700)
    return root


def _is_unprivileged() -> bool:
    """Not root, or root only by the grace of a user namespace that a user made."""
    if posix.geteuid() != 0:
        return True
    from rung.files import read_file

    whole = read_file("/proc/self/uid_map").split() == [b"0", b"0", b"4294967295"]
    return not whole and posix.getenv("USER") != "root"


def _manager(manager: str, systemd_cgroup: bool) -> str:
    """Who makes the cgroups: runc has a switch for it, crun names the manager."""
    if not manager:
        return "systemd" if systemd_cgroup else "cgroupfs"
    if manager not in ("cgroupfs", "systemd", "disabled"):
        raise UsageError(f'invalid value "{manager}" for flag -cgroup-manager: use cgroupfs, systemd or disabled')
    return manager


def _true_false_auto(text: str) -> bool | None:
    if text.lower() in ("", "auto"):
        return None
    if text not in BOOLEANS:
        raise UsageError(f'invalid value "{text}" for flag -rootless: use true, false or auto')
    return BOOLEANS[text]


def _version() -> str:
    """dockerd and Podman read the first line's last word, dockerd ``commit:`` (here the release's tag), containerd
    ``spec:``, crun's callers the pluses."""
    from rung import __version__
    from rung.runtime.state import OCI_VERSION

    python = "{}.{}.{}".format(*sys.version_info[:3])
    features = "+SYSTEMD +SELINUX +APPARMOR +CAP +SECCOMP +EBPF +CRIU"
    head = f"{called_as()} version {__version__}\ncommit: v{__version__}\nspec: {OCI_VERSION}\n"
    return f"{head}python: {python}\n{features}\n"


def _help(words: list[str]) -> int:
    from rung.runtime.cli import usage

    if words and words[0] in COMMANDS:
        return _show(usage.command_help(load(words[0]).COMMAND))
    return _show(usage.program_help())


def _usage_for(words: Sequence[str]) -> str:
    """The help of the command that the words meant, or the program's."""
    from rung.runtime.cli import usage

    try:
        _, rest = parse(GLOBAL_FLAGS, words, False)
    except UsageError:
        return usage.program_help()
    return usage.command_help(load(rest[0]).COMMAND) if rest and rest[0] in COMMANDS else usage.program_help()


def _show(text: str) -> int:
    from rung.runtime.cli.log import write_all

    write_all(1, text)
    return 0


def _os_sentence(error: OSError) -> str:
    """An operating system error that no lower layer has put into words."""
    name = error.filename
    if isinstance(name, bytes):
        name = posix.fsdecode(name)
    return f"{name}: {error.strerror}" if name else str(error.strerror or error)


def _traceback() -> None:
    import traceback

    traceback.print_exc()
    sys.stderr.flush()
