"""Command lines as docker reads them (spf13's pflag and cobra), declared through ``declaration.py``.

Rule: reading, usage errors and help are done here, because pflag's differ from ``argparse``'s: flags and arguments mix
freely, ``--all=false`` is said of flags without a value, nothing is abbreviated, a wrong flag ends with 125 and a wrong
number of arguments with 1, in docker's words.
"""

from __future__ import annotations

import sys

from rung.cli.declaration import REMAINDER, Argument, BadValue, Commands, Exclusive, Namespace
from rung.errors import RungError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Any, NoReturn

_TRUTH = dict.fromkeys(("1", "t", "T", "TRUE", "true", "True"), True) | dict.fromkeys(
    ("0", "f", "F", "FALSE", "false", "False"), False
)
WRONG_FLAG, WRONG_COUNT = 125, 1
#: The fewest and most words that an argument takes; None: any number.
_COUNTS: dict[object, tuple[int, int | None]] = {
    None: (1, 1),
    "?": (0, 1),
    "*": (0, None),
    "+": (1, None),
    REMAINDER: (0, None),
}


class Parser:
    """A command's parser; the parsers of its commands are such ones too."""

    def __init__(self, prog: str = "rung", description: str = "", epilog: str = "", *, add_help: bool = True) -> None:
        self.prog, self.description, self.epilog = prog, description, epilog
        self.arguments: list[Argument] = []
        self.flags: dict[str, Argument] = {}
        self.groups: list[Exclusive] = []
        self.defaults: dict[str, Any] = {}
        if add_help:
            self.add_argument("-h", "--help", action="help")

    def add_argument(self, *names: str, **how: Any) -> Argument:
        """A flag (its names begin with a dash) or an argument."""
        return self._add(Argument(*names, **how))

    def add_subparsers(self, metavar: str = "COMMAND") -> Commands:
        """Commands below this one."""
        made = Commands(self, metavar)
        self._add(made)
        return made

    def add_mutually_exclusive_group(self, *, required: bool = False) -> Exclusive:
        """Flags of which only one may be given."""
        self.groups.append(Exclusive(self, required))
        return self.groups[-1]

    def set_defaults(self, **values: Any) -> None:
        """Values that no flag gives."""
        self.defaults.update(values)

    def parse_args(self, words: Sequence[str] | None = None) -> Namespace:
        """Read the words; ends the process with a usage error, so nothing is ever unknown."""
        return _Reading(self, Namespace()).read(list(sys.argv[1:] if words is None else words))

    def _add(self, argument: Argument) -> Argument:
        self.arguments.append(argument)
        self.flags.update(dict.fromkeys(argument.option_strings, argument))
        return argument

    # --- what it says ------------------------------------------------------------------

    def format_help(self) -> str:
        """All that ``--help`` prints."""
        from rung.cli.usage import help_text

        return help_text(self)

    def print_help(self) -> None:
        """To standard output."""
        sys.stdout.write(self.format_help())

    def exit(self, status: int, message: str = "") -> NoReturn:
        """End the process."""
        sys.stderr.write(message)
        raise SystemExit(status)

    def error(self, message: str) -> NoReturn:
        """A flag that is wrong."""
        self.exit(WRONG_FLAG, f"{message}\nSee '{self.prog} --help'.\n")

    def wrong_count(self, message: str) -> NoReturn:
        """Too many or too few arguments."""
        from rung.cli.usage import usage_line

        about = f"\n\n{self.description}" if self.description else ""
        text = f'"{self.prog}" {message}.\nSee \'{self.prog} --help\'.\n\n{usage_line(self)}{about}\n'
        self.exit(WRONG_COUNT, text)


def add_command(commands: Any, name: str, help: str, example: str, run: Any) -> Parser:
    """A command's parser; ``run`` takes the parsed words and gives the exit status."""
    about = help[0].upper() + help[1:]
    parser: Parser = commands.add_parser(name, help=help, description=about, epilog=f"example: {example}")
    parser.set_defaults(run=run)
    return parser


class _Reading:
    """One command line on its way into a namespace."""

    def __init__(self, parser: Parser, namespace: Namespace) -> None:
        self.parser = parser
        self.namespace = namespace
        self.seen: list[Argument] = []
        self.arguments = [one for one in parser.arguments if not one.option_strings]
        for one in parser.arguments:
            if not one.ends and not isinstance(one, Commands):
                namespace.__dict__.setdefault(one.dest, one.default)
        for name, value in parser.defaults.items():
            namespace.__dict__.setdefault(name, value)

    def read(self, words: list[str]) -> Namespace:
        below = next((one for one in self.arguments if isinstance(one, Commands)), None)
        last = any(one.nargs == REMAINDER for one in self.arguments)
        given = self._flags(words, stop=below is not None or last)
        if below is not None:
            self._descend(below, given)
        else:
            self._give(given)
        self._check_flags()
        return self.namespace

    # --- flags -----------------------------------------------------------------------

    def _flags(self, words: list[str], *, stop: bool) -> list[str]:
        """Carry out the flags; the words that are none. ``stop``: at the first such word."""
        given: list[str] = []
        while words:
            word = words.pop(0)
            if word == "--":
                return given + words
            if word.startswith("--"):
                self._long(word, words)
            elif word.startswith("-") and word != "-":
                self._shorts(word, words)
            else:
                given.append(word)
                if stop:
                    return given + words
        return given

    def _long(self, word: str, words: list[str]) -> None:
        name, equals, value = word.partition("=")
        action = self.parser.flags.get(name)
        if action is None:
            self.parser.error(f"unknown flag: {name}")
        self._carry_out(action, name, value if equals else None, words)

    def _shorts(self, word: str, words: list[str]) -> None:
        """``-aq``, ``-n5``, ``-n=5``, ``-n 5``."""
        letters = word[1:]
        while letters:
            letter, letters = letters[0], letters[1:]
            action = self.parser.flags.get(f"-{letter}")
            if action is None:
                self.parser.error(f"unknown shorthand flag: '{letter}' in {word}")
            value: str | None = None
            if letters.startswith("="):
                value, letters = letters[1:], ""
            elif letters and action.nargs != 0:
                value, letters = letters, ""
            self._carry_out(action, f"-{letter}", value, words)

    def _carry_out(self, action: Argument, name: str, value: str | None, words: list[str]) -> None:
        self.seen.append(action)
        if action.nargs == 0:
            self._switch(action, name, value)
            return
        if value is None and action.nargs == "?":
            setattr(self.namespace, action.dest, action.const)
            return
        if value is None:
            if not words:
                which = f"'{name[1]}' in {name}" if len(name) == 2 else name
                self.parser.error(f"flag needs an argument: {which}")
            value = words.pop(0)
        action.apply(self.parser, self.namespace, self._value(action, value))

    def _switch(self, action: Argument, name: str, value: str | None) -> None:
        if value is None:
            action.apply(self.parser, self.namespace)
        elif value not in _TRUTH:
            said = f'invalid argument "{value}" for "{", ".join(action.option_strings)}" flag'
            self.parser.error(f'{said}: strconv.ParseBool: parsing "{value}": invalid syntax')
        elif isinstance(action.const, bool):
            setattr(self.namespace, action.dest, action.const if _TRUTH[value] else not action.const)
        elif _TRUTH[value]:
            action.apply(self.parser, self.namespace)

    def _value(self, action: Argument, word: str) -> Any:
        try:
            return action.value(word)
        except (BadValue, RungError) as error:
            names = ", ".join(action.option_strings) or str(action.metavar or action.dest)
            self.parser.error(f'invalid argument "{word}" for "{names}" flag: {error}')

    def _check_flags(self) -> None:
        for action in self.parser.arguments:
            if action.option_strings and action.required and action not in self.seen:
                self.parser.error(f'required flag(s) "{action.option_strings[-1].lstrip("-")}" not set')
        for group in self.parser.groups:
            both = [action.option_strings[-1] for action in group.flags if action in self.seen]
            if len(both) > 1:
                self.parser.error(f"conflicting options: {' and '.join(both)} cannot be used together")
            if group.required and not both:
                every = (action.option_strings[-1] for action in group.flags)
                self.parser.error(f"one of {', '.join(every)} is needed")

    # --- arguments -------------------------------------------------------------------

    def _descend(self, commands: Commands, given: list[str]) -> None:
        if not given:
            self.parser.print_help()
            self.parser.exit(0)
        if given[0] not in commands.parsers:
            prog = self.parser.prog
            self.parser.exit(WRONG_COUNT, f"unknown command: {prog} {given[0]}\nSee '{prog} --help'.\n")
        below = _Reading(commands.parsers[given[0]], Namespace()).read(given[1:])
        self.namespace.__dict__.update(below.__dict__)

    def _give(self, given: list[str]) -> None:
        """Share the words out among the arguments, each taking as many as leave enough for the others."""
        counts = [_COUNTS[action.nargs] for action in self.arguments]
        least, most = sum(low for low, _ in counts), sum(-1 if high is None else high for _, high in counts)
        unbounded = any(high is None for _, high in counts)
        if len(given) < least or (not unbounded and len(given) > most):
            self.parser.wrong_count(_wanted(least, None if unbounded else most))
        spare = len(given) - least
        for action, (low, high) in zip(self.arguments, counts):
            extra = spare if high is None else min(spare, high - low)
            spare -= extra
            mine, given = given[: low + extra], given[low + extra :]
            values = [self._value(action, word) for word in mine]
            if high is None:
                setattr(self.namespace, action.dest, values or action.default or [])
            elif values:
                setattr(self.namespace, action.dest, values[0])


def _wanted(least: int, most: int | None) -> str:
    """cobra's words for the number of arguments, as docker's cli/required.go has them."""

    def arguments(count: int) -> str:
        return f"{count} argument{'' if count == 1 else 's'}"

    if most == 0:
        return "accepts no arguments"
    if most is None:
        return f"requires at least {arguments(least)}"
    if least == most:
        return f"requires exactly {arguments(least)}"
    if least == 0:
        return f"requires at most {arguments(most)}"
    return f"requires at least {least} and at most {arguments(most)}"
