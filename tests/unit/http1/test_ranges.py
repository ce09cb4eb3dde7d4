"""Parts of documents and conditions."""

from __future__ import annotations

import pytest

from rung.http1.head import parse_request
from rung.http1.ranges import Part, Unsatisfiable, is_known, part_of

ETAG = '"sha256:abc"'


def asked(*lines: str, size: int = 100) -> Part | Unsatisfiable | None:
    request = parse_request("\r\n".join(["GET / HTTP/1.1", "Host: h", *lines]).encode())
    return part_of(request, size, ETAG)


@pytest.mark.parametrize(
    ("text", "part"),
    [
        ("bytes=0-0", Part(0, 1)),
        ("bytes=10-19", Part(10, 20)),
        ("bytes=90-", Part(90, 100)),
        ("bytes=90-500", Part(90, 100)),
        ("bytes=-10", Part(90, 100)),
        ("bytes=-500", Part(0, 100)),
        ("Bytes=0-1", Part(0, 2)),
        ("bytes=100-", Unsatisfiable()),
        ("bytes=-0", Unsatisfiable()),
        ("bytes=5-4", Unsatisfiable()),
        ("bytes=-", None),
        ("bytes=0-1,5-6", None),
        ("lines=0-1", None),
        ("bytes=a-b", None),
        ("", None),
    ],
)
def test_ranges(text: str, part: Part | Unsatisfiable | None) -> None:
    assert asked(f"Range: {text}") == part


def test_nothing_of_nothing_is_satisfiable() -> None:
    assert asked("Range: bytes=0-", size=0) == Unsatisfiable()
    assert asked("Range: bytes=-1", size=0) == Unsatisfiable()


def test_a_part_of_what_it_was() -> None:
    assert asked("Range: bytes=0-1", f"If-Range: {ETAG}") == Part(0, 2)
    assert asked("Range: bytes=0-1", 'If-Range: "other"') is None


@pytest.mark.parametrize(
    ("text", "known"),
    [(ETAG, True), (f'"x", W/{ETAG}', True), ("*", True), ('"x"', False), ("", False)],
)
def test_what_the_client_has(text: str, known: bool) -> None:
    request = parse_request(f"GET / HTTP/1.1\r\nHost: h\r\nIf-None-Match: {text}".encode())
    assert is_known(request, ETAG) is known
