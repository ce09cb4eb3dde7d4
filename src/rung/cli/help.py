"""A command's help, of its table: docker's layout."""

from __future__ import annotations

from rung.cli.flags import usage_line

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.cli.flags import Command, Flag


def help_text(prog: str, command: Command) -> str:
    """All that ``--help`` prints."""
    parts = ["", f"Usage:  {usage_line(prog, command)}", "", command.about, ""]
    rows = [(_head(flag), _about(flag)) for flag in command.flags()]
    if rows:
        width = max(len(head) for head, _ in rows) + 2
        parts += ["Options:", *(f"{head.ljust(width)}{about}".rstrip() for head, about in rows), ""]
    return "\n".join([*parts, f"example: {command.example}"])


def _head(flag: Flag) -> str:
    short = f"-{flag.short}, " if flag.short else "    "
    return f"  {short}--{flag.name}" + (f" {flag.kind}" if flag.takes_value else "")


def _about(flag: Flag) -> str:
    text = flag.about[:1].upper() + flag.about[1:]
    return f"{text} (default {flag.default})" if flag.default else text


def group_text(group: str, about: str, commands: list[tuple[str, str]]) -> str:
    """The help of a word that stands before commands."""
    width = max(len(name) for name, _ in commands) + 2
    rows = [f"  {name.ljust(width)}{text}" for name, text in commands]
    ends = [f"Run 'rung {group} COMMAND --help' for more.", f"example: rung {group} {commands[0][0]} --help"]
    return "\n".join(["", f"Usage:  rung {group} COMMAND", "", about, "", "Commands:", *rows, "", *ends])
