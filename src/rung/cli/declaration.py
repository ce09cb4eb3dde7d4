"""What a command takes, declared with ``argparse``'s words: flags, arguments, commands below it.

Rule: ``argparse`` itself is not loaded. Importing it is 10 ms, most of what ``rung COMMAND --help`` may take. Here is
what Rung's commands declare with, and nothing else; reading command lines is ``parser.py``'s.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any

    from rung.cli.parser import Parser

#: ``nargs`` of an argument that takes all that is left, flags of another program among it.
REMAINDER = "..."


class BadValue(ValueError):
    """A value that a flag does not take; the text says why."""


class Namespace:
    """The values of a command line that was read, by name."""

    def __init__(self, **values: Any) -> None:
        self.__dict__.update(values)

    if TYPE_CHECKING:

        def __getattr__(self, name: str) -> Any: ...
        def __setattr__(self, name: str, value: Any) -> None: ...


class Argument:
    """A flag or an argument. ``action``: store, append, store_true, store_const, version or help.

    ``default``: False for a switch and None for others, where none is named."""

    def __init__(
        self,
        *names: str,
        action: str = "store",
        dest: str = "",
        nargs: str | int | None = None,
        const: Any = None,
        default: Any = ...,
        type: Callable[[str], Any] | None = None,
        choices: Sequence[str] | None = None,
        required: bool = False,
        help: str = "",
        metavar: str | None = None,
        version: str = "",
    ) -> None:
        self.option_strings = [name for name in names if name.startswith("-")]
        long = next((name for name in names if name.startswith("--")), names[0])
        self.dest = dest or long.lstrip("-").replace("-", "_")
        self.action, self.type, self.choices, self.help, self.metavar = action, type, choices, help, metavar
        self.required, self.version = required, version
        self.nargs = nargs if action in ("store", "append") else 0
        self.const = True if action == "store_true" else const
        absent = False if action == "store_true" else None
        self.default = absent if default is ... else default

    @property
    def ends(self) -> bool:
        """Whether the command ends with it: ``--help``, ``--version``."""
        return self.action in ("help", "version")

    def value(self, word: str) -> Any:
        """A word as its value. Raises ``BadValue``, ``RungError``."""
        try:
            found = self.type(word) if self.type else word
        except BadValue:
            raise
        except ValueError:
            raise BadValue(f"invalid {getattr(self.type, '__name__', 'value')} value: {word!r}") from None
        if self.choices is not None and found not in self.choices:
            raise BadValue(f"invalid choice: {word!r} (choose from {', '.join(map(repr, self.choices))})")
        return found

    def apply(self, parser: Parser, to: Namespace, value: Any = None) -> None:
        """Carry out the flag; ``value``: what it was given, where it takes one."""
        if self.action == "help":
            parser.print_help()
            parser.exit(0)
        elif self.action == "version":
            print(self.version)
            parser.exit(0)
        elif self.action == "append":
            setattr(to, self.dest, [*(getattr(to, self.dest) or ()), value])
        else:
            setattr(to, self.dest, self.const if self.nargs == 0 else value)


class Commands(Argument):
    """The words of which one names the command that goes on."""

    def __init__(self, parser: Parser, metavar: str) -> None:
        super().__init__("command", metavar=metavar)
        self._above = parser
        #: name -> its parser, of those that are loaded.
        self.parsers: dict[str, Parser] = {}
        #: name and what it is for, as the help of all lists them.
        self.listed: list[tuple[str, str]] = []

    def add_parser(self, name: str, *, help: str = "", **how: Any) -> Parser:
        """One of them."""
        found = type(self._above)(prog=f"{self._above.prog} {name}", **how)
        self.parsers[name] = found
        self.listed.append((name, help))
        return found


class Exclusive:
    """Flags of which only one may be given."""

    def __init__(self, parser: Parser, required: bool) -> None:
        self._parser, self.required = parser, required
        self.flags: list[Argument] = []

    def add_argument(self, *names: str, **how: Any) -> Argument:
        """One of them."""
        self.flags.append(self._parser.add_argument(*names, **how))
        return self.flags[-1]
