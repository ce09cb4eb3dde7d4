"""rung-untar has nothing but a layer when it begins to read; and an index refuses what files do."""

from __future__ import annotations

import io
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep

import pytest

import trees
from imageparts import archive, entry
from rung.image.errors import LayerError, StoreError
from rung.image.layer.extract import Untar
from rung.image.snapshot import erofs

from .test_hostile_layers import ESCAPES, STAYS


def status(pid: int) -> dict[str, str]:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return {key: value.strip() for key, _, value in (line.partition(":") for line in lines)}


def waiting(untar: Untar) -> int:
    """The process, when it has given up what it had and reads."""
    deadline = monotonic() + 30
    while status(untar._pid)["Seccomp"] != "2":
        assert monotonic() < deadline
        sleep(0.001)
    return untar._pid


@pytest.mark.parametrize("form", ["overlay", "erofs"])
def test_nothing_but_the_layer(place: Path, form: str) -> None:
    (place / "layer").mkdir()
    (place / "beside").mkdir()
    target = place / "layer" if form == "overlay" else place / "index"
    flags = os.O_RDONLY | os.O_DIRECTORY if form == "overlay" else os.O_RDWR | os.O_CREAT
    fd = os.open(target, flags)
    try:
        with Untar(form, fd) as untar:
            pid = waiting(untar)
            found = status(pid)
            assert found["NoNewPrivs"] == "1" and found["CapInh"] == "0000000000000000"
            held = int(found["CapEff"], 16)
            # chown, dac_override, dac_read_search, fowner, fsetid, sys_admin (trusted.*), mknod, setfcap
            assert held & ~0x8820001F == 0 and (form == "overlay" or held == 0)
            assert sorted(map(int, os.listdir(f"/proc/{pid}/fd")))[-1] <= 3
            if form == "overlay":
                assert len(Path(f"/proc/{pid}/mountinfo").read_text().splitlines()) == 1
                assert os.stat(f"/proc/{pid}/root/").st_ino == os.stat(place / "layer").st_ino
                assert os.stat(f"/proc/{pid}/root/..").st_ino == os.stat(place / "layer").st_ino
            untar.write(archive(entry("f", b"x")))
            assert untar.finish().entries == 1
    finally:
        os.close(fd)
    assert os.listdir(place / "beside") == []
    assert str(place) not in Path("/proc/self/mountinfo").read_text()


def test_a_death_of_its_is_an_error_that_says_how(place: Path) -> None:
    fd = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with pytest.raises(StoreError, match="rung-untar was killed by SIGKILL"), Untar("overlay", fd) as untar:
            os.kill(untar._pid, 9)
            untar.finish()
        with pytest.raises(StoreError, match="rung-untar was killed by SIGKILL"), Untar("overlay", fd) as untar:
            os.kill(untar._pid, 9)
            while True:
                untar.write(bytes(1 << 16))
    finally:
        os.close(fd)


def test_somebody_else_may_reap_it(place: Path) -> None:
    """A process that ignores its children's ends, or waits for all of them."""
    fd = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
    before = signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    try:
        with Untar("overlay", fd) as untar:
            untar.write(archive(entry("f", b"x")))
            assert untar.finish().entries == 1
        with Untar("overlay", fd) as untar:
            pass
        with pytest.raises(LayerError, match="climbs"), Untar("overlay", fd) as untar:
            untar.write(archive(entry("../f", b"x")))
            untar.finish()
    finally:
        signal.signal(signal.SIGCHLD, before)
        os.close(fd)


@pytest.mark.parametrize("name", ESCAPES)
def test_an_index_is_refused_as_well(place: Path, name: str) -> None:
    (place / "layer").mkdir()
    with pytest.raises(LayerError):
        erofs.unpack(io.BytesIO(ESCAPES[name]).read, str(place / "layer"))


@pytest.fixture(scope="module")
def disk() -> Iterator[Path]:
    with trees.ext4(1) as path:
        yield path


@pytest.mark.parametrize("name", STAYS)
def test_an_index_stays_inside_as_well(disk: Path, name: str) -> None:
    if reason := erofs.why_not(str(disk)):
        pytest.skip(f"this kernel cannot mount EROFS from a file: {reason}")
    data, expected = STAYS[name]
    layer = disk / name.replace(" ", "-")
    layer.mkdir()
    erofs.unpack(io.BytesIO(data).read, str(layer))
    root = Path(erofs.show(str(layer)))
    try:
        assert os.path.lexists(root / expected)
    finally:
        erofs.hide(str(layer))


def test_a_file_of_a_billion_holes(place: Path) -> None:
    """Apparent sizes cost nothing; what cannot be said in an index of a sane size is unpacked."""
    sparse = archive(entry("x", b"y" * 1024, pax_headers={"GNU.sparse.map": "0,512,1099511627776,512", "GNU.sparse.size": "1099511628288"}))
    (place / "layer").mkdir()
    with pytest.raises(LayerError, match="not aligned"):
        erofs.unpack(io.BytesIO(sparse).read, str(place / "layer"))
