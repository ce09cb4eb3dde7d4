"""Names for containers that were given none: an adjective and a tree."""

from __future__ import annotations

import os

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Container

_FIRST = (
    "agile amber ample bold brave bright brisk calm clear clever cosy crisp deft eager early fair "
    "fleet fond frank fresh gentle glad golden grand green hardy honest jolly keen kind lively lucky "
    "mellow merry mild modest neat nimble noble patient plain proud quick quiet rapid ready royal "
    "sharp silent silver sleek smart smooth snug solid spry steady still sunny swift tidy tranquil "
    "upbeat vivid warm wise witty young"
).split()
_SECOND = (
    "acacia alder almond apple ash aspen bamboo banyan baobab beech birch cedar cherry chestnut "
    "cypress dogwood ebony elder elm fig fir ginkgo hawthorn hazel hemlock hickory holly hornbeam "
    "ironwood juniper larch laurel lemon linden locust magnolia mahogany mango maple medlar mulberry "
    "myrtle oak olive osier palm pear pine plane plum poplar quince redwood rowan rubber sandal "
    "sequoia spruce sumac sycamore tamarind teak tulip walnut wattle willow yew"
).split()


#: So many names without a number are tried before one with a number is taken.
_PLAIN_TRIES = 8


def generate(taken: Container[str]) -> str:
    """Return a name that is not in ``taken``, however many are: with a number where the plain ones are."""
    for _ in range(_PLAIN_TRIES):
        name = _plain()
        if name not in taken:
            return name
    numbers = 10
    while (name := f"{_plain()}{int.from_bytes(os.urandom(8), 'big') % numbers}") in taken:
        numbers *= 2
    return name


def _plain() -> str:
    return f"{_any(_FIRST)}_{_any(_SECOND)}"


def _any(words: list[str]) -> str:
    return words[os.urandom(1)[0] % len(words)]
