"""Long files: what is written is what is there, whatever room was made."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from rung.image.store import stream
from rung.image.store.stream import Stream


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int, int]]:
    """What the kernel was told, beside the writes; and room as on a file system that makes it."""
    told: list[tuple[str, int, int]] = []
    monkeypatch.setattr(stream, "reserve", lambda fd, at, size: told.append(("room", at, size)))
    monkeypatch.setattr(stream, "start_writing", lambda fd, at, size: told.append(("send", at, size)))
    return told


MIB = 1 << 20


@pytest.mark.parametrize(
    ("size", "sizes", "told"),
    [
        (None, [MIB // 2, 100], []),
        (None, [MIB // 2] * 3, [("room", MIB // 2, 16 * MIB)]),
        (3 * MIB, [MIB] * 3, [("room", 0, 3 * MIB)]),
        (None, [9 * MIB, 9 * MIB], [("room", 0, 16 * MIB), ("send", 0, 9 * MIB), ("room", 16 * MIB, 16 * MIB), ("send", 9 * MIB, 9 * MIB)]),
    ],
)
def test_what_the_kernel_is_told(
    tmp_path: Path, calls: list[tuple[str, int, int]], size: int | None, sizes: list[int], told: list[tuple[str, int, int]]
) -> None:
    data = os.urandom(MIB)
    fd = os.open(tmp_path / "file", os.O_RDWR | os.O_CREAT)
    try:
        made = Stream(fd, size)
        for one in sizes:
            made.write((data * (one // MIB + 1))[:one])
        made.finish()
    finally:
        os.close(fd)
    assert calls == told and made.written == sum(sizes)
    assert (tmp_path / "file").read_bytes() == b"".join((data * (one // MIB + 1))[:one] for one in sizes)


def test_going_on_behind_what_is_there(tmp_path: Path, calls: list[tuple[str, int, int]]) -> None:
    (tmp_path / "file").write_bytes(b"x" * MIB)
    fd = os.open(tmp_path / "file", os.O_RDWR | os.O_APPEND)
    try:
        made = Stream(fd, 2 * MIB, MIB)
        made.write(b"y" * MIB)
        made.finish()
    finally:
        os.close(fd)
    assert calls == [("room", MIB, MIB)] and (tmp_path / "file").stat().st_size == 2 * MIB


def test_no_room_is_kept(tmp_path: Path) -> None:
    fd = os.open(tmp_path / "file", os.O_RDWR | os.O_CREAT)
    try:
        made = Stream(fd)
        made.write(bytes(2 * MIB))
        made.finish()
        assert os.fstat(fd).st_size == 2 * MIB and os.fstat(fd).st_blocks * 512 < 4 * MIB
    finally:
        os.close(fd)
