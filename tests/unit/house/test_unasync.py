"""The blocking library is what tools/unasync.py makes of the other."""

from __future__ import annotations

import unasync


def test_the_files_are_up_to_date() -> None:
    assert unasync.stale() == [], "run python3 tools/unasync.py"


def test_what_it_does() -> None:
    source = (
        "from rung.client.aio.api import Api\n"
        "async def f(self) -> None:\n"
        "    async with await self.g() as x, h:\n"
        "        return [await y for y in x]  # async in a remark stays\n"
        "class AsyncClient:\n"
        "    async def __aenter__(self): ...\n"
    )
    assert unasync.unasync(source).splitlines()[1:] == [
        "from rung.client.blocking.api import Api",
        "def f(self) -> None:",
        "    with self.g() as x, h:",
        "        return [y for y in x]  # async in a remark stays",
        "class Client:",
        "    def __enter__(self): ...",
    ]
