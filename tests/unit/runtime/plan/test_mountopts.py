"""Mount options taken apart."""

from __future__ import annotations

import pytest

from rung.runtime.plan import mountopts
from rung.runtime.plan.mountopts import MountOptions, parse


def test_words_are_sorted_by_who_acts_on_them() -> None:
    found = parse(["rbind", "ro", "rnosuid", "rslave", "tmpcopyup", "size=64k", "sync"])
    assert found == MountOptions(
        set=mountopts.RDONLY,
        set_all=mountopts.NOSUID,
        propagation=mountopts.MS_SLAVE | mountopts.MS_REC,
        bind=True,
        recursive=True,
        copy_up=True,
        data=("size=64k", "sync"),
    )


@pytest.mark.parametrize(
    ("words", "on", "off"),
    [
        (["ro", "rw"], 0, mountopts.RDONLY),
        (["rw", "ro"], mountopts.RDONLY, 0),
        (["noatime"], mountopts.NOATIME, mountopts.ATIME),
        (["noatime", "strictatime"], mountopts.STRICTATIME, mountopts.ATIME),
        (["noatime", "relatime"], 0, mountopts.ATIME),
        (["suid", "dev", "exec"], 0, mountopts.NOSUID | mountopts.NODEV | mountopts.NOEXEC),
        (["defaults"], 0, 0),
    ],
)
def test_later_words_win(words: list[str], on: int, off: int) -> None:
    found = parse(words)
    assert (found.set, found.clear) == (on, off)


@pytest.mark.parametrize("word", ["ro", "rw", "rrw", "rro", "rbind", "relatime", "remount", "rprivate"])
def test_every_known_word_is_no_file_systems_business(word: str) -> None:
    assert word in mountopts.known()
    assert parse([word]).data == ()
