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
    names: Sequence[str],
    ask: Callable[[str], Answer],
    *,
    told: Callable[[str, Answer], None] | None = None,
    forgiven: tuple[int, ...] = (),
    failed: list[str] | None = None,
) -> int:
    """``ask`` makes a request of a name; those that succeed are told of (by their names), then what was refused.
    ``forgiven``: statuses that are said and do not count; ``failed`` gets the names that were refused."""
    errors = []
    for name, answer, error in _answers(names, ask):
        if error is None:
            (told or _name)(name, answer)
        elif error.status in forgiven:
            print(error, file=sys.stderr)
        else:
            errors.append(error)
            if failed is not None:
                failed.append(name)
    for error in errors:
        print(error, file=sys.stderr)
    return 1 if errors else 0


def _name(name: str, answer: Answer) -> None:
    answer.whole()
    print(name, flush=True)


def _answers(
    names: Sequence[str], ask: Callable[[str], Answer]
) -> Iterator[tuple[str, Answer, Refused | None]]:
    for first in range(0, len(names), _TOGETHER):
        group = names[first : first + _TOGETHER]
        for name, answer in [(name, ask(name)) for name in group]:
            try:
                answer.begin()
            except Refused as error:
                yield name, answer, error
            else:
                yield name, answer, None
