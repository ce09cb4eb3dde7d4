"""The parsers of commands."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    import argparse
    from typing import Any


def add_command(commands: Any, name: str, help: str, example: str, run: Any) -> argparse.ArgumentParser:
    """A command's parser; ``run`` takes the parsed words and gives the exit status."""
    parser: argparse.ArgumentParser = commands.add_parser(
        name, help=help, description=help[0].upper() + help[1:] + ".", epilog=f"example: {example}"
    )
    parser.set_defaults(run=run)
    return parser
