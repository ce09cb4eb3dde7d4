"""Something done to several things at once, as docker does it: all are asked, then told of in the order given."""

from __future__ import annotations

import sys

from rung.cli.link.engine import Refused

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from rung.cli.link.engine import Answer

#: As many requests are under way together.
_TOGETHER = 50


def each(
    names: Sequence[str], ask: Callable[[str], Answer], *, told: bool = True, forgiven: tuple[int, ...] = ()
) -> int:
    """``ask`` makes a request of a name; the names of those that succeed are printed, then what was refused.
    ``forgiven``: statuses that are said and do not count."""
    errors = []
    for name, error in _answers(names, ask):
        if error is None:
            if told:
                print(name, flush=True)
        elif error.status in forgiven:
            print(error, file=sys.stderr)
        else:
            errors.append(error)
    for error in errors:
        print(error, file=sys.stderr)
    return 1 if errors else 0


def _answers(names: Sequence[str], ask: Callable[[str], Answer]) -> Iterator[tuple[str, Refused | None]]:
    for first in range(0, len(names), _TOGETHER):
        group = names[first : first + _TOGETHER]
        for name, answer in [(name, ask(name)) for name in group]:
            try:
                answer.begin()
                answer.whole()
            except Refused as error:
                yield name, error
            else:
                yield name, None
