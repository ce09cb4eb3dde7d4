"""``rung image explore`` on images in a store."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

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
