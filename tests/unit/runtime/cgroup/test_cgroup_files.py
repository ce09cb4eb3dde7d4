"""Writes carried out: order, second tries, fallbacks, and what an error says."""

import errno
import os

import pytest

from rung.runtime.cgroup import files
from rung.runtime.cgroup.errors import CgroupError
from rung.runtime.cgroup.files import Write, execute


class Kernel:
    """Stands in for write(2): keeps a journal and refuses what a rule forbids."""

    def __init__(self, monkeypatch, refuse=lambda name, value, journal: 0):
        self.journal = []
        self.refuse = refuse
        monkeypatch.setattr(files, "write_fd", self.write)

    def write(self, fd, data):
        name = os.path.basename(os.readlink(f"/proc/self/fd/{fd}"))
        if number := self.refuse(name, data.decode(), self.journal):
            raise OSError(number, os.strerror(number))
        self.journal.append(f"{name}={data.decode()}")
        return len(data)


@pytest.fixture
def tree(tmp_path):
    for name in ("a.max", "b.max", "c.max"):
        (tmp_path / name).touch()
    return {"": str(tmp_path)}


def test_in_order_each_value_a_write_of_its_own(tree, monkeypatch):
    kernel = Kernel(monkeypatch)
    execute([Write("", "a.max", "1", ""), Write("", "a.max", "2", ""), Write("", "b.max", "3", "")], tree)
    assert kernel.journal == ["a.max=1", "a.max=2", "b.max=3"]


def test_a_value_that_depends_on_a_later_one_is_tried_again(tree, monkeypatch):
    kernel = Kernel(
        monkeypatch, lambda name, _v, done: errno.EINVAL if name == "a.max" and "b.max=9" not in done else 0
    )
    execute([Write("", "a.max", "5", "", retry=True), Write("", "b.max", "9", "")], tree)
    assert kernel.journal == ["b.max=9", "a.max=5"]


def test_but_only_once(tree, monkeypatch):
    Kernel(monkeypatch, lambda name, _v, _d: errno.EINVAL if name == "a.max" else 0)
    with pytest.raises(CgroupError) as caught:
        execute([Write("", "a.max", "5", "linux.resources.a", retry=True), Write("", "b.max", "9", "")], tree)
    assert caught.value.errno == errno.EINVAL


def test_an_error_names_field_value_file_and_reason(tree, monkeypatch):
    Kernel(monkeypatch, lambda *_: errno.EACCES)
    with pytest.raises(CgroupError) as caught:
        execute([Write("", "a.max", "5", "linux.resources.a.b")], tree)
    message = str(caught.value)
    for part in ("linux.resources.a.b", "5", f"{tree['']}/a.max", "Permission denied", "delegated"):
        assert part in message


def test_a_file_that_is_not_there(tree):
    execute([Write("", "gone.max", "5", "f", optional=True)], tree)
    with pytest.raises(CgroupError, match="lacks the gone controller") as caught:
        execute([Write("", "gone.max", "5", "linux.resources.gone")], tree)
    assert caught.value.errno == errno.ENOENT


def test_the_other_file_where_the_first_is_not_there(tree, tmp_path):
    execute([Write("", "gone", "5", "f", otherwise=Write("", "b.max", "6", "f"))], tree)
    assert (tmp_path / "b.max").read_text() == "6"


def test_after_a_file_that_was_passed_over_the_next_one_is_opened(tree, tmp_path):
    missing = Write("", "gone.max", "5", "f", optional=True)
    execute([Write("", "a.max", "1", ""), missing, missing, Write("", "a.max", "1", "")], tree)
    assert (tmp_path / "a.max").read_text() == "1"


def test_a_value_that_the_kernel_clamped(tree, tmp_path, monkeypatch):
    Kernel(monkeypatch)
    (tmp_path / "a.max").write_text("2\n")
    execute([Write("", "a.max", "2", "f", verify=True)], tree)
    with pytest.raises(CgroupError, match="the minimum that the kernel allows is 2"):
        execute([Write("", "a.max", "1", "f", verify=True)], tree)
    with pytest.raises(CgroupError, match="the maximum that the kernel allows is 2"):
        execute([Write("", "a.max", "3", "f", verify=True)], tree)


def test_no_descriptor_is_left_open(tree, monkeypatch):
    before = os.listdir("/proc/self/fd")
    Kernel(monkeypatch, lambda name, *_: errno.EPERM if name == "b.max" else 0)
    with pytest.raises(CgroupError):
        execute([Write("", "a.max", "1", ""), Write("", "b.max", "1", "f")], tree)
    assert os.listdir("/proc/self/fd") == before


def test_a_file_that_is_not_there_lacks_its_controller_or_is_no_control_of_it(tmp_path):
    (tmp_path / "cgroup.controllers").write_text("cpu memory\n")
    said = {}
    for file in ("memory.nothing", "foo.bar", "cgroup.nothing"):
        with pytest.raises(CgroupError) as caught:
            execute([Write("", file, "1", f"linux.resources.unified {file}")], {"": str(tmp_path)})
        assert caught.value.errno == errno.ENOENT
        said[file] = str(caught.value)
    assert "memory.nothing does not exist: no such file or directory" in said["memory.nothing"]
    assert "controller `foo` is not available in " in said["foo.bar"]
    assert "cgroup.nothing does not exist" in said["cgroup.nothing"]
