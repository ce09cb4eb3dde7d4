"""The tar reader: reads what tarfile and GNU tar write, refuses what is broken."""

from __future__ import annotations

import io
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imageparts import archive, directory, entry, hardlink, header, symlink
from rung.image.errors import LayerError
from rung.image.layer import tar

END = bytes(1024)


def read(data: bytes) -> list[tuple[tar.Entry, bytes]]:
    reader = tar.TarReader(io.BytesIO(data).read)
    found = []
    for member in reader:
        parts = []
        while part := reader.data(7):
            parts.append(part)
        found.append((member, b"".join(parts)))
    return found


@pytest.mark.parametrize("format", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_reads_what_tarfile_writes(format: int) -> None:
    data = archive(
        directory("d", mode=0o1777, uid=3, gid=4),
        entry("d/f", b"hello" * 300, mode=0o4755, uid=1000, gid=1001),
        symlink("d/l", "../../etc/passwd"),
        hardlink("d/h", "d/f"),
        entry("d/c", type=tarfile.CHRTYPE, devmajor=1, devminor=3),
        entry("d/p", type=tarfile.FIFOTYPE),
        format=format,
    )
    found = read(data)
    assert [member.name for member, _ in found] == [b"d/", b"d/f", b"d/l", b"d/h", b"d/c", b"d/p"]
    assert [member.type for member, _ in found] == [b"5", b"0", b"2", b"1", b"3", b"6"]
    member, content = found[1]
    assert content == b"hello" * 300
    assert (member.mode, member.uid, member.gid) == (0o4755, 1000, 1001)
    assert member.mtime_ns == member.atime_ns == 1_700_000_000 * 10**9
    assert found[2][0].link == b"../../etc/passwd"
    assert (found[4][0].major, found[4][0].minor) == (1, 3)


@pytest.mark.parametrize("format", [tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_reads_what_does_not_fit_a_header(format: int) -> None:
    name, link = "n" * 150 + "/" + "m" * 200, "l" * 300
    (member, _), (other, _) = read(
        archive(symlink(name, link, uid=3_000_000, gid=4_000_000), entry("\udcff\udcfe.txt"), format=format)
    )
    assert (member.name, member.link) == (name.encode(), link.encode())
    assert (member.uid, member.gid) == (3_000_000, 4_000_000)
    assert other.name == b"\xff\xfe.txt"


def test_reads_attributes_and_fractions_of_times() -> None:
    headers = {"SCHILY.xattr.user.a": "b=c\n", "mtime": "1.5", "atime": "-2.25", "SCHILY.xattr.user.é": "x"}
    ((member, _),) = read(archive(entry("f", pax_headers=headers)))
    assert member.xattrs == {b"user.a": b"b=c\n", "user.é".encode(): b"x"}
    assert member.mtime_ns == 1_500_000_000
    assert member.atime_ns == member.mtime_ns  # before 1970: as if it were not there


def test_a_global_header_holds_for_all_and_an_own_one_wins() -> None:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=tarfile.PAX_FORMAT, pax_headers={"uid": "7", "comment": "c"}) as t:
        t.addfile(entry("a")[0])
        t.addfile(entry("b", pax_headers={"uid": "8"})[0])
    assert [member.uid for member, _ in read(buffer.getvalue())] == [7, 8]


def test_reads_what_gnu_tar_writes(tmp_path: Path) -> None:
    program = shutil.which("tar")
    if program is None:
        pytest.skip("no GNU tar")
    deep = tmp_path / ("x" * 120) / ("y" * 120)
    deep.mkdir(parents=True)
    (deep / "file").write_bytes(b"content")
    for format in ("gnu", "pax"):
        data = subprocess.run([program, "-C", tmp_path, f"--format={format}", "-c", "."], capture_output=True, check=True)
        found = {member.name: content for member, content in read(data.stdout)}
        assert found[b"./" + b"x" * 120 + b"/" + b"y" * 120 + b"/file"] == b"content"


def test_headers_of_links_have_no_data_whatever_they_say() -> None:
    """As Go's archive/tar, so that nothing hides between two readers."""
    data = header(b"l", type=b"2", size=512, link=b"t") + header(b"f", size=0) + END
    assert [member.name for member, _ in read(data)] == [b"l", b"f"]


def test_an_archive_may_end_without_zeros() -> None:
    assert [member.name for member, _ in read(header(b"a"))] == [b"a"]
    assert read(b"") == []


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (header(b"a")[:300], "middle of a header"),
        (header(b"a", size=700) + b"x" * 600, "middle of a file's data"),
        (header(b"a", size=10) + b"x" * 10, "middle of padding"),
        (bytes(512) + header(b"a"), "behind a block of zeros"),
        (b"not a tar at all" * 32, "broken header"),
        (header(b"a")[:200] + b"X" + header(b"a")[201:], "checksum is wrong"),
        (header(b"a", size_field=b"00000000_10\0"), "is no number"),
        (header(b"a", size_field=b"-0000000010\0"), "is no number"),
        (header(b"a", size_field=b"\xff" * 12), "has the size -1"),
        (header(b"a", uid=b"\xff" * 8), "has the owner -1:0"),
        (header(b"a", type=b"S", size=512) + bytes(1024), "does not fit"),
        (header(b"a", type=b"Z"), "unknown type"),
        (header(b"x", type=b"x", size=2 << 20), "extended header of 2097152 bytes"),
        (header(b"x", type=b"L", size=1 << 40), "extended header"),
        (header(b"x", type=b"x", size=8) + b"99 a=b\n\n".ljust(512, b"\0") + END, "broken PAX"),
        (header(b"x", type=b"x", size=6) + b"6 a=b\n".ljust(512, b"\0") + END, "ends after a header"),
        (header(b"x", type=b"x", size=9) + b"9 uid=-x\n".ljust(512, b"\0") + header(b"f") + END, "no number"),
        (header(b"x", type=b"x", size=11) + b"11 path=a\0\n".ljust(512, b"\0") + header(b"f") + END, "broken PAX"),
        (header(b"x", type=b"x", size=22) + b"22 GNU.sparse.major=1\n".ljust(512, b"\0") + header(b"f") + END, "sparse"),
        (header(b"d", type=b"3", major=b"7777777\0") + END, "device number"),
    ],
)  # fmt: skip
def test_refuses_what_is_broken(data: bytes, reason: str) -> None:
    with pytest.raises(LayerError, match=reason):
        read(data)


NAME = st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"]), min_size=1, max_size=200)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(NAME, st.binary(max_size=1500), st.integers(0, 0o7777)), max_size=5),
       st.sampled_from([tarfile.GNU_FORMAT, tarfile.PAX_FORMAT]))  # fmt: skip
def test_reads_any_names_and_contents(members: list[tuple[str, bytes, int]], format: int) -> None:
    data = archive(*(entry("n" + name, content, mode=mode) for name, content, mode in members), format=format)
    found = [(member.name, content, member.mode) for member, content in read(data)]
    assert found == [(("n" + name).encode(), content, mode) for name, content, mode in members]


def test_before_posix_a_slash_made_a_directory() -> None:
    (old, _), (new, _), (last, _) = read(header(b"d/", type=b"\0", size=3) + b"x" * 512 + header(b"d/") + header(b"z"))
    assert (old.type, new.type, last.name) == (tar.DIRECTORY, tar.FILE, b"z")


GOOD = archive(directory("d"), entry("d/f", b"x" * 600, pax_headers={"SCHILY.xattr.user.a": "b"}), symlink("l", "t" * 200))


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(GOOD) - 1), st.integers(0, 255), st.integers(0, len(GOOD)))
def test_damage_is_an_error_or_another_archive_and_never_a_crash(at: int, byte: int, cut: int) -> None:
    damaged = GOOD[:at] + bytes([byte]) + GOOD[at + 1 :]
    for data in (damaged, damaged[:cut]):
        try:
            read(data)
        except LayerError:
            pass


SPARSE = ("--format=gnu", "--format=pax --sparse-version=0.0", "--format=pax --sparse-version=0.1", "--format=pax --sparse-version=1.0")


@pytest.mark.parametrize("words", SPARSE)
def test_reads_sparse_files(tmp_path: Path, words: str) -> None:
    program = shutil.which("tar")
    if program is None:
        pytest.skip("no GNU tar")
    source = tmp_path / "source"
    source.mkdir()
    with open(source / "many-parts", "wb") as file:
        for at in range(60):
            file.seek(at * 50_000)
            file.write(b"%d " % at * 100)
    with open(source / "hole", "wb") as file:
        file.truncate(100_000)
    (source / "plain").write_bytes(b"plain")
    command = [program, "-C", source, "--sparse", "--hole-detection=raw", "--sort=name", *words.split(), "-c", "."]
    data = subprocess.run(command, capture_output=True, check=True).stdout
    found = {member.name: (member.size, content) for member, content in read(data)}
    assert len(data) < 1_000_000
    for name in ("many-parts", "hole", "plain"):
        whole = (source / name).read_bytes()
        assert found[b"./" + name.encode()] == (len(whole), whole)
