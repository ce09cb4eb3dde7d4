"""rung-untar reads archives as layer/tar.py does; whatever it is given, it gives an answer.

The index is written here, which needs no privilege: only open descriptors are read and written."""

from __future__ import annotations

import io
import os
import tarfile
import tempfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import native
from imageparts import archive, directory, entry, hardlink, header, symlink
from rung.image.errors import LayerError
from rung.image.layer import tar
from rung.image.layer.extract import Extracted, Untar
from rung.image.layer.names import PLAIN, classify, clean


@pytest.fixture(scope="module", autouse=True)
def program() -> None:
    native.compile_untar()


def index(data: bytes) -> tuple[Extracted, bytes]:
    """What rung-untar says of an archive, and the index it writes."""
    with tempfile.TemporaryFile() as source, tempfile.TemporaryFile() as target:
        source.write(data)
        source.flush()
        with Untar("erofs", target.fileno(), source.fileno()) as untar:
            done = untar.finish()
        target.seek(0)
        return done, target.read()


def names(data: bytes) -> list[bytes]:
    """The entries of an archive that stand for themselves, as Python reads them."""
    found = (clean(member.name) for member in tar.TarReader(io.BytesIO(data).read))
    return [path for path in found if classify(path)[0] == PLAIN]


GOOD = archive(
    directory("d", mode=0o2755, uid=7),
    entry("d/f", b"x" * 1300, pax_headers={"SCHILY.xattr.user.a": "b", "mtime": "1.5", "path": "d/f"}),
    symlink("l", "t" * 200),
    hardlink("d/h", "d/f"),
    entry("d/.wh.gone"),
    entry("d/sparse", b"y" * 512, pax_headers={"GNU.sparse.map": "512,512", "GNU.sparse.size": "2000"}),
    entry("p", type=tarfile.FIFOTYPE),
)


def test_an_index_holds_what_the_archive_does() -> None:
    done, data = index(GOOD)
    assert done.entries == len(names(GOOD)) == 6 and done.size_bytes == 1300 + 2000
    assert done.implied == (b"",) and done.notes == ()
    assert data[1024:1028] == bytes.fromhex("e2e1f5e0") and len(data) % 4096 == 0
    assert index(GOOD)[1] == data  # the same archive, the same index


def test_two_archives_that_differ_in_what_is_no_matter_have_one_index_each() -> None:
    one, other = archive(entry("a", b"1"), entry("b", b"2")), archive(entry("b", b"2"), entry("a", b"1"))
    assert index(one)[1] != index(other)[1]  # the data are elsewhere


MANY = [f"d{at % 7}/e{at % 11}/{'n' * (at % 90)}{at}" for at in range(3000)]


def test_large_directories_are_in_order() -> None:
    done, data = index(archive(*(entry(name, b"x") for name in MANY)))
    assert done.entries == 3000 and len(done.implied) == 1 + 7 + 77
    assert all(place % 32 == 0 and place < len(data) for place in done.places)


@settings(max_examples=150, deadline=None)
@given(st.integers(0, len(GOOD) - 1), st.integers(0, 255), st.integers(0, len(GOOD)))
def test_damage_is_an_answer_and_the_same_as_python_s(at: int, byte: int, cut: int) -> None:
    damaged = GOOD[:at] + bytes([byte]) + GOOD[at + 1 :]
    for data in (damaged, damaged[:cut]):
        expected: list[bytes] | str
        try:
            expected = names(data)
        except LayerError as error:
            expected = str(error)
        try:
            found: int | str = index(data)[0].entries
        except LayerError as error:
            found = str(error)
        if isinstance(expected, str):
            assert str(found)[:30] == expected[:30]
        elif not isinstance(found, str):  # what is no error of the archive may be one of the layer
            assert found == len(expected)


BLOCKS = st.sampled_from([
    header(b"a", size=3), header(b"a/b", size=512), header(b"x", type=b"x", size=12), header(b"g", type=b"g", size=11),
    header(b"l", type=b"L", size=5), header(b"s", type=b"S", size=512), header(b"a", type=b"5"), header(b"h", type=b"1", link=b"a"),
    header(b"y", type=b"2", link=b"../a"), b"12 path=a/b\n".ljust(512, b"\0"), b"11 mtime=1\n".ljust(512, b"\0"), bytes(512),
    b"x" * 512, header(b".wh.a"), header(b"a/.wh..wh..opq"), header(b"../c"),
])  # fmt: skip


@settings(max_examples=150, deadline=None)
@given(st.lists(BLOCKS, max_size=12))
def test_blocks_in_any_order(blocks: list[bytes]) -> None:
    data = b"".join(blocks)
    try:
        expected = len(names(data))
    except LayerError as error:
        with pytest.raises(LayerError) as caught:
            index(data)
        if error.operation == "archive":
            # Both read in order: the layer may be refused for an entry before.
            assert caught.value.operation in ("archive", "entry", "hard link", "whiteout")
        return
    try:
        assert index(data)[0].entries == expected
    except LayerError as error:
        assert error.operation in ("entry", "hard link", "symbolic link")


def test_an_endless_list_of_global_records_is_bounded() -> None:
    record = b"1000000 comment=" + b"x" * (1_000_000 - 17) + b"\n"
    block = header(b"g", type=b"g", size=len(record)) + record.ljust(-(-len(record) // 512) * 512, b"\0")
    with pytest.raises(LayerError, match="extended headers"):
        index(block * 5 + header(b"a"))


def test_attributes_that_no_file_could_have() -> None:
    many = {f"SCHILY.xattr.user.{at}": "x" for at in range(1200)}
    with pytest.raises(LayerError, match="more than 1024"):
        index(archive(entry("f", pax_headers=many)))
    done, _ = index(archive(entry("f", pax_headers={"SCHILY.xattr.strange.a": "x"}), symlink("l", "x", pax_headers={"SCHILY.xattr.user.a": "x"})))
    assert [note.split(" (")[0] for note in done.notes] == ["left out attributes strange.a", "left out attributes user.a"]


def test_it_is_not_for_use_by_hand() -> None:
    pid = os.posix_spawn(native.compile_untar(), ["rung-untar"], {}, file_actions=[(os.POSIX_SPAWN_OPEN, 2, "/dev/null", os.O_WRONLY, 0)])
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 2
