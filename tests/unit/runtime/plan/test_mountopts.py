"""Mount options taken apart."""

from __future__ import annotations

import pytest

from rung.runtime.plan import mountopts
from rung.runtime.plan.mountopts import MountOptions, parse


def test_words_are_sorted_by_who_acts_on_them() -> None:
    words = "rbind ro rnosuid rslave tmpcopyup size=64k sync dest-nofollow ridmap=uids=0-1-1;gids=0-1-1".split()
    found = parse(words)
    assert found == MountOptions(
        set=mountopts.RDONLY,
        set_all=mountopts.NOSUID,
        propagation=mountopts.MS_SLAVE | mountopts.MS_REC,
        bind=True,
        recursive=True,
        copy_up=True,
        links=mountopts.ONTO_LINK,
        plain=False,
        idmap="ridmap",
        mapping="uids=0-1-1;gids=0-1-1",
        flags=("sync",),
        data=("size=64k",),
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


def test_bind_beside_rbind_takes_nothing_back() -> None:
    assert parse(["rbind", "bind"]).recursive


@pytest.mark.parametrize("words", [["bind"], ["bind", "rprivate", "defaults", "remount", "rro", "idmap"]])
def test_words_that_leave_the_sources_attributes_alone(words: list[str]) -> None:
    assert parse(words).plain


@pytest.mark.parametrize("word", ["ro", "rw", "dev", "atime", "sync", "silent"])
def test_words_that_do_not(word: str) -> None:
    assert not parse(["bind", word]).plain


@pytest.mark.parametrize(
    ("words", "on", "off"),
    [
        (["atime"], 0, 0),
        (["norelatime", "diratime"], 0, 0),
        (["ro", "nostrictatime"], mountopts.RDONLY, 0),
        (["relatime"], 0, mountopts.ATIME | mountopts.NODIRATIME),
        (["noatime"], mountopts.NOATIME, mountopts.ATIME | mountopts.NODIRATIME),
        (["nodiratime"], mountopts.NODIRATIME, mountopts.ATIME),
        (["nodiratime", "strictatime"], mountopts.NODIRATIME | mountopts.STRICTATIME, mountopts.ATIME),
    ],
)
def test_access_times_of_a_bind_change_only_where_a_word_sets_them(words: list[str], on: int, off: int) -> None:
    assert mountopts.on_bind(parse(words)) == (on, off)
