"""Spans across tasks, and what is not recorded."""

from __future__ import annotations

import asyncio

import pytest

from rung.trace import spans
from rung.trace.spans import Root, about, context, enter, leave, step
from rung.trace.w3c import Context, parse

ID = "ab" * 32


def test_nothing_is_recorded_where_nobody_asked() -> None:
    with step("alone"):
        assert context() == ""
    about(ID)


def test_steps_hang_below_their_request() -> None:
    root = Root("POST /x", Context("1" * 32, "2" * 16))
    enter(root)
    about(ID)
    with step("outer", "box", "clause"):
        sent = parse(context())
        with step("inner"):
            pass
    leave()
    root.close()
    inner, outer, request = root.ended
    assert (request.parent_id, outer.parent_id, inner.parent_id) == ("2" * 16, request.span_id, outer.span_id)
    assert sent == Context("1" * 32, outer.span_id)
    assert {node.trace_id for node in root.ended} == {"1" * 32}
    assert outer.began_ns <= inner.began_ns <= inner.ended_ns <= outer.ended_ns <= request.ended_ns


def test_a_request_without_a_trace_is_of_its_containers() -> None:
    root = Root("POST /x", None)
    enter(root)
    assert context() == "", "nobody knows yet whose it is"
    about(ID)
    about("cd" * 32)
    leave()
    assert root.subject == ID
    assert (root.trace_id, root.parent_id) == (ID[:32], ID[32:48])


def test_a_step_that_fails_says_so() -> None:
    root = Root("POST /x", None)
    enter(root)
    with pytest.raises(OSError, match="no"), step("broken"):
        raise OSError("no")
    leave()
    assert root.ended[0].failed == "no"


def test_requests_at_the_same_time_are_kept_apart() -> None:
    async def request(name: str) -> Root:
        root = Root(name, None)
        enter(root)
        about(name * 64)
        for _ in range(3):
            with step(name):
                await asyncio.sleep(0)
        return root

    async def both() -> list[Root]:
        return list(await asyncio.gather(request("a"), request("b")))

    for root in asyncio.run(both()):
        assert [node.what for node in root.ended] == [root.what] * 3
        assert {node.parent_id for node in root.ended} == {root.span_id}
    assert spans._CURRENT.get() is None
