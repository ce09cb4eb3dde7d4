"""A kept filter is the compiled one, whatever happened to its file."""

import os
import subprocess
import sys
import time

import pytest

from rung.errors import RungError
from rung.runtime.seccomp import cache
from rung.runtime.seccomp.cache import cached_filter
from rung.runtime.seccomp.compile import compile_filter

PROFILE = {
    "defaultAction": "SCMP_ACT_ERRNO",
    "architectures": ["SCMP_ARCH_X86_64"],
    "syscalls": [{"names": ["read", "write"], "action": "SCMP_ACT_ALLOW"}],
}
COMPILED = compile_filter(PROFILE, native="x86_64")


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "seccomp"


@pytest.fixture
def compilations(monkeypatch):
    """How often the compiler was asked."""
    asked = []

    def counting(seccomp, native):
        asked.append(native)
        return compile_filter(seccomp, native=native)

    monkeypatch.setattr(cache, "_compile", counting)
    return asked


def get(folder, profile=PROFILE, **options):
    return cached_filter(profile, str(folder), native="x86_64", **options)


def only_file(folder):
    (file,) = folder.iterdir()
    return file


def test_the_second_time_comes_from_the_file(folder, compilations):
    assert get(folder) == get(folder) == COMPILED
    assert len(compilations) == 1
    assert folder.stat().st_mode & 0o777 == 0o700
    assert only_file(folder).stat().st_mode & 0o777 == 0o600


def test_content_decides(folder, compilations):
    other = {**PROFILE, "defaultAction": "SCMP_ACT_KILL"}
    assert get(folder) != get(folder, other)
    cached_filter(PROFILE, str(folder), native="aarch64")
    assert len(list(folder.iterdir())) == len(compilations) == 3


def test_a_key_stands_for_the_content(folder, compilations):
    get(folder, key=b"a")
    get(folder, key=b"a")
    get(folder, key=b"b")
    get(folder)
    assert len(compilations) == 3


def test_another_version_of_the_compiler_does_not_see_it(folder, compilations, monkeypatch):
    get(folder)
    monkeypatch.setattr(cache, "COMPILER_VERSION", 2)
    get(folder)
    assert len(compilations) == 2


@pytest.mark.parametrize("size", [0, 7, 8, 39, 40, 41, 48, len(COMPILED) + 39])
def test_a_file_cut_off_is_made_anew(folder, compilations, size):
    get(folder)
    file = only_file(folder)
    os.truncate(file, size)
    assert get(folder) == COMPILED
    assert get(folder) == COMPILED
    assert len(compilations) == 2


@pytest.mark.parametrize("at", [0, 8, 39, 40, len(COMPILED) + 39])
def test_an_altered_file_is_made_anew(folder, compilations, at):
    get(folder)
    file = only_file(folder)
    data = bytearray(file.read_bytes())
    data[at] ^= 1
    file.write_bytes(data)
    assert get(folder) == COMPILED
    assert len(compilations) == 2


def test_a_longer_file_is_made_anew(folder, compilations):
    get(folder)
    with only_file(folder).open("ab") as file:
        file.write(bytes(8))
    assert get(folder) == COMPILED
    assert len(compilations) == 2


def test_a_file_that_others_can_write_is_not_believed(folder, compilations):
    get(folder)
    only_file(folder).chmod(0o622)
    assert get(folder) == COMPILED
    assert len(compilations) == 2
    assert only_file(folder).stat().st_mode & 0o777 == 0o600


def test_a_link_is_not_followed(folder, compilations, tmp_path):
    get(folder)
    file = only_file(folder)
    (tmp_path / "elsewhere").write_bytes(file.read_bytes())
    file.unlink()
    file.symlink_to(tmp_path / "elsewhere")
    assert get(folder) == COMPILED
    assert len(compilations) == 2
    assert not file.is_symlink()


def test_a_directory_in_the_files_place(folder, compilations):
    get(folder)
    file = only_file(folder)
    file.unlink()
    file.mkdir()
    assert get(folder) == COMPILED
    assert len(compilations) == 2
    file.rmdir()


@pytest.mark.parametrize("mode", [0o770, 0o707, 0o777])
def test_a_directory_that_others_can_write_is_an_error(folder, mode):
    folder.mkdir()
    folder.chmod(mode)
    with pytest.raises(RungError, match="others can write there"):
        get(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to make a directory of another user")
def test_a_directory_of_another_user_is_an_error(folder):
    folder.mkdir(mode=0o700)
    os.chown(folder, 1000, 1000)
    with pytest.raises(RungError, match=r"chown it to 0 and chmod it to 700"):
        get(folder)


def test_a_link_in_the_directorys_place_is_not_used(folder, tmp_path, compilations):
    (tmp_path / "real").mkdir(mode=0o700)
    folder.symlink_to(tmp_path / "real")
    assert get(folder) == COMPILED
    assert list((tmp_path / "real").iterdir()) == []


def test_without_a_place_for_it_filters_are_compiled(tmp_path, compilations):
    assert get(tmp_path / "no" / "such" / "place") == COMPILED
    assert get("/proc/none/seccomp") == COMPILED
    assert len(compilations) == 2


def test_the_parent_is_made_too(tmp_path, compilations):
    get(tmp_path / "rung" / "seccomp")
    get(tmp_path / "rung" / "seccomp")
    assert len(compilations) == 1
    assert (tmp_path / "rung").stat().st_mode & 0o777 == 0o711


def test_the_default_place(monkeypatch):
    monkeypatch.setattr(cache.posix, "geteuid", lambda: 0)
    assert cache.default_directory() == "/run/rung/seccomp"
    monkeypatch.setattr(cache.posix, "geteuid", lambda: 1000)
    monkeypatch.setattr(cache.posix, "environ", {b"XDG_RUNTIME_DIR": b"/run/user/1000"})
    assert cache.default_directory() == "/run/user/1000/rung/seccomp"
    for unusable in (b"", b"relative"):
        monkeypatch.setattr(cache.posix, "environ", {b"XDG_RUNTIME_DIR": unusable})
        assert cache.default_directory() == ""


def test_without_a_default_place_filters_are_compiled(monkeypatch, compilations):
    monkeypatch.setattr(cache, "default_directory", lambda: "")
    machine = os.uname().machine
    assert cached_filter(PROFILE) == compile_filter(PROFILE, native=machine)
    assert compilations == [machine]


def test_a_section_without_filter_is_nothing(folder):
    assert get(folder, {}) == b""
    assert not folder.exists()


def test_the_number_of_files_has_a_limit(folder, monkeypatch, compilations):
    monkeypatch.setattr(cache, "MOST_ENTRIES", 8)
    for number in range(30):
        get(folder, key=b"%d" % number)
        assert len(list(folder.iterdir())) <= 8
    get(folder, key=b"29")
    assert len(compilations) == 30


def test_two_at_once(folder):
    code = (
        f"import sys; sys.path[:0] = {sys.path!r}\n"
        "from rung.runtime.seccomp.cache import cached_filter\n"
        f"for n in range(40): assert cached_filter({PROFILE!r}, {str(folder)!r}, native='x86_64', key=b'%d' % n)\n"
    )
    running = [subprocess.Popen([sys.executable, "-c", code]) for _ in range(4)]
    assert [process.wait() for process in running] == [0] * 4
    assert len(list(folder.iterdir())) == 40
    assert not [file for file in folder.iterdir() if file.name.startswith(".")]


def test_a_hit_is_quick_and_loads_no_compiler(folder):
    get(folder)
    code = (
        "import sys; sys.path[:0] = {path!r}\n"
        "from rung.runtime.seccomp.cache import cached_filter\n"
        "assert len(cached_filter({profile!r}, {folder!r}, native='x86_64'))\n"
        "print(*[n for n in sys.modules if n.startswith('rung.runtime.seccomp.') or n in {slow!r}])\n"
    ).format(
        path=[entry for entry in sys.path if entry.endswith("src")],
        profile=PROFILE,
        folder=str(folder),
        slow=["hashlib", "json", "typing", "re", "os.path"],
    )
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", code], capture_output=True, text=True, check=True
    )
    assert set(done.stdout.split()) <= {"rung.runtime.seccomp.cache", "rung.runtime.seccomp.flags", "os.path"}


def test_a_hit_takes_a_fraction_of_a_millisecond(folder):
    get(folder)
    best = 1.0
    for _ in range(30):
        began = time.thread_time()
        get(folder)
        best = min(best, time.thread_time() - began)
    assert best < 0.002, "of this processor's time, on a slow one too"
