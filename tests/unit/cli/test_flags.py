"""Command lines by their tables: read as docker reads its own, refused in its words."""

from __future__ import annotations

from typing import Any

import pytest

from rung.cli.flags import Asked, Command, UsageError, read
from rung.cli.help import help_text
from rung.cli.numbers import duration_ns, nano_cpus, size_bytes

TABLE = """
  -a, --all              everything
  -e, --env list         a variable
  -n, --last int=-1      the last
      --proxy bool=true  signals
  -m, --memory bytes     limit
      --name string      name
"""


def nothing(_: Asked) -> int:
    return 0


STOPS = Command("run [OPTIONS] IMAGE [COMMAND] [ARG...]", "Run it", "rung run x", TABLE, nothing)
MIXES = Command("rm [OPTIONS] CONTAINER [CONTAINER...]", "Remove it", "rung rm x", TABLE, nothing)


def of(*words: str, command: Command = MIXES) -> Asked:
    return read("rung it", command, words)


@pytest.mark.parametrize(
    ("words", "name", "value"),
    [
        ("x", "all", False),
        ("-a x", "all", True),
        ("--all=false x", "all", False),
        ("x -a", "all", True),
        ("-an5 x", "last", 5),
        ("-n=5 x", "last", 5),
        ("-n 5 x", "last", 5),
        ("x", "last", -1),
        ("x", "proxy", True),
        ("--proxy=0 x", "proxy", False),
        ("-e A=1 --env B x", "env", ["A=1", "B"]),
        ("-m 64m x", "memory", 64 << 20),
        ("x", "memory", None),
        ("--name=a=b x", "name", "a=b"),
    ],
)
def test_flags(words: str, name: str, value: Any) -> None:
    asked = of(*words.split())
    assert (asked[name], asked.words) == (value, ["x"])


def test_older_names_of_dockers_flags() -> None:
    from rung.cli.commands.run import run

    asked = read("rung run", run, ["--net", "shop", "--net-alias=web", "--dns-opt", "ndots:1", "image"])
    assert [asked[name] for name in ("network", "network-alias", "dns-option")] == [["shop"], ["web"], ["ndots:1"]]
    with pytest.raises(UsageError, match="unknown flag: --net"):
        of("--net", "shop", "x")


def test_what_follows_an_image_is_the_programs() -> None:
    asked = of("-a", "image", "-n", "--bad", command=STOPS)
    assert (asked.words, asked["all"], asked["last"]) == (["image", "-n", "--bad"], True, -1)
    assert of("--", "-a", "-b").words == ["-a", "-b"]
    assert of("-").words == ["-"]


@pytest.mark.parametrize(
    ("words", "said", "status"),
    [
        ("--bad", "unknown flag: --bad", 125),
        ("-ax", "unknown shorthand flag: 'x' in -ax", 125),
        ("-n", "flag needs an argument: 'n' in -n", 125),
        ("--name", "flag needs an argument: --name", 125),
        ("-n x", 'invalid argument "x" for "-n, --last" flag: strconv.ParseInt: parsing "x": invalid syntax', 125),
        ("-m 5x", "invalid argument \"5x\" for \"-m, --memory\" flag: invalid size: '5x'", 125),
        ("--all=maybe", 'invalid argument "maybe" for "-a, --all" flag: strconv.ParseBool: parsing "maybe": invalid syntax', 125),
        ("", '"rung it" requires at least 1 argument.', 1),
    ],
)
def test_what_is_refused(words: str, said: str, status: int) -> None:
    with pytest.raises(UsageError) as caught:
        of(*words.split())
    assert (caught.value.text.split("\n")[0], caught.value.status) == (said, status)
    assert "See 'rung it --help'." in caught.value.text


@pytest.mark.parametrize(
    ("usage", "said"),
    [
        ("x [OPTIONS]", "accepts no arguments"),
        ("x A B", "requires exactly 2 arguments"),
        ("x A [B]", "requires at least 1 and at most 2 arguments"),
        ("x [B]", "requires at most 1 argument"),
    ],
)
def test_counts(usage: str, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        of("1", "2", "3", command=Command(usage, "", "", "", nothing))


def test_help_wants_no_arguments() -> None:
    assert of("--help")["help"]
    text = help_text("rung container rm", MIXES)
    assert "Usage:  rung container rm [OPTIONS] CONTAINER [CONTAINER...]" in text
    assert "  -n, --last int" in text
    assert "The last (default -1)" in text
    assert text.endswith("example: rung rm x")


def test_numbers() -> None:
    assert [size_bytes(word) for word in ("1", "2b", "1k", "1.5m", "1GB", "1gib", "-1")] == [1, 2, 1024, 3 << 19, 1 << 30, 1 << 30, -1]
    assert [duration_ns(word) for word in ("0", "1.5s", "1m30s", "2h", "3ms", "-1s")] == [0, 1_500_000_000, 90 * 10**9, 7200 * 10**9, 3_000_000, -(10**9)]
    assert [nano_cpus(word) for word in ("1", ".5", "1.25")] == [10**9, 5 * 10**8, 1_250_000_000]
    for read_it, word in ((size_bytes, "m"), (size_bytes, ""), (duration_ns, "5"), (duration_ns, "s"), (duration_ns, ""), (nano_cpus, "a")):
        with pytest.raises(ValueError, match=r"invalid|missing|failed"):
            read_it(word)
