"""``rung image explore`` on images in a store."""

from __future__ import annotations

import fcntl
import json
import os
import pty
import re
import select
import struct
import subprocess
import sys
import termios
from collections.abc import Callable
from pathlib import Path
from time import monotonic

import pytest

from imageparts import Parts, Registry, archive, entry
from rung.cli.main import execute

MEGABYTE = 1_000_000
Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(place: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """``rung image explore wasteful ...``: status, output, errors."""
    layers = [
        archive(entry("base", b"b" * MEGABYTE), entry("cache/a", b"a" * 2 * MEGABYTE)),
        archive(entry("base", b"c" * MEGABYTE), entry("new", b"n" * MEGABYTE)),
        archive(entry(".wh.cache")),
    ]
    registry = Registry()
    root = str(place / "store")
    try:
        reference = registry.serve(Parts(layers))
        assert execute(["--data-root", root, "image", "pull", "-q", "--insecure", reference]) == 0
    finally:
        registry.close()
    assert execute(["--data-root", root, "image", "tag", reference, "wasteful"]) == 0
    capsys.readouterr()

    def call(*words: str, image: str = "wasteful") -> tuple[int, str, str]:
        status = execute(["--data-root", root, "image", "explore", image, *words])
        return status, *capsys.readouterr()

    return call


def test_the_wasted_megabytes_are_found(run: Run) -> None:
    status, out, _ = run()
    assert status == 0
    assert "Wasted:     3.0 MB in 2 paths" in out
    status, out, _ = run("--json")
    image = json.loads(out)["image"]
    assert image["wastedBytes"] == 3 * MEGABYTE
    assert [one["file"] for one in image["wastedFiles"]] == ["/cache", "/base"]


def test_a_page_is_written_whole(run: Run, tmp_path: Path) -> None:
    page = tmp_path / "page.html"
    assert run("--html", str(page)) == (0, "", "")
    assert page.read_text().endswith("</html>\n")
    assert [file.name for file in tmp_path.iterdir()] == ["page.html"]


def test_rules_decide_the_exit_status(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    status, out, _ = run("--ci")
    assert (status, "FAIL: highestUserWastedPercent" in out) == (1, True)
    assert run("--ci", "--lowestEfficiency=0.1", "--highestUserWastedPercent=off")[0] == 0
    (tmp_path / ".dive-ci").write_text("rules:\n  lowestEfficiency: 0\n  highestUserWastedPercent: 1\n")
    assert run("--ci")[0] == 0
    (tmp_path / ".dive-ci").write_text("nonsense: 1\n")
    status, _, err = run("--ci")
    assert (status, "rules file line 1: 'nonsense' is no rule" in err) == (1, True)


def test_no_such_image(run: Run) -> None:
    status, _, err = run(image="nothing")
    assert (status, err) == (1, "rung: No such image: nothing:latest\n")


class Screen:
    """``rung image explore`` on a terminal of its own: what it wrote, and keys for it, one at a time
    (curses writes only what is new, so words come in pieces where several changes meet)."""

    def __init__(self, root: str, term: str = "xterm-256color") -> None:
        self.fd, other = pty.openpty()
        fcntl.ioctl(other, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 120, 0, 0))
        code = "from rung.cli.main import main; main()"
        self.child = subprocess.Popen(
            [sys.executable, "-c", code, "--data-root", root, "image", "explore", "wasteful"],
            stdin=other, stdout=other, stderr=other, start_new_session=True,
            env={**os.environ, "TERM": term, "LC_ALL": "C.UTF-8"},
        )  # fmt: skip
        os.close(other)
        self.written = b""

    def text(self) -> str:
        """What was written since the last key, without the terminal's commands and blanks: where
        there are blanks already, the cursor moves over them."""
        plain = re.sub(rb"\x1b\[[0-9;?]*[a-zA-Z]|\x1b[()][A-Z0-9]| ", b"", self.written)
        return plain.decode("utf-8", "replace")

    def until(self, words: str) -> None:
        """Read until it wrote ``words``, or fail."""
        deadline = monotonic() + 60
        while words.replace(" ", "") not in self.text():
            ready, _, _ = select.select([self.fd], [], [], max(0.0, deadline - monotonic()))
            try:
                data = os.read(self.fd, 65536) if ready else b""
            except OSError:  # the terminal's other end is closed
                data = b""
            assert data, f"{words!r} is not in {self.text()!r}"
            self.written += data

    def type(self, key: bytes) -> None:
        self.written = b""
        os.write(self.fd, key)

    def close(self) -> None:
        if self.child.poll() is None:
            self.child.kill()
        self.child.wait()
        os.close(self.fd)


def test_the_browser_on_a_terminal(run: Run, place: Path) -> None:
    screen = Screen(str(place / "store"))
    try:
        screen.until("Image details")
        screen.until("q quit")
        screen.type(b"\x06")
        screen.until("type a regular expression")
        screen.type(b"~")
        screen.until("nothing to show")
        screen.type(b"\x1b")
        screen.until("q quit")
        screen.type(b"q")
        assert screen.child.wait(60) == 0
    finally:
        screen.close()


def test_a_terminal_that_cannot_show_it(run: Run, place: Path) -> None:
    screen = Screen(str(place / "store"), term="no-such-terminal")
    try:
        screen.until("use --text")
        assert screen.child.wait(60) == 1
    finally:
        screen.close()
