"""Command lines as docker's are read: flags, arguments, and what is said of wrong ones."""

from __future__ import annotations

from typing import Any

import pytest

from rung.cli.declaration import REMAINDER
from rung.cli.parser import Parser, add_command


def parser() -> Parser:
    made = Parser(prog="rung")
    made.add_argument("--debug", action="store_true")
    commands = made.add_subparsers(metavar="COMMAND")
    ls = add_command(commands, "ls", "list things", "rung ls -a", lambda _: 0)
    ls.add_argument("-a", "--all", action="store_true")
    ls.add_argument("-q", "--quiet", action="store_true")
    ls.add_argument("-H", "--human", action="store_true", default=True)
    ls.add_argument("-f", "--filter", action="append", default=[])
    ls.add_argument("-n", "--number", type=int, default=3)
    ls.add_argument("--format", choices=("a", "b"))
    ls.add_argument("name", metavar="NAME[:TAG]", nargs="?", default="")
    cp = add_command(commands, "cp", "copy", "rung cp a b", lambda _: 0)
    either = cp.add_mutually_exclusive_group()
    either.add_argument("-x", action="store_true")
    either.add_argument("-y", action="store_true")
    cp.add_argument("-o", "--output", required=True)
    cp.add_argument("sources", nargs="+", metavar="SOURCE")
    cp.add_argument("target")
    run = add_command(commands, "run", "run", "rung run x", lambda _: 0)
    run.add_argument("-e", action="append", default=[])
    run.add_argument("words", nargs=REMAINDER)
    add_command(commands, "prune", "prune", "rung prune", lambda _: 0)
    return made


@pytest.mark.parametrize(
    ("words", "values"),
    [
        ("ls", {"all": False, "name": "", "number": 3, "human": True, "filter": []}),
        ("ls x -a", {"all": True, "name": "x"}),
        ("ls -aq x", {"all": True, "quiet": True, "name": "x"}),
        ("ls --all=false -H=false", {"all": False, "human": False}),
        ("ls --all=T", {"all": True}),
        ("ls -n5", {"number": 5}),
        ("ls -n=5", {"number": 5}),
        ("ls -qn 5 -f a=b --filter=c=d", {"quiet": True, "number": 5, "filter": ["a=b", "c=d"]}),
        ("ls -- -a", {"all": False, "name": "-a"}),
        ("ls -", {"name": "-"}),
        ("--debug ls", {"debug": True}),
        ("cp -o f a b c", {"sources": ["a", "b"], "target": "c", "output": "f"}),
        ("cp a -o f b", {"sources": ["a"], "target": "b"}),
        ("run -e A=1 image -e x", {"e": ["A=1"], "words": ["image", "-e", "x"]}),
        ("run -e A=1 -- image -- x", {"words": ["image", "--", "x"]}),
    ],
)
def test_reads(words: str, values: dict[str, Any]) -> None:
    args = parser().parse_args(words.split())
    assert {name: getattr(args, name) for name in values} == values


@pytest.mark.parametrize(
    ("words", "status", "text"),
    [
        ("ls --foo", 125, "unknown flag: --foo\nSee 'rung ls --help'.\n"),
        ("ls --al", 125, "unknown flag: --al\nSee 'rung ls --help'.\n"),
        ("ls -az", 125, "unknown shorthand flag: 'z' in -az\nSee 'rung ls --help'.\n"),
        ("ls --filter", 125, "flag needs an argument: --filter\nSee 'rung ls --help'.\n"),
        ("ls -f", 125, "flag needs an argument: 'f' in -f\nSee 'rung ls --help'.\n"),
        ("ls --all=x", 125, 'invalid argument "x" for "-a, --all" flag: strconv.ParseBool: parsing "x": invalid syntax\n'
         "See 'rung ls --help'.\n"),
        ("ls a b", 1, '"rung ls" requires at most 1 argument.\nSee \'rung ls --help\'.\n\n'
         "Usage:  rung ls [OPTIONS] [NAME[:TAG]]\n\nList things\n"),
        ("cp -o f a", 1, '"rung cp" requires at least 2 arguments.'),
        ("prune x", 1, '"rung prune" accepts no arguments.'),
        ("nothing", 1, "unknown command: rung nothing\nSee 'rung --help'.\n"),
        ("cp a b", 125, 'required flag(s) "output" not set'),
        ("cp -xy -o f a b", 125, "conflicting options: -x and -y cannot be used together"),
        ("ls -n x", 125, 'invalid argument "x" for "-n, --number" flag'),
        ("ls --format c", 125, 'invalid argument "c" for "--format" flag'),
    ],
)  # fmt: skip
def test_refuses(words: str, status: int, text: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        parser().parse_args(words.split())
    assert stopped.value.code == status and capsys.readouterr().err.startswith(text)


def test_help(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        parser().parse_args(["ls", "--help"])
    out = capsys.readouterr().out
    assert stopped.value.code == 0
    assert out.startswith("\nUsage:  rung ls [OPTIONS] [NAME[:TAG]]\n\nList things\n\nOptions:\n  -a, --all             \n".replace("             \n", "\n"))
    assert "  -f, --filter list" in out and "example: rung ls -a\n" in out


def test_no_command_shows_what_there_is(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as stopped:
        parser().parse_args([])
    assert stopped.value.code == 0 and "\nCommands:\n  ls      list things\n" in capsys.readouterr().out


def test_help_keeps_to_the_width_of_a_terminal() -> None:
    made = Parser(prog="rung")
    made.add_argument("--one", help="word " * 40)
    lines = made.format_help().splitlines()
    assert sum(line.count("ord") for line in lines) == 40 and max(map(len, lines)) <= 80
