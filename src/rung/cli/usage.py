"""A command's help, laid out as docker lays its own out: usage, what it does, flags in columns."""

from __future__ import annotations

import argparse
import textwrap

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

_WIDTH = 80


def usage_line(parser: argparse.ArgumentParser) -> str:
    """``Usage:  rung rmi [OPTIONS] IMAGE [IMAGE...]``."""
    words = [parser.prog]
    if any(action.option_strings and action.dest != "help" for action in parser._actions):
        words.append("[OPTIONS]")
    words += [_argument(action) for action in parser._actions if not action.option_strings]
    return f"Usage:  {' '.join(words)}"


def _argument(action: argparse.Action) -> str:
    name = action.metavar if isinstance(action.metavar, str) else action.dest.upper()
    if action.nargs == "?":
        return f"[{name}]"
    if action.nargs == "*":
        return f"[{name}...]"
    return f"{name} [{name}...]" if action.nargs == "+" else name


def help_text(parser: argparse.ArgumentParser) -> str:
    """All that ``--help`` prints."""
    parts = ["", usage_line(parser), ""]
    if parser.description:
        parts += [parser.description, ""]
    for action in parser._actions:
        if isinstance(action, argparse._SubParsersAction):
            rows = [(f"  {one.dest}", one.help or "") for one in action._choices_actions]
            parts += ["Commands:", *_columns(rows), ""]
    arguments = [(f"  {_name(one)}", _told(one)) for one in parser._actions if not one.option_strings and one.help]
    if arguments:
        parts += ["Arguments:", *_columns(arguments), ""]
    flags = [(_flag(one), _told(one)) for one in parser._actions if one.option_strings and _is_shown(one)]
    if flags:
        parts += ["Options:", *_columns(flags), ""]
    if parser.epilog:
        parts += [parser.epilog, ""]
    return "\n".join(parts)


def _is_shown(action: argparse.Action) -> bool:
    return action.help != argparse.SUPPRESS and not isinstance(action, argparse._HelpAction)


def _name(action: argparse.Action) -> str:
    return action.metavar if isinstance(action.metavar, str) else action.dest.upper()


def _told(action: argparse.Action) -> str:
    text = action.help or ""
    if "%(" in text:
        text = text % {**vars(action), "prog": ""}
    return text[:1].upper() + text[1:]


def _flag(action: argparse.Action) -> str:
    short = next((one for one in action.option_strings if not one.startswith("--")), "")
    long = next((one for one in action.option_strings if one.startswith("--")), "")
    names = f"{short}, {long}" if short and long else short or f"    {long}"
    return f"  {names}" + ("" if action.nargs == 0 else f" {_kind(action)}")


def _kind(action: argparse.Action) -> str:
    if isinstance(action.metavar, str):
        return action.metavar
    return "list" if isinstance(action, argparse._AppendAction) else "int" if action.type is int else "string"


def _columns(rows: Iterable[tuple[str, str]]) -> list[str]:
    """Two columns, the second one wrapped."""
    rows = list(rows)
    width = min(max(len(name) for name, _ in rows) + 3, 40)
    lines = []
    for name, text in rows:
        first, *more = textwrap.wrap(text, max(30, _WIDTH - width)) or [""]
        if len(name) >= width:
            lines.append(name)
            name = ""
        lines.append(f"{name.ljust(width)}{first}".rstrip())
        lines += [" " * width + line for line in more]
    return lines
