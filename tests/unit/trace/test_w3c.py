"""W3C Trace Context, "traceparent Header Field Values", and what Rung's clients say of themselves."""

from __future__ import annotations

import pytest

from rung.trace import w3c
from rung.trace.w3c import Client, Context, beside, client_of, headers, parse

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


def test_a_header_is_read_and_written() -> None:
    assert parse(f"00-{TRACE}-{SPAN}-01") == Context(TRACE, SPAN)
    assert Context(TRACE, SPAN).header == f"00-{TRACE}-{SPAN}-01"
    assert parse(f"cc-{TRACE}-{SPAN}-01-what-comes-later") == Context(TRACE, SPAN)


@pytest.mark.parametrize(
    "header",
    [
        *(None, "", "00", f"00-{TRACE}-{SPAN}", f"00-{TRACE}-{SPAN}-01-more", f"ff-{TRACE}-{SPAN}-01"),
        *(f"00-{'0' * 32}-{SPAN}-01", f"00-{TRACE}-{'0' * 16}-01", f"00-{TRACE.upper()}-{SPAN}-01"),
        *(f"00-{TRACE[1:]}-{SPAN}-01", f"00-{TRACE}-{SPAN}-1", f"0-{TRACE}-{SPAN}-01", "-" * 55, f"00-{TRACE}-é{SPAN}-01"),
    ],
)
def test_what_is_not_by_the_rules_is_no_header(header: str | None) -> None:
    assert parse(header) is None


def test_a_process_says_the_same_with_each_request(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(w3c, "_own", [])
    first = headers("rung run", 123)
    assert headers() == first
    sent = dict(first)
    assert parse(sent["traceparent"]) is not None
    assert client_of(sent["tracestate"]) == Client("rung run", 123)


@pytest.mark.parametrize("state", [None, "", "rung=", "rung=x", "rung=@1", "other=x@1", "rung=x@-1", f"rung=x@{'9' * 40}"])
def test_what_others_say_is_not_ours(state: str | None) -> None:
    assert client_of(state) is None


def test_ours_is_found_among_others() -> None:
    assert client_of("congo=t61rcWkgMzE, rung=rung_ps@7") == Client("rung ps", 7)


def test_a_caller_in_a_trace_of_its_own_is_left_alone() -> None:
    given = [("Traceparent", f"00-{TRACE}-{SPAN}-01")]
    assert beside(given) == given
    assert [key for key, _ in beside([("x-registry-auth", "y")])] == ["traceparent", "tracestate", "x-registry-auth"]
