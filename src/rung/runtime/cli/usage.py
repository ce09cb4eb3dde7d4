"""Help, in the arrangement that runc's users know. Loaded only when it is asked for."""

from __future__ import annotations

from rung import __version__
from rung.runtime.cli.main import COMMANDS, GLOBAL_FLAGS, called_as, load
from rung.runtime.cli.options import HELP

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.runtime.cli.options import Command, Flag

ABOUT = """\
rung-runtime makes Linux containers from bundles, as the Open Container
   Initiative's runtime specification says. It takes runc's command line and can stand
   in for runc under containerd, Docker and Podman. A bundle is a directory with a
   "config.json" and a root file system."""
EXAMPLE = """\
# mkdir -p hello/rootfs/bin && cp /bin/busybox hello/rootfs/bin/sh
   # rung-runtime spec --bundle hello
   # rung-runtime run --bundle hello hello1"""
VERSION_FLAG = ("version", "v")


def program_help() -> str:
    """All commands, each with its one line, and the global options."""
    name = called_as()
    commands = [load(name).COMMAND for name in COMMANDS]
    rows = [(command.name, command.summary) for command in commands] + [("help", "show help for a command")]
    return (
        f"NAME:\n   {name} - Open Container Initiative runtime\n\n   {ABOUT}\n\n"
        f"USAGE:\n   {name} [global options] command [command options] [arguments...]\n\n"
        f"EXAMPLE:\n   {EXAMPLE}\n\n"
        f"VERSION:\n   {__version__}\n\n"
        f"COMMANDS:\n{_columns(rows)}\n"
        f"GLOBAL OPTIONS:\n{_flags((*GLOBAL_FLAGS, HELP))}"
    )


def command_help(command: Command) -> str:
    """One command: what it does, how it is called, an example, its options."""
    name = called_as()
    options = [flag for flag in command.flags if not flag.hidden]
    marker = " [command options]" if options else ""
    arguments = f" {command.arguments}" if command.arguments else ""
    description = f"DESCRIPTION:\n   {_paragraph(command.description)}\n\n" if command.description else ""
    return (
        f"NAME:\n   {name} {command.name} - {command.summary}\n\n"
        f"USAGE:\n   {name} {command.name}{marker}{arguments}\n\n"
        f"{description}"
        f"EXAMPLE:\n   {_paragraph(command.example)}\n\n"
        f"OPTIONS:\n{_flags((*options, HELP))}"
    )


def _paragraph(text: str) -> str:
    return text.strip().replace("\n", "\n   ")


def _flags(flags: tuple[Flag, ...]) -> str:
    return _columns([(_spelling(flag), _meaning(flag)) for flag in flags if not flag.hidden])


def _spelling(flag: Flag) -> str:
    value = "" if flag.kind == "bool" else " value"
    return ", ".join(("--" if len(name) > 1 else "-") + name + value for name in flag.names)


def _meaning(flag: Flag) -> str:
    told = flag.default and isinstance(flag.default, str)
    return f"{flag.help} (default: {flag.default})" if told else flag.help


def _columns(rows: list[tuple[str, str]]) -> str:
    width = max(len(left) for left, _ in rows)
    return "".join(f"   {left.ljust(width)}  {right}\n" for left, right in rows)
