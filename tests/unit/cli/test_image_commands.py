"""The image commands' own work: instructions, sizes, templates, progress, parsers."""

from __future__ import annotations

import io
import shutil

import pytest

from rung.cli import progress
from rung.cli.declaration import Commands
from rung.cli.image import COMMANDS, SHORT, register
from rung.cli.output import duration, human_size, table
from rung.cli.parser import Parser
from rung.cli.progress import Bars, Lines
from rung.errors import RungError
from rung.image import Event, parse_changes, seconds_of


def test_changes() -> None:
    assert parse_changes(
        ['CMD ["a", "b"]', "ENTRYPOINT run it", 'ENV A=1 B="2 3"', "env C old way", "EXPOSE 80 53/udp", "VOLUME /a /b",
         'VOLUME ["/c d"]', "WORKDIR /w", "USER 5", "STOPSIGNAL SIGINT", "LABEL x=y"]
    ) == {
        "cmd": ("a", "b"),
        "entrypoint": ("/bin/sh", "-c", "run it"),
        "env": ("A=1", "B=2 3", "C=old way"),
        "exposed_ports": ("80/tcp", "53/udp"),
        "volumes": ("/a", "/b", "/c d"),
        "working_dir": "/w",
        "user": "5",
        "stop_signal": "SIGINT",
        "labels": (("x", "y"),),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("HEALTHCHECK NONE", {"healthcheck": {"Test": ["NONE"]}}),
        ("HEALTHCHECK CMD true || x", {"healthcheck": {"Test": ["CMD-SHELL", "true || x"]}}),
        (
            'HEALTHCHECK --interval=1m30s --retries=3 --timeout=1.5s CMD ["a", "b"]',
            {"healthcheck": {"Test": ["CMD", "a", "b"], "Interval": 90 * 10**9, "Retries": 3, "Timeout": 1_500_000_000}},
        ),
        ("ONBUILD RUN x", {"on_build": ("RUN x",)}),
        ('CMD ["a"', {"cmd": ("/bin/sh", "-c", '["a"')}),
    ],
)
def test_changes_as_docker_takes_them(text: str, value: object) -> None:
    assert parse_changes([text]) == value


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "not a valid change"), ("RUN x", "RUN is not a valid change command"), ("CMD", "CMD requires at least one argument"),
        ("ENV A=1 B", "--change"), ('ENV A="', "--change"), ("HEALTHCHECK --interval=x CMD a", "no flag"), ("HEALTHCHECK x", "needs CMD"),
    ],
)  # fmt: skip
def test_refuses_changes(text: str, reason: str) -> None:
    with pytest.raises(RungError, match=reason):
        parse_changes([text])


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0B"), (999, "999B"), (1000, "1kB"), (2_024_851, "2.02MB"), (119_600_000, "120MB"), (1_234_000_000, "1.23GB"), (999_900, "1e+03kB")],
)
def test_sizes_as_docker_prints_them(size: int, text: str) -> None:
    assert human_size(size) == text


def test_times() -> None:
    assert seconds_of("1970-01-01T00:00:01Z") == 1.0
    assert seconds_of("1970-01-01T00:00:01.123456789Z") == pytest.approx(1.123456)
    assert seconds_of("") is None and seconds_of("yesterday") is None


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0.5, "Less than a second"), (1, "1 second"), (59.9, "59 seconds"), (60, "About a minute"), (119, "About a minute"),
        (3599, "59 minutes"), (3600, "About an hour"), (5400, "2 hours"), (47 * 3600, "47 hours"), (48 * 3600, "2 days"),
        (14 * 86400, "2 weeks"), (60 * 86400, "2 months"), (729 * 86400, "24 months"), (730 * 86400, "2 years"),
    ],
)  # fmt: skip
def test_ages_as_docker_says_them(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_tables_as_docker_sets_them() -> None:
    assert table([["A", "LONG HEADING", "C"], ["a much longer cell", "", "x"]]) == [
        "A                    LONG HEADING   C",
        "a much longer cell                  x",
    ]


def test_lines_say_each_state_once() -> None:
    stream = io.StringIO()
    with Lines(stream) as progress:
        for event in (Event("", "Pulling"), Event("a", "Downloading", 1, 9), Event("a", "Downloading", 5, 9), Event("a", "Done")):
            progress(event)
    assert stream.getvalue() == "Pulling\na: Downloading\na: Done\n"


def test_bars_are_redrawn_in_place() -> None:
    stream = io.StringIO()
    with Bars(stream) as progress:
        progress(Event("a", "Downloading", 500_000, 1_000_000))
        progress(Event("b", "Waiting"))
        progress(Event("", "a message"))
    text = stream.getvalue()
    assert "[===============>               ] 0.5MB/1.0MB" in text
    assert text.count("\x1b[2A") == 2 and "a message" in text


def test_rates_totals_and_more_layers_than_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(progress, "monotonic", lambda: now[0])
    monkeypatch.setattr(shutil, "get_terminal_size", lambda: (100, 24))
    stream = io.StringIO()
    with Bars(stream) as bars:
        bars(Event("taken-up", "Downloading", 5_000_000, 10_000_000))
        for number in range(60):
            bars(Event(f"layer{number}", "Downloading", 0, 1_000_000))
        now[0] += 2
        bars(Event("taken-up", "Downloading", 9_000_000, 10_000_000))
    last = stream.getvalue().rpartition("A\r")[2].strip("\n").split("\n")
    assert len(last) <= 24 - 2, "no more lines than a screen has"
    assert any("taken-up: Downloading" in line and "9.0MB/10.0MB 2.0MB/s" in line for line in last)
    assert last[-1].endswith("Total: 9.0MB/70.0MB 2.0MB/s")


def test_every_command_has_an_example_and_runs_something() -> None:
    parser = Parser()
    subparsers = parser.add_subparsers()
    register(subparsers)
    assert set(subparsers.parsers) == {"image", *SHORT}
    for name in SHORT:
        assert "example: rung" in subparsers.parsers[name].format_help()
        assert name == "manifest" or callable(subparsers.parsers[name].defaults["run"])
    assert parser.parse_args(["image", "bootstrap", "busybox"]).name == "busybox"


@pytest.mark.parametrize("words", [["image", "ls"], ["--debug", "image", "-h", "tag"], ["rmi", "image"]])
def test_only_the_command_that_is_named_is_there(words: list[str]) -> None:
    subparsers = Parser().add_subparsers()
    register(subparsers, words)
    assert len(subparsers.parsers) == 1
    if "image" in subparsers.parsers:
        commands = next(one for one in subparsers.parsers["image"].arguments if isinstance(one, Commands)).parsers
        assert set(commands) == {words[-1]} < set(COMMANDS)
