"""Which request is whose; progress as Docker's clients draw it; logs as they are read."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from rung.engine import logs
from rung.engine.docker import versions
from rung.engine.docker.progress import bar, entry_of, human
from rung.engine.docker.routes import Routes
from rung.engine.errors import BadParameter
from rung.image import Event
from rung.spec.jsonfile import Lines, parse


async def nothing(_call: Any) -> Any:
    return None


def test_words_of_a_path() -> None:
    routes = Routes({"GET /a/{id}/json": nothing, "GET /images/{image}/json": nothing, "GET /a/json": nothing})
    assert routes.find("GET", "/a/json") == (nothing, {})
    assert routes.find("GET", "/a/x/json") == (nothing, {"id": "x"})
    assert routes.find("HEAD", "/a/x/json") == (nothing, {"id": "x"})
    assert routes.find("GET", "/a/x/y/json") is None
    assert routes.find("GET", "/images/localhost:5000/a/b:1/json") == (nothing, {"image": "localhost:5000/a/b:1"})
    assert routes.find("POST", "/a/json") is None


def test_versions() -> None:
    assert versions.split("/v1.24/info") == ("/info", (1, 24))
    assert versions.split("/info") == ("/info", versions.NEWEST)
    assert versions.split("/volumes/v1")[0] == "/volumes/v1"
    versions.check((1, 24, 1))
    versions.check(versions.NEWEST)
    for version, said in (((9, 9), "9.9 is too new"), ((1, 12), "1.12 is too old"), ((1,), "1 is too old")):
        with pytest.raises(BadParameter, match=said):
            versions.check(version)


def test_progress() -> None:
    assert entry_of(Event("", "latest: Pulling from library/busybox")) == {
        "status": "Pulling from library/busybox",
        "id": "latest",
    }
    found = entry_of(Event("abc", "Downloading", 500, 1000))
    assert found["progressDetail"] == {"current": 500, "total": 1000}
    assert found["progress"] == bar(500, 1000)
    assert bar(500, 1000) == "[" + "=" * 25 + ">" + " " * 24 + "]  500B/1kB"
    assert human(1_234_567) == "1.235MB"


@pytest.fixture
def log(tmp_path: Path) -> str:
    lines = Lines("stdout")
    (tmp_path / "log.1").write_bytes(b"".join(lines.feed(b"old %d\n" % at, at) for at in range(3)))
    (tmp_path / "log").write_bytes(b"".join(lines.feed(b"new %d\n" % at, 10**9 + at) for at in range(3)))
    return str(tmp_path / "log")


def texts(lines: Any) -> list[str]:
    lines = lines.splitlines() if isinstance(lines, bytes) else lines
    return [entry.text for line in lines if (entry := parse(line)) is not None]


def test_the_last_lines_of_several_files(log: str) -> None:
    assert texts(logs.last_lines(log, 2)) == ["new 1\n", "new 2\n"]
    assert texts(logs.last_lines(log, 4)) == ["old 2\n", "new 0\n", "new 1\n", "new 2\n"]
    assert texts(logs.last_lines(log, 99)) == texts(logs.lines(log))
    assert logs.last_lines(log, 0) == []


def test_what_is_wanted_of_a_log(log: str) -> None:
    entries = [entry for line in logs.lines(log) if (entry := parse(line)) is not None]
    ask = logs.Ask(since_ns=10**9, until_ns=10**9 + 1)
    assert [one.text for one in entries if logs.wanted(one, ask)] == ["new 0\n", "new 1\n"]
    assert not [one for one in entries if logs.wanted(one, logs.Ask(stdout=False))]


def test_an_entry_as_a_client_gets_it(log: str) -> None:
    entry = parse(logs.last_lines(log, 1)[0])
    assert entry is not None
    assert logs.show(entry, logs.Ask(), framed=True) == b"\1\0\0\0\0\0\0\6new 2\n"
    stamped = logs.show(entry, logs.Ask(timestamps=True), framed=False)
    assert stamped == b"1970-01-01T00:00:01.000000002Z new 2\n"


def test_blocks_are_what_the_lines_are(log: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(logs, "_BLOCK", 100)
    assert len(list(logs.blocks(log))) > 2
    assert texts(b"".join(logs.blocks(log))) == texts(logs.lines(log))


def test_many_lines_that_came_at_once_are_one_frame_and_few_are_not() -> None:
    few, many = (Lines("stdout").feed(b"a\rb\n" * count, 0) for count in (2, 1000))
    ask = logs.Ask()
    assert logs.show_block(few, ask, framed=True) == b"\1\0\0\0\0\0\0\4a\rb\n" * 2
    assert logs.show_block(many, ask, framed=True) == b"\1\0\0\0" + (4000).to_bytes(4, "big") + b"a\rb\n" * 1000
    assert logs.show_block(many, ask, framed=False) == b"a\rb\n" * 1000
    assert logs.show_block(many, logs.Ask(stdout=False), framed=True) == b""
    said = Lines("stderr").feed(b"late\n", 10**9)
    assert logs.show_block(few + said, logs.Ask(since_ns=10**9), framed=False) == b"late\n"


def all_of(follower: logs.Follower) -> bytes:
    """What has come, block by block."""
    return b"".join(iter(follower.more, b""))


def test_a_follower_sees_what_comes_and_a_log_that_is_begun_anew(log: str) -> None:
    follower = logs.Follower(log)
    assert follower.more() == b""
    line = Lines("stdout").feed(b"more\n", 0)
    with open(log, "ab") as file:
        file.write(line[:-3])
    assert follower.more() == b"", "half a line is none"
    with open(log, "ab") as file:
        file.write(line[-3:])
    Path(log).rename(f"{log}.2")
    Path(log).write_bytes(Lines("stdout").feed(b"anew\n", 0))
    assert texts(all_of(follower)) == ["more\n", "anew\n"]
    follower.close()


def test_nothing_is_told_twice_or_lost_where_a_follower_begins(log: str, tmp_path: Path) -> None:
    past = texts(logs.lines(log))
    line = Lines("stdout").feed(b"meanwhile\n", 0)
    with open(log, "ab") as file:
        file.write(line[:9])
    follower = logs.Follower(log)
    with open(log, "ab") as file:
        file.write(line[9:])
    Path(log).rename(f"{log}.0")
    Path(f"{log}.1").rename(f"{log}.2")
    Path(f"{log}.0").rename(f"{log}.1")
    Path(log).write_bytes(Lines("stdout").feed(b"anew\n", 0))
    assert texts(logs.lines(log, follower)) == texts(logs.last_lines(log, 99, follower)) == past
    assert texts(logs.last_lines(log, 2, follower)) == past[-2:]
    assert texts(all_of(follower)) == ["meanwhile\n", "anew\n"]
    follower.close()
    first = logs.Follower(str(tmp_path / "none"))
    (tmp_path / "none").write_bytes(line)
    assert texts(logs.lines(str(tmp_path / "none"), first)) == []
    assert texts(first.more()) == ["meanwhile\n"]
    first.close()
