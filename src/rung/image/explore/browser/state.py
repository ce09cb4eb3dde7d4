"""What the browser shows, and what each key makes of that.

Pure: ``press(state, key, view)`` gives the next state. Keys are dive's: names such as ``ctrl-f``, ``tab``, ``up``,
or one printed letter. ``view`` answers what depends on the image: how many layers and rows there are.
"""

from __future__ import annotations

from rung.image.explore.tree import ADDED, MODIFIED, REMOVED, UNMODIFIED
from rung.record import Record

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Any, Protocol

    from rung.image.explore.browser.rows import Row

    class Shown(Protocol):
        """What a state shows of an image."""

        layers: int

        def rows(self, state: State) -> Sequence[Row]:
            """The lines of the file pane."""
            ...

        def directories(self, state: State) -> frozenset[bytes]:
            """Every directory of the tree that is shown."""
            ...


LAYERS, FILES = "layers", "files"


class State(Record):
    """``row`` is the file pane's cursor, ``top`` its first line on the screen, ``page`` how many fit.
    ``hidden`` are changes whose files are left out; ``typing``: keys go into the filter."""

    pane: str = LAYERS
    layer: int = 0
    aggregated: bool = False
    row: int = 0
    top: int = 0
    page: int = 20
    collapsed: frozenset[bytes] = frozenset()
    hidden: frozenset[int] = frozenset()
    attributes: bool = True
    filter: str = ""
    typing: bool = False
    done: bool = False


def press(state: State, key: str, view: Shown) -> State:
    """The state after a key."""
    if key in ("ctrl-c", "resize"):
        return with_(state, done=key == "ctrl-c")
    if state.typing:
        return _settled(_type(state, key), view)
    action = _BOTH.get(key) or (_ON_LAYERS if state.pane == LAYERS else _ON_FILES).get(key)
    return _settled(action(state, view), view) if action else state


def resized(state: State, page: int, view: Shown) -> State:
    """The state when so many rows fit."""
    return _settled(with_(state, page=max(1, page)), view)


def with_(state: State, **changes: Any) -> State:
    """The state with some fields changed."""
    changed: State = state.replace(**changes)
    return changed


def _settled(state: State, view: Shown) -> State:
    """Cursor and scroll position within what there is."""
    layer = max(0, min(state.layer, view.layers - 1))
    state = with_(state, layer=layer)
    row = max(0, min(state.row, len(view.rows(state)) - 1))
    top = min(state.top, row)
    return with_(state, row=row, top=max(0, top, row - state.page + 1))


def _type(state: State, key: str) -> State:
    if key == "esc" or key == "ctrl-f":
        return with_(state, typing=False, filter="", row=0, top=0)
    if key in ("ctrl-m", "tab", "up", "down"):
        return with_(state, typing=False, pane=FILES)
    if key == "backspace":
        return with_(state, filter=state.filter[:-1], row=0, top=0)
    if key == "space":
        key = " "
    return with_(state, filter=state.filter + key, row=0, top=0) if len(key) == 1 else state


def _quit(state: State, view: Shown) -> State:
    return with_(state, done=True)


def _other_pane(state: State, view: Shown) -> State:
    return with_(state, pane=FILES if state.pane == LAYERS else LAYERS)


def _filter(state: State, view: Shown) -> State:
    return with_(state, typing=True)


def _no_filter(state: State, view: Shown) -> State:
    return with_(state, filter="")


def _layer(step: int) -> Callable[[State, Shown], State]:
    def move(state: State, view: Shown) -> State:
        return with_(state, layer=state.layer + step)

    return move


def _compare(*, aggregated: bool) -> Callable[[State, Shown], State]:
    def choose(state: State, view: Shown) -> State:
        return with_(state, aggregated=aggregated)

    return choose


def _rows(lines: int = 0, pages: int = 0) -> Callable[[State, Shown], State]:
    def move(state: State, view: Shown) -> State:
        return with_(state, row=state.row + lines + pages * state.page)

    return move


def _current(state: State, view: Shown) -> Row | None:
    rows = view.rows(state)
    return rows[state.row] if state.row < len(rows) else None


def _fold(state: State, view: Shown) -> State:
    row = _current(state, view)
    return with_(state, collapsed=state.collapsed ^ {row.path}) if row and row.directory else state


def _fold_all(state: State, view: Shown) -> State:
    everything = view.directories(state)
    return with_(state, collapsed=frozenset() if everything <= state.collapsed else everything, row=0, top=0)


def _open(state: State, view: Shown) -> State:
    row = _current(state, view)
    return with_(state, collapsed=state.collapsed - {row.path}) if row else state


def _parent(state: State, view: Shown) -> State:
    """To the directory that the row lies in; an open directory is closed first, as file managers do."""
    row = _current(state, view)
    if row is None:
        return state
    if row.directory and row.path not in state.collapsed:
        return with_(state, collapsed=state.collapsed | {row.path})
    parent = row.path.rpartition(b"/")[0]
    for at in range(state.row - 1, -1, -1):
        if view.rows(state)[at].path == parent:
            return with_(state, row=at)
    return state


def _show(change: int) -> Callable[[State, Shown], State]:
    def toggle(state: State, view: Shown) -> State:
        return with_(state, hidden=state.hidden ^ {change})

    return toggle


def _attributes(state: State, view: Shown) -> State:
    return with_(state, attributes=not state.attributes)


_BOTH = {"q": _quit, "tab": _other_pane, "ctrl-f": _filter, "/": _filter, "esc": _no_filter}
_ON_LAYERS = {
    "up": _layer(-1), "k": _layer(-1), "down": _layer(1), "j": _layer(1),
    "pgup": _layer(-10), "u": _layer(-10), "pgdn": _layer(10), "d": _layer(10),
    "home": _layer(-(1 << 30)), "end": _layer(1 << 30),
    "ctrl-a": _compare(aggregated=True), "ctrl-l": _compare(aggregated=False),
    "right": _other_pane, "ctrl-m": _other_pane,
}  # fmt: skip
_ON_FILES = {
    "up": _rows(-1), "k": _rows(-1), "down": _rows(1), "j": _rows(1),
    "pgup": _rows(pages=-1), "u": _rows(pages=-1), "pgdn": _rows(pages=1), "d": _rows(pages=1),
    "home": _rows(-(1 << 30)), "end": _rows(1 << 30),
    "space": _fold, "ctrl-space": _fold_all, "right": _open, "left": _parent,
    "ctrl-a": _show(ADDED), "ctrl-r": _show(REMOVED), "ctrl-m": _show(MODIFIED), "ctrl-u": _show(UNMODIFIED),
    "ctrl-b": _attributes,
}  # fmt: skip
