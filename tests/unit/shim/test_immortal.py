"""Objects that are made immortal: in a process of their own."""

from __future__ import annotations

import subprocess
import sys

import pytest

SCRIPT = """
import gc, sys
{before}
from rung.shim.immortal import make_immortal

class Kept:
    words = ["a list", ("tuples are looked into, too: %d" % len(sys.argv),)]

def used():
    return "a constant of code", Kept.words

text = Kept.words[1][0]
made = make_immortal()
counts = [sys.getrefcount(one) for one in (Kept, Kept.words, text, used.__code__, used.__code__.co_consts)]
more = [[Kept, Kept.words, text, used.__code__, used.__code__.co_consts] for _ in range(100)]
unchanged = counts == [sys.getrefcount(one) for one in (Kept, Kept.words, text, used.__code__, used.__code__.co_consts)]
fresh = object()
held = [fresh] * 3
print(made, unchanged, sys.getrefcount(fresh), make_immortal() < made / 10, used()[1] is Kept.words)
gc.collect()
"""


def said(before: str = "") -> list[str]:
    run = subprocess.run(
        [sys.executable, "-c", SCRIPT.format(before=before)], capture_output=True, text=True, timeout=60, check=True
    )
    return run.stdout.split()


@pytest.mark.skipif(sys.version_info[:2] not in ((3, 12), (3, 13)), reason="this Python has them in another way, or not")
def test_what_is_there_is_counted_no_more_and_what_comes_is() -> None:
    made, unchanged, fresh, once, same = said()
    assert int(made) > 5000
    assert (unchanged, fresh, once, same) == ("True", "5", "True", "True")


@pytest.mark.parametrize(
    "before",
    [
        "sys.version_info = (3, 99, 0)",
        "import ctypes; ctypes.c_ssize_t = ctypes.c_byte",  # as if counts lay somewhere else
    ],
)
def test_where_it_is_not_known_to_work_nothing_is_done(before: str) -> None:
    made, unchanged, _, _, same = said(before)
    assert (made, unchanged, same) == ("0", "False", "True")
