"""What the project promises of a figure, and how a row of it is printed: value, bound, aim, verdict.

A missed bound fails the run; a missed aim does not.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Limit:
    """One promise. ``value`` is to be at most ``bound``, or at least, and better still ``aim``."""

    what: str
    value: float
    bound: float
    aim: float | None = None
    at_least: bool = False

    def reaches(self, limit: float) -> bool:
        """Whether the value is on the good side of ``limit``."""
        return self.value >= limit if self.at_least else self.value <= limit

    @property
    def holds(self) -> bool:
        """Whether the bound holds."""
        return self.reaches(self.bound)

    @property
    def verdict(self) -> str:
        """In words."""
        bound = "holds" if self.holds else "MISSED"
        if self.aim is None:
            return bound
        return f"{bound}, aim {'holds' if self.reaches(self.aim) else 'missed'}"


def lines(limits: Iterable[Limit]) -> Iterator[str]:
    """A heading, and a line each."""
    yield f"{'':62}{'value':>9}{'bound':>9}{'aim':>7}"
    for one in limits:
        aim = "-" if one.aim is None else f"{one.aim:g}"
        bound = f"{'>= ' if one.at_least else ''}{one.bound:g}"
        yield f"{one.what:62}{one.value:>9.2f}{bound:>9}{aim:>7}  {one.verdict}"
