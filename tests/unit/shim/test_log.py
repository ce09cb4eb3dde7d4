"""Log files: appended to, begun anew, bounded."""

from __future__ import annotations

import gzip
from collections.abc import Callable
from pathlib import Path
from typing import Any

from rung.engine.logs import blocks, last_lines, lines
from rung.shim.stdio.log import LogFile


def test_it_appends(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"old\n")
    log = LogFile(str(path))
    log.write(b"new\n")
    log.close()
    assert path.read_bytes() == b"old\nnew\n"


def test_it_is_begun_anew_when_full(tmp_path: Path) -> None:
    log = LogFile(str(tmp_path / "log"), size_bytes=10, files=3)
    for number in range(4):
        log.write(b"line %d\n" % number)
    log.close()
    kept = {path.name: path.read_text() for path in tmp_path.iterdir()}
    assert kept == {"log": "line 3\n", "log.1": "line 2\n", "log.2": "line 1\n"}


def test_one_file_alone_is_emptied(tmp_path: Path) -> None:
    log = LogFile(str(tmp_path / "log"), size_bytes=10)
    log.write(b"first\n")
    log.write(b"second\n")
    log.close()
    assert [path.read_text() for path in tmp_path.iterdir()] == ["second\n"]


def test_full_ones_are_compressed_and_read_as_before(tmp_path: Path) -> None:
    def at_once(work: Callable[[], Any], done: Callable[[Any, BaseException | None], None]) -> None:
        done(work(), None)

    path = str(tmp_path / "log")
    log = LogFile(path, size_bytes=10, files=3, aside=at_once)
    for number in range(4):
        log.write(b"line %d\n" % number)
    log.close()
    assert sorted(one.name for one in tmp_path.iterdir()) == ["log", "log.1.gz", "log.2.gz"]
    assert gzip.decompress((tmp_path / "log.2.gz").read_bytes()) == b"line 1\n"
    wanted = [b"line 1\n", b"line 2\n", b"line 3\n"]
    assert list(lines(path)) == list(blocks(path)) == last_lines(path, 5) == wanted
    assert last_lines(path, 2) == wanted[1:]


def test_one_that_is_full_again_before_it_is_compressed_stays(tmp_path: Path) -> None:
    later: list[Callable[[], None]] = []

    def aside(work: Callable[[], Any], done: Callable[[Any, BaseException | None], None]) -> None:
        later.append(lambda: done(work(), None))

    path = str(tmp_path / "log")
    log = LogFile(path, size_bytes=10, files=4, aside=aside)
    for number in range(3):
        log.write(b"line %d\n" % number)
    later.pop()()
    assert sorted(one.name for one in tmp_path.iterdir()) == ["log", "log.1", "log.2"]
    log.write(b"line 3\n")
    later.pop()()
    log.close()
    assert sorted(one.name for one in tmp_path.iterdir()) == ["log", "log.1.gz", "log.2", "log.3"]
    assert list(lines(path)) == [b"line %d\n" % number for number in range(4)]
