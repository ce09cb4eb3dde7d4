"""``rung container``, ``rung network`` and their like by themselves: what they have."""

from __future__ import annotations

import sys

from rung.cli.flags import WRONG_COUNT, command
from rung.cli.help import group_text
from rung.cli.summaries import SUMMARIES

TYPE_CHECKING = False
if TYPE_CHECKING:
    from rung.cli.flags import Asked

#: Other names of the same.
_ALIASES = ("list", "ps", "remove")


@command("[COMMAND] [ARG...]", "Commands of a group", "rung container --help")
def group(asked: Asked) -> int:
    """Its help, and an error where a command is asked for that there is not."""
    name, *wrong = asked.words
    commands = [(word, about) for word, about in SUMMARIES[name].items() if word not in _ALIASES]
    text = group_text(name, SUMMARIES[""][name], commands)
    if wrong and wrong[0] not in ("--help", "help"):
        if wrong[0].startswith("-"):
            print(f"unknown flag: {wrong[0]}\nSee 'rung {name} --help'.", file=sys.stderr)
            return 125
        print(f"unknown command: rung {name} {wrong[0]}\n{text}", file=sys.stderr)
        return WRONG_COUNT
    print(text)
    return 0
