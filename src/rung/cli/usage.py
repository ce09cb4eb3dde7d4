"""A command's help, laid out as docker lays its own out: usage, what it does, flags in columns."""

from __future__ import annotations

from rung.cli.declaration import Commands

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable

    from rung.cli.declaration import Argument
    from rung.cli.parser import Parser

_WIDTH = 80


def usage_line(parser: Parser) -> str:
    """``Usage:  rung rmi [OPTIONS] IMAGE [IMAGE...]``."""
    words = [parser.prog]
    if any(action.option_strings and action.dest != "help" for action in parser.arguments):
        words.append("[OPTIONS]")
    words += [_argument(action) for action in parser.arguments if not action.option_strings]
    return f"Usage:  {' '.join(words)}"


def _argument(action: Argument) -> str:
    name = action.metavar if isinstance(action.metavar, str) else action.dest.upper()
    if action.nargs == "?":
        return f"[{name}]"
    if action.nargs == "*":
        return f"[{name}...]"
    return f"{name} [{name}...]" if action.nargs == "+" else name


def help_text(parser: Parser) -> str:
    """All that ``--help`` prints."""
    parts = ["", usage_line(parser), ""]
    if parser.description:
        parts += [parser.description, ""]
    for action in parser.arguments:
        if isinstance(action, Commands):
            rows = [(f"  {name}", about) for name, about in action.listed]
            parts += ["Commands:", *_columns(rows), ""]
    arguments = [(f"  {_name(one)}", _told(one)) for one in parser.arguments if not one.option_strings and one.help]
    if arguments:
        parts += ["Arguments:", *_columns(arguments), ""]
    flags = [(_flag(one), _told(one)) for one in parser.arguments if one.option_strings and _is_shown(one)]
    if flags:
        parts += ["Options:", *_columns(flags), ""]
    if parser.epilog:
        parts += [parser.epilog, ""]
    return "\n".join(parts)


def _is_shown(action: Argument) -> bool:
    return action.action != "help"


def _name(action: Argument) -> str:
    return action.metavar if isinstance(action.metavar, str) else action.dest.upper()


def _told(action: Argument) -> str:
    text = action.help or ""
    if "%(" in text:
        text = text % {**vars(action), "prog": ""}
    return text[:1].upper() + text[1:]


def _flag(action: Argument) -> str:
    short = next((one for one in action.option_strings if not one.startswith("--")), "")
    long = next((one for one in action.option_strings if one.startswith("--")), "")
    names = f"{short}, {long}" if short and long else short or f"    {long}"
    return f"  {names}" + ("" if action.nargs == 0 else f" {_kind(action)}")


def _kind(action: Argument) -> str:
    if isinstance(action.metavar, str):
        return action.metavar
    return "list" if action.action == "append" else "int" if action.type is int else "string"


def _columns(rows: Iterable[tuple[str, str]]) -> list[str]:
    """Two columns, the second one wrapped."""
    rows = list(rows)
    width = min(max(len(name) for name, _ in rows) + 3, 40)
    lines = []
    for name, text in rows:
        first, *more = _wrapped(text, max(30, _WIDTH - width))
        if len(name) >= width:
            lines.append(name)
            name = ""
        lines.append(f"{name.ljust(width)}{first}".rstrip())
        lines += [" " * width + line for line in more]
    return lines


def _wrapped(text: str, width: int) -> list[str]:
    """Lines no longer than that, of whole words; ``textwrap`` would load ``re``."""
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width:
            lines.append("")
        lines[-1] += f" {word}" if lines[-1] else word
    return lines
