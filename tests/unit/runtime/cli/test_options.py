"""Words into values, by the rules of Go's flag package."""

import pytest

from rung.runtime.cli.options import Command, Flag, UsageError, check_arguments, duration, parse

FLAGS = (
    Flag(("bundle", "b"), "text", "", ""),
    Flag(("detach", "d"), "bool", "", False),
    Flag(("env", "e"), "texts", ""),
    Flag(("group", "g"), "ints", ""),
    Flag(("fds",), "int", "", 0),
    Flag(("every",), "duration", "", 5.0),
)


def given(*words, interleaved=True):
    values, arguments = parse(FLAGS, words, interleaved)
    changed = {name: value for name, value in values.items() if value != NOTHING[name]}
    return changed, arguments


NOTHING = parse(FLAGS, (), True)[0]


def test_what_is_not_given_has_its_default():
    assert NOTHING == {
        "bundle": "",
        "detach": False,
        "env": [],
        "group": [],
        "fds": 0,
        "every": 5.0,
        "help": False,
    }


@pytest.mark.parametrize(
    "words", ["--bundle /x", "-bundle /x", "--bundle=/x", "-bundle=/x", "-b /x", "--b=/x"]
)
def test_one_dash_or_two_and_the_value_after_a_blank_or_an_equals_sign(words):
    assert given(*words.split()) == ({"bundle": "/x"}, [])


def test_a_value_may_begin_with_a_dash_and_hold_an_equals_sign():
    assert given("--bundle", "--detach") == ({"bundle": "--detach"}, [])
    assert given("--env=A=B=C") == ({"env": ["A=B=C"]}, [])


def test_a_boolean_takes_its_value_only_after_an_equals_sign():
    assert given("-d", "false") == ({"detach": True}, ["false"])
    assert given("-d", "--detach=F") == ({}, [])


def test_the_last_counts_and_lists_grow():
    assert given("-b", "1", "-b", "2", "-e", "x", "--env", "y") == ({"bundle": "2", "env": ["x", "y"]}, [])
    assert given("-g", "1", "-g", "0x10") == ({"group": [1, 16]}, [])


def test_numbers_and_durations():
    assert given("--fds", "3", "--every", "1m30s") == ({"fds": 3, "every": 90.0}, [])


def test_flags_may_follow_arguments_unless_the_rest_is_another_programs():
    words = ("id", "-d", "ls", "-b")
    assert given(*words[:3]) == ({"detach": True}, ["id", "ls"])
    assert given(*words, interleaved=False) == ({}, ["id", "-d", "ls", "-b"])


def test_two_dashes_end_the_flags_and_a_lone_dash_is_an_argument():
    assert given("-d", "--", "-b") == ({"detach": True}, ["-b"])
    assert given("-", "-d") == ({"detach": True}, ["-"])


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        ("--bogus", "flag provided but not defined: -bogus"),
        ("--bogus=1", "flag provided but not defined: -bogus"),
        ("-b", "flag needs an argument: -b"),
        ("---b", "bad flag syntax: ---b"),
        ("--=x", "bad flag syntax: --=x"),
        ("-d=maybe", 'invalid boolean value "maybe" for flag -d: parse error'),
        ("--fds x", 'invalid value "x" for flag -fds: parse error'),
        ("--every 5", 'invalid value "5" for flag -every: parse error'),
    ],
)
def test_what_is_wrong_is_said(words, sentence):
    with pytest.raises(UsageError) as error:
        parse(FLAGS, words.split(), True)
    assert str(error.value) == sentence


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("5s", 5),
        ("1.5h", 5400),
        ("100ms", 0.1),
        ("1h2m3s", 3723),
        ("-1s", -1),
        ("+2us", 2e-6),
        ("7µs", 7e-6),
    ],
)
def test_durations_as_go_writes_them(text, seconds):
    assert duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize("text", ["", "s", "5", "5 s", "5x", "1.2.3s", "-", "s5"])
def test_what_is_no_duration(text):
    with pytest.raises(ValueError):  # noqa: PT011
        duration(text)


@pytest.mark.parametrize(
    ("least", "most", "count", "sentence"),
    [
        (1, 1, 0, '"x" requires exactly 1 argument(s)'),
        (1, 1, 2, '"x" requires exactly 1 argument(s)'),
        (1, 2, 0, '"x" requires a minimum of 1 argument(s)'),
        (1, 2, 3, '"x" requires a maximum of 2 argument(s)'),
        (1, -1, 0, '"x" requires a minimum of 1 argument(s)'),
        (1, -1, 9, ""),
        (0, 0, 0, ""),
    ],
)
def test_the_number_of_arguments(least, most, count, sentence):
    command = Command("x", "", "", "", least=least, most=most)
    if not sentence:
        check_arguments(command, ["a"] * count)
        return
    with pytest.raises(UsageError) as error:
        check_arguments(command, ["a"] * count)
    assert str(error.value) == sentence
