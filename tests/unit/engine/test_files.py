"""Archives of trees and back, changes, layers: with directories of the test's own."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest

from rung.engine.errors import BadParameter
from rung.engine.files.pack import pack
from rung.engine.files.root import below
from rung.engine.files.unpack import Unpacker


def archive(*entries: tuple[str, str, bytes]) -> io.BytesIO:
    """``(name, kind or link target, content)``."""
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as tar:
        for name, kind, content in entries:
            info = tarfile.TarInfo(name)
            info.uid, info.gid, info.mode = os.getuid(), os.getgid(), 0o640
            if kind == "dir":
                info.type, info.mode = tarfile.DIRTYPE, 0o750
            elif kind == "file":
                info.size = len(content)
            elif kind.startswith("->"):
                info.type, info.linkname = tarfile.SYMTYPE, kind[2:]
            else:
                info.type, info.linkname = tarfile.LNKTYPE, kind
            tar.addfile(info, io.BytesIO(content) if kind == "file" else None)
    file.seek(0)
    return file


def test_there_and_back(tmp_path: Path) -> None:
    source, target = tmp_path / "s", tmp_path / "t"
    (source / "d/e").mkdir(parents=True)
    (source / "d/file").write_text("text")
    os.link(source / "d/file", source / "d/hard")
    (source / "d/link").symlink_to("/etc/passwd")
    os.chmod(source / "d/file", 0o604)
    os.mkfifo(source / "d/fifo")
    target.mkdir()
    file = io.BytesIO()
    with below(str(source), "d") as place:
        assert place is not None
        pack(place, "d", file)
    file.seek(0)
    Unpacker(str(target), "/").take(file)
    assert sorted(path.name for path in (target / "d").iterdir()) == ["e", "fifo", "file", "hard", "link"]
    assert (target / "d/hard").read_text() == "text"
    assert (target / "d/hard").stat().st_ino == (target / "d/file").stat().st_ino
    assert (target / "d/file").stat().st_mode & 0o777 == 0o604
    assert os.readlink(target / "d/link") == "/etc/passwd"


@pytest.mark.parametrize(
    "entries",
    [
        [("../out", "file", b"x")],
        [("/out", "file", b"x")],
        [("l", "->..", b""), ("l/out", "file", b"x")],
        [("l", "->/", b""), ("l/out", "file", b"x")],
        [("a/../../../out", "file", b"x")],
    ],
    ids=["climbs", "absolute", "link up", "link to the root", "climbs within"],
)
def test_nothing_is_written_outside(tmp_path: Path, entries: list[tuple[str, str, bytes]]) -> None:
    """CVE-2018-15664, CVE-2019-14271 and the tar-slip class."""
    root = tmp_path / "root"
    root.mkdir()
    Unpacker(str(root), "/").take(archive(*entries))
    assert not (tmp_path / "out").exists()
    assert not os.path.exists("/out")
    assert (root / "out").read_bytes() == b"x"


def test_a_link_in_the_way_is_replaced_and_not_followed(tmp_path: Path) -> None:
    root, outside = tmp_path / "root", tmp_path / "outside"
    root.mkdir()
    outside.write_text("kept")
    (root / "f").symlink_to(outside)
    Unpacker(str(root), "/").take(archive(("f", "file", b"new")))
    assert outside.read_text() == "kept"
    assert (root / "f").read_text() == "new"


def test_a_hard_link_leads_to_a_file_inside(tmp_path: Path) -> None:
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "secret").write_text("secret")
    with pytest.raises(Exception, match="(?i)no such file"):
        Unpacker(str(root), "/").take(archive(("h", "../secret", b"")))
    assert not (root / "h").exists()


def test_a_directory_in_the_place_of_a_file(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("file")
    with pytest.raises(BadParameter, match="cannot overwrite non-directory"):
        Unpacker(str(tmp_path), "/", replace=False).take(archive(("x", "dir", b"")))
    Unpacker(str(tmp_path), "/").take(archive(("x", "dir", b"")))
    assert (tmp_path / "x").is_dir()


def test_what_is_no_archive(tmp_path: Path) -> None:
    with pytest.raises(BadParameter, match="cannot be read"):
        Unpacker(str(tmp_path), "/").take(io.BytesIO(b"this is no archive" * 100))


def test_places(tmp_path: Path) -> None:
    (tmp_path / "d").mkdir()
    (tmp_path / "d/f").write_text("x")
    (tmp_path / "l").symlink_to("/d/f")
    (tmp_path / "out").symlink_to("../../../..")
    with below(str(tmp_path), "/l") as place:
        assert place is not None
        assert place.name == "f"
    with below(str(tmp_path), "/l", follow=False) as place:
        assert place is not None
        assert (place.name, place.link_target()) == ("l", "/d/f")
    with below(str(tmp_path), "/out/d/f") as place:
        assert place is not None, "a link that climbs ends at the root, as within the container"
    with below(str(tmp_path), "/nothing") as place:
        assert place is None
