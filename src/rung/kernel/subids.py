"""Subordinate IDs: which ranges a user may map into user namespaces of its own. subuid(5), subgid(5)."""

from __future__ import annotations

SUBUID, SUBGID = "/etc/subuid", "/etc/subgid"


def ranges(path: str, name: str, number: int) -> list[tuple[int, int]]:
    """``(first, count)`` of whoever has that name or number; nothing where there is no file."""
    try:
        with open(path) as file:
            return of_lines(file.read(), name, number)
    except FileNotFoundError:
        return []


def of_lines(text: str, name: str, number: int) -> list[tuple[int, int]]:
    """The same of a file's text."""
    found = []
    for line in text.splitlines():
        owner, _, rest = line.strip().partition(":")
        start, _, count = rest.partition(":")
        if owner in (name, str(number)) and owner and start.isdigit() and count.isdigit():
            found.append((int(start), int(count)))
    return found
