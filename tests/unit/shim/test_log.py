"""Log files: appended to, begun anew, bounded."""

from __future__ import annotations

from pathlib import Path

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
