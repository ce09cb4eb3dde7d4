#!/usr/bin/env python3
"""Make ``rung.client.blocking`` from ``rung.client.aio``: the same text without ``async``.

    python3 tools/unasync.py            writes the files
    python3 tools/unasync.py --check    exits with 1 where they are not what it would write

Rule: words of the source are replaced, one by one; what needs more than that belongs into link.py, the one file of
which both packages have their own.
"""

from __future__ import annotations

import io
import sys
import tokenize
from pathlib import Path

CLIENT = Path(__file__).resolve().parents[1] / "src/rung/client"
OWN = {"__init__.py", "link.py"}

#: A name of its own -> what it is called without ``async``.
NAMES = {
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
    "__aiter__": "__iter__",
    "__anext__": "__next__",
    "StopAsyncIteration": "StopIteration",
    "AsyncClient": "Client",
    "AsyncSandbox": "Sandbox",
    "aio": "blocking",
}
GONE = {"async", "await"}


def unasync(source: str) -> str:
    """A module without ``async``. Its lines stay where they are."""
    lines = source.splitlines(keepends=True)
    for token in reversed(list(tokenize.generate_tokens(io.StringIO(source).readline))):
        row, start = token.start[0] - 1, token.start[1]
        end = token.end[1]
        if token.type == tokenize.NAME and token.string in GONE:
            lines[row] = lines[row][:start] + lines[row][end + 1 :]
        elif token.type == tokenize.NAME and token.string in NAMES:
            lines[row] = lines[row][:start] + NAMES[token.string] + lines[row][end:]
        elif token.type == tokenize.STRING and token.string.startswith('"""'):
            _prose(lines, row, token.end[0])
    return "# Made by tools/unasync.py from the file of the same name in aio/.\n" + "".join(lines)


def _prose(lines: list[str], first: int, last: int) -> None:
    """Docstrings show how the thing is used."""
    for row in range(first, last):
        lines[row] = lines[row].replace("async with rung.sandbox", "with sandbox").replace("async with", "with")


def made() -> dict[Path, str]:
    """Each file of ``blocking`` with what belongs into it."""
    sources = sorted(file for file in (CLIENT / "aio").glob("*.py") if file.name not in OWN)
    return {CLIENT / "blocking" / file.name: unasync(file.read_text()) for file in sources}


def stale() -> list[str]:
    """The files that are not what they should be, those that should not be there included."""
    wanted = made()
    there = {file for file in (CLIENT / "blocking").glob("*.py") if file.name not in OWN}
    return sorted(
        file.name for file in there | set(wanted) if not file.exists() or wanted.get(file) != file.read_text()
    )


def main(words: list[str]) -> int:
    if words == ["--check"]:
        if left := stale():
            print(f"not what tools/unasync.py makes: {', '.join(left)}", file=sys.stderr)
        return bool(left)
    for file, text in made().items():
        file.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
