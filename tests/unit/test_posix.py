"""Each helper says what its twin in ``os`` says."""

from __future__ import annotations

import errno
import os
import os.path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rung import posix

PATHS = st.text(st.sampled_from("/.ab\udcff"), max_size=12)


@given(PATHS, PATHS)
def test_paths_as_os_path_has_them(one, two):
    assert posix.join(one, two) == os.path.join(one, two)
    assert posix.normpath(one) == os.path.normpath(one)
    assert posix.abspath(one) == os.path.abspath(one)
    assert posix.dirname(one) == os.path.dirname(one)


@given(st.binary(max_size=12))
def test_names_that_are_not_utf8_travel_as_os_sends_them(name):
    assert posix.fsdecode(name) == name.decode("utf-8", "surrogateescape")
    assert posix.fsencode(posix.fsdecode(name)) == name


def test_what_is_there(tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "dangling").symlink_to("nowhere")
    for name in ("", "file", "dangling", "none", "file/below", "x" * 300, "nul\0"):
        path = f"{tmp_path}/{name}"
        assert posix.exists(path) == os.path.exists(path)
        assert posix.isdir(path) == os.path.isdir(path)


def test_the_environment():
    name = next(iter(os.environ))
    assert posix.getenv(name) == posix.environment()[name]
    assert posix.getenv("NO_SUCH_VARIABLE", "else") == "else"


@pytest.mark.parametrize("exist_ok", [False, True])
def test_makedirs(tmp_path, exist_ok):
    posix.makedirs(f"{tmp_path}/a/b/c/", 0o700, exist_ok=exist_ok)
    assert [os.stat(tmp_path / name).st_mode & 0o777 for name in ("a", "a/b/c")] == [0o755, 0o700]
    (tmp_path / "file").touch()
    for path in (f"{tmp_path}/a/b/c", f"{tmp_path}/file"):
        if exist_ok and path.endswith("c"):
            posix.makedirs(path, exist_ok=True)
        else:
            with pytest.raises(FileExistsError):
                posix.makedirs(path, exist_ok=exist_ok)


def test_an_absolute_path_needs_no_working_directory(tmp_path, monkeypatch):
    """Buildah removes the bundle that it has started ``delete`` in."""
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    assert posix.abspath("/a/../b") == "/b"


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ESRCH])
def test_a_process_that_is_just_reaped_is_not_found(monkeypatch, number):
    def refuse(pid, flags):
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr("posix.pidfd_open", refuse)
    with pytest.raises(ProcessLookupError):
        posix.pidfd_open(4711)


def test_other_failures_of_a_pidfd_are_themselves(monkeypatch):
    def refuse(pid, flags):
        raise OSError(errno.EMFILE, "too many")

    monkeypatch.setattr("posix.pidfd_open", refuse)
    with pytest.raises(OSError, match="too many"):
        posix.pidfd_open(4711)
