"""The terminal browser without a terminal: keys in, screens out."""

from __future__ import annotations

import io

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imageparts import archive, directory, entry, symlink
from rung.image.explore.analysis import analyse
from rung.image.explore.browser.draw import CURSOR, columns, fit, page, screen
from rung.image.explore.browser.rows import View
from rung.image.explore.browser.state import FILES, LAYERS, State, press, resized
from rung.image.explore.browser.terminal import key_name
from rung.image.layer.listing import Layer, list_files
from rung.spec.image import Digest

ANY = Digest.of(b"")
TARS = (
    archive(directory("etc", mode=0o755), entry("etc/passwd", b"x" * 100, mode=0o4755, uid=5, gid=6), entry("opt/sdk/a", b"a" * 2000),
            symlink("link", "etc/passwd")),
    archive(entry("etc/passwd", b"y" * 50), entry("opt/.wh.sdk"), entry("new/\x1b[31m", b"")),
    archive(entry("etc/added", b"z")),
)  # fmt: skip


def viewed(*tars: bytes) -> View:
    layers = [Layer(i, ANY, ANY, 0, f"/bin/sh -c step {i}", "") for i in range(len(tars))]
    return View("some:1", analyse(layers, [list_files(io.BytesIO(tar).read) for tar in tars]))


@pytest.fixture
def view() -> View:
    return viewed(*TARS)


def pressed(view: View, *keys: str, state: State | None = None) -> State:
    state = resized(state or State(), 20, view)
    for key in keys:
        state = press(state, key, view)
    return state


def paths(view: View, state: State) -> list[str]:
    return [row.path.decode() for row in view.rows(state)]


def shown(view: View, state: State, width: int = 120, height: int = 30) -> list[str]:
    return ["".join(text for text, _ in line) for line in screen(view, state, width, height)]


def test_moving_among_layers(view: View) -> None:
    assert pressed(view).layer == 0
    assert pressed(view, "down", "j").layer == 2
    assert pressed(view, "down", "down", "down", "k").layer == 1
    assert pressed(view, "end").layer == 2
    assert pressed(view, "pgdn", "home").layer == 0


def test_panes(view: View) -> None:
    assert pressed(view, "tab").pane == FILES
    assert pressed(view, "tab", "tab").pane == LAYERS
    assert pressed(view, "ctrl-m").pane == FILES


def test_a_layers_changes_and_all_changes(view: View) -> None:
    alone = pressed(view, "end")
    assert "opt/sdk/a" not in paths(view, alone)
    together = pressed(view, "end", "ctrl-a")
    assert "opt/sdk/a" in paths(view, together)
    assert "opt/sdk/a" not in paths(view, pressed(view, "end", "ctrl-a", "ctrl-l"))


def test_folding(view: View) -> None:
    state = pressed(view, "tab")
    assert paths(view, state) == ["etc", "etc/passwd", "link", "opt", "opt/sdk", "opt/sdk/a"]
    folded = pressed(view, "tab", "space")
    assert paths(view, folded) == ["etc", "link", "opt", "opt/sdk", "opt/sdk/a"]
    assert paths(view, pressed(view, "tab", "space", "space")) == paths(view, state)
    assert paths(view, pressed(view, "tab", "space", "right")) == paths(view, state)
    assert paths(view, pressed(view, "tab", "ctrl-space")) == ["etc", "link", "opt"]
    assert paths(view, pressed(view, "tab", "ctrl-space", "ctrl-space")) == paths(view, state)
    assert paths(view, pressed(view, "tab", "down", "space")) == paths(view, state)  # on a file: nothing


def test_left_goes_to_the_directory(view: View) -> None:
    state = pressed(view, "tab", "end")
    assert state.row == 5
    state = press(state, "left", view)
    assert paths(view, state)[state.row] == "opt/sdk"
    state = press(state, "left", view)
    assert paths(view, state)[-1] == "opt/sdk"  # closed
    state = press(state, "left", view)
    assert paths(view, state)[state.row] == "opt"


@pytest.mark.parametrize(
    ("key", "gone"),
    [
        ("ctrl-a", {"new", "new/\x1b[31m"}),
        ("ctrl-r", {"opt/sdk", "opt/sdk/a"}),
        ("ctrl-m", {"etc", "etc/passwd"}),
        ("ctrl-u", {"link"}),
    ],
)
def test_hiding_by_change(view: View, key: str, gone: set[str]) -> None:
    everything = pressed(view, "down", "tab")
    hidden = press(everything, key, view)
    assert set(paths(view, everything)) - set(paths(view, hidden)) == gone
    assert paths(view, press(hidden, key, view)) == paths(view, everything)


def test_filtering(view: View) -> None:
    state = pressed(view, "ctrl-f", *"sdk/.$")
    assert state.typing
    assert paths(view, state) == ["opt", "opt/sdk", "opt/sdk/a"]
    kept = press(state, "ctrl-m", view)
    assert (kept.typing, kept.pane, kept.filter) == (False, FILES, "sdk/.$")
    assert press(kept, "esc", view).filter == ""
    assert press(state, "esc", view).filter == ""
    assert pressed(view, "ctrl-f", *"qx", "backspace").filter == "q"
    assert paths(view, pressed(view, "/", *"(pass")) == []
    assert "nothing to show" in "".join(shown(view, pressed(view, "/", *"(pass")))


def test_leaving(view: View) -> None:
    assert pressed(view, "q").done
    assert pressed(view, "ctrl-c").done
    assert not pressed(view, "ctrl-f", "q").done
    assert pressed(view, "ctrl-f", "ctrl-c").done


def test_a_long_list_scrolls() -> None:
    view = viewed(archive(*(entry(f"f{i:03}", b"") for i in range(100))))
    state = pressed(view, "tab")
    assert (state.row, state.top) == (0, 0)
    state = press(state, "pgdn", view)
    assert (state.row, state.top) == (20, 1)
    state = press(state, "end", view)
    assert (state.row, state.top) == (99, 80)
    state = press(press(state, "pgup", view), "k", view)
    assert (state.row, state.top) == (78, 78)
    lines = shown(view, state, height=23)
    assert any("f078" in line for line in lines)
    assert not any("f077" in line for line in lines)


def test_the_screen(view: View) -> None:
    lines = shown(view, pressed(view, "down"))
    assert len(lines) == 30
    assert max(map(columns, lines)) <= 120
    text = "\n".join(lines)
    assert "▶     50 B  step 1" in text
    assert "2 added, 1 changed, 1 removed" not in text  # new is a directory that no archive names
    assert "1 added, 1 changed, 1 removed" in text
    assert "Hides:   2.1 kB of lower layers" in text
    assert "2.0 kB      1  /opt/sdk" in text
    row = next(line for line in lines if "└── passwd" in line)
    assert "-rw-r--r--         0:0       50 B" in row
    first = "\n".join(shown(view, pressed(view)))
    assert "-rwsr-xr-x         5:6      100 B" in first
    assert "link → etc/passwd" in first
    assert "Permission" not in "\n".join(shown(view, pressed(view, "tab", "ctrl-b")))


def test_changes_have_colours_and_names_are_harmless(view: View) -> None:
    pieces = [piece for line in screen(view, pressed(view, "down"), 120, 30) for piece in line]
    styles = {text.strip(): style for text, style in pieces}
    assert styles["passwd"] == "modified"
    assert styles["sdk/"] == "removed"
    assert styles["\\x1b[31m"] == "added"
    assert all(text.isprintable() for text, _ in pieces)
    cursor = [text for line in screen(view, pressed(view, "tab"), 120, 30) for text, style in line if style == CURSOR]
    assert any("etc/" in text for text in cursor)


def test_an_image_without_layers() -> None:
    view = viewed()
    state = pressed(view, "down", "tab", "end", "space", "left", "ctrl-space")
    assert len(shown(view, state)) == 30


def test_a_window_that_is_too_small(view: View) -> None:
    assert shown(view, State(), 20, 3) == ["the window is too sm", "", ""]
    assert page(2) == 1


KEYS = st.sampled_from(
    "up down left right pgup pgdn home end space ctrl-space tab esc ctrl-a ctrl-r ctrl-m ctrl-u ctrl-b ctrl-f ctrl-l "
    "backspace resize a ( . / j k u d".split()
)


@given(st.lists(KEYS, max_size=25), st.integers(40, 130), st.integers(8, 40))
@settings(max_examples=80, deadline=None)
def test_whatever_is_pressed_the_screen_fits(keys: list[str], width: int, height: int) -> None:
    view = VIEW
    state = State()
    for key in keys:
        state = press(resized(state, page(height), view), key, view)
        lines = shown(view, resized(state, page(height), view), width, height)
        assert len(lines) == height
        assert all(columns(line) <= width for line in lines)


VIEW = viewed(*TARS)


@pytest.mark.parametrize(
    ("key", "name"),
    [("\x06", "ctrl-f"), ("\r", "ctrl-m"), ("\n", "ctrl-m"), ("\x1b", "esc"), ("\0", "ctrl-space"), ("q", "q"), (" ", "space"),
     ("\x7f", "backspace"), ("ü", "ü"), (0o402, "down"), (9999, "")],
)  # fmt: skip
def test_keys_have_names(key: str | int, name: str) -> None:
    assert key_name(key) == name


def test_wide_letters() -> None:
    assert fit("日本語", 5) == "日本"
    assert columns("e\u0301") == 1
