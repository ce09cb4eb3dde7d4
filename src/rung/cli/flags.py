"""Commands as tables, and reading a command line by them as docker reads its own (spf13's pflag and cobra).

A command is declared once: its usage line, its flags as lines of text, an example. Parsing, ``--help`` and completion
are all made of that. Kinds of flags are the words of docker's help: none is a switch, ``list`` and its like may come
several times, ``int``, ``decimal``, ``bytes`` and ``duration`` are numbers, anything else is text. ``kind=value`` gives
a default.

Rule: this is on the way of every command: it imports nothing that costs. ``argparse`` alone is 10 ms.
"""

from __future__ import annotations

from rung.cli.numbers import PARSED
from rung.errors import RungError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

WRONG_FLAG, WRONG_COUNT = 125, 1
#: Kinds that may be given several times.
SEVERAL = ("list", "filter", "mount", "network", "map", "ulimit", "gpu-request")
#: Older names of flags that docker still takes and does not show.
ALIASES = {"net": "network", "net-alias": "network-alias", "dns-opt": "dns-option"}
_TRUTH = dict.fromkeys(("1", "t", "T", "TRUE", "true", "True"), True) | dict.fromkeys(
    ("0", "f", "F", "FALSE", "false", "False"), False
)


class UsageError(RungError):
    """The command line is wrong. ``text``: all that is said of it; ``status``: what the command ends with."""

    def __init__(self, text: str, status: int) -> None:
        super().__init__(text)
        self.text, self.status = text, status


class Flag:
    """One line of a table."""

    def __init__(self, line: str) -> None:
        head, _, about = line.strip().partition("  ")
        words = head.split(" ")
        self.short = words.pop(0)[1] if words[0][1] != "-" else ""
        self.name = words.pop(0)[2:]
        kind, _, self.default = (words[0] if words else "").partition("=")
        self.kind, self.about = kind, about.strip()

    @property
    def takes_value(self) -> bool:
        return self.kind not in ("", "bool")

    @property
    def names(self) -> str:
        """As errors name it: ``-t, --time``."""
        return f"-{self.short}, --{self.name}" if self.short else f"--{self.name}"

    def initial(self) -> Any:
        """Its value where it is not given."""
        if not self.takes_value:
            return self.default == "true"
        if self.kind in SEVERAL:
            return []
        return self.parsed(self.default) if self.default else None if self.kind in PARSED else ""

    def parsed(self, word: str) -> Any:
        """A word as its value. Raises ``ValueError``."""
        if not self.takes_value:
            if word not in _TRUTH:
                raise ValueError(f'strconv.ParseBool: parsing "{word}": invalid syntax')
            return _TRUTH[word]
        return PARSED[self.kind](word) if self.kind in PARSED else word


class Command:
    """One command: what it is called with and the function that carries it out."""

    def __init__(self, usage: str, about: str, example: str, flags: str, run: Callable[[Asked], int]) -> None:
        self.usage, self.about, self.example, self.run = usage, about, example, run
        self._lines = flags

    def flags(self) -> Iterator[Flag]:
        """Its flags."""
        return map(Flag, filter(None, self._lines.strip("\n").split("\n")))

    @property
    def arguments(self) -> list[str]:
        """The words of the usage line that stand for arguments."""
        return [word for word in self.usage.split(" ")[1:] if word != "[OPTIONS]"]

    @property
    def stops(self) -> bool:
        """Whether flags end at the first argument: what follows is another program's."""
        return self.usage.endswith(("[ARG...]", "[PS_OPTION...]"))


def command(
    usage: str, about: str, example: str, flags: str = ""
) -> Callable[[Callable[[Asked], int]], Command]:
    """Declares a function as a command."""
    return lambda run: Command(usage, about, example, flags, run)


class Asked:
    """A command line that was read: flags by name, arguments in ``words``."""

    def __init__(self, prog: str, command: Command, settings: dict[str, str]) -> None:
        self.prog, self.command, self.settings = prog, command, settings
        self.values: dict[str, Any] = {}
        self.words: list[str] = []
        #: As they were given, for a command that hands them on.
        self.raw: list[str] = []
        #: Flags that were given, whatever their value.
        self.given: set[str] = set()

    def __getitem__(self, name: str) -> Any:
        return self.values[name]


def read(prog: str, command: Command, words: Sequence[str], settings: dict[str, str] | None = None) -> Asked:
    """Raises ``UsageError``."""
    asked = Asked(prog, command, settings or {})
    asked.raw = list(words)
    by_name, by_letter = {}, {}
    for flag in command.flags():
        by_name[flag.name] = flag
        if flag.short:
            by_letter[flag.short] = flag
        asked.values[flag.name] = flag.initial()
    by_name.setdefault("help", Flag("--help"))
    asked.values["help"] = False
    reading = _Reading(asked, by_name, by_letter)
    asked.words = reading.read(list(words))
    if not asked["help"]:
        _check_count(asked)
    return asked


class _Reading:
    def __init__(self, asked: Asked, by_name: dict[str, Flag], by_letter: dict[str, Flag]) -> None:
        self.asked, self.by_name, self.by_letter = asked, by_name, by_letter

    def read(self, words: list[str]) -> list[str]:
        """The words that are no flags."""
        found: list[str] = []
        words.reverse()  # the next one is the last
        while words:
            word = words.pop()
            if word == "--":
                return found + words[::-1]
            if word[:2] == "--":
                self._long(word, words)
            elif word[:1] == "-" and word != "-":
                self._letters(word, words)
            else:
                found.append(word)
                if self.asked.command.stops:
                    return found + words[::-1]
        return found

    def _long(self, word: str, rest: list[str]) -> None:
        name, equals, value = word[2:].partition("=")
        flag = self.by_name.get(name) or self.by_name.get(ALIASES.get(name, ""))
        if flag is None:
            raise self._wrong(f"unknown flag: --{name}")
        self._take(flag, f"--{name}", value if equals else None, rest)

    def _letters(self, word: str, rest: list[str]) -> None:
        """``-aq``, ``-n5``, ``-n=5``, ``-n 5``."""
        letters = word[1:]
        while letters:
            letter, letters = letters[0], letters[1:]
            flag = self.by_letter.get(letter)
            if flag is None:
                raise self._wrong(f"unknown shorthand flag: '{letter}' in {word}")
            value: str | None = None
            if letters[:1] == "=":
                value, letters = letters[1:], ""
            elif letters and flag.takes_value:
                value, letters = letters, ""
            self._take(flag, f"-{letter}", value, rest)

    def _take(self, flag: Flag, said: str, value: str | None, rest: list[str]) -> None:
        if value is None:
            if not flag.takes_value:
                value = "true"
            elif rest:
                value = rest.pop()
            else:
                which = f"'{said[1]}' in {said}" if len(said) == 2 else said
                raise self._wrong(f"flag needs an argument: {which}")
        try:
            found = flag.parsed(value)
        except ValueError as error:
            raise self._wrong(f'invalid argument "{value}" for "{flag.names}" flag: {error}') from None
        self.asked.given.add(flag.name)
        if flag.kind in SEVERAL:
            self.asked.values[flag.name].append(found)
        else:
            self.asked.values[flag.name] = found

    def _wrong(self, sentence: str) -> UsageError:
        return UsageError(f"{sentence}\nSee '{self.asked.prog} --help'.", WRONG_FLAG)


def counts(arguments: Sequence[str]) -> tuple[int, int | None]:
    """The fewest and the most words that a usage line's arguments take; None: any number."""
    least = sum(1 for word in arguments if word[0] != "[")
    return least, None if any(word.endswith("...]") for word in arguments) else len(arguments)


def _check_count(asked: Asked) -> None:
    """cobra's words, as docker's cli/required.go has them."""
    least, most = counts(asked.command.arguments)
    given = len(asked.words)
    if least <= given and (most is None or given <= most):
        return
    if most == 0:
        said = "accepts no arguments"
    elif most is None:
        said = f"requires at least {_arguments(least)}"
    elif least == most:
        said = f"requires exactly {_arguments(least)}"
    elif least == 0:
        said = f"requires at most {_arguments(most)}"
    else:
        said = f"requires at least {least} and at most {_arguments(most)}"
    about = f"Usage:  {usage_line(asked.prog, asked.command)}\n\n{asked.command.about}"
    raise UsageError(f"\"{asked.prog}\" {said}.\nSee '{asked.prog} --help'.\n\n{about}", WRONG_COUNT)


def _arguments(count: int) -> str:
    return f"{count} argument{'' if count == 1 else 's'}"


def usage_line(prog: str, command: Command) -> str:
    """The usage with the words that the command was called by: ``rung container ls [OPTIONS]``."""
    return f"{prog} {command.usage.partition(' ')[2]}".rstrip()
