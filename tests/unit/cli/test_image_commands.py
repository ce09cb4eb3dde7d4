"""The image commands' own work: instructions, sizes, templates, progress, parsers."""

from __future__ import annotations

import io

import pytest

from rung.cli.changes import parse_changes
from rung.cli.image import COMMANDS, SHORT, register
from rung.cli.image.import_ import _name_of_file
from rung.cli.image.view import expand, human_size, seconds_of
from rung.cli.parser import Parser
from rung.cli.progress import Bars, Lines
from rung.errors import RungError
from rung.image import Event


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


@pytest.mark.parametrize("text", ["", "CMD", "RUN x", 'CMD ["a"', "CMD [1]", "ENV A=1 B", 'ENV A="'])
def test_refuses_changes(text: str) -> None:
    with pytest.raises(RungError, match="--change"):
        parse_changes([text])


@pytest.mark.parametrize(
    ("size", "text"),
    [(0, "0B"), (999, "999B"), (1000, "1kB"), (2_024_851, "2.02MB"), (119_600_000, "120MB"), (1_234_000_000, "1.23GB")],
)
def test_sizes_as_docker_prints_them(size: int, text: str) -> None:
    assert human_size(size) == text


def test_times() -> None:
    assert seconds_of("1970-01-01T00:00:01Z") == 1.0
    assert seconds_of("1970-01-01T00:00:01.123456789Z") == pytest.approx(1.123456)
    assert seconds_of("") is None and seconds_of("yesterday") is None


def test_templates() -> None:
    value = {"Id": "x", "Config": {"Cmd": ["a"]}}
    assert expand("{{.Id}} {{json .Config.Cmd}} {{.Config}}", value) == 'x ["a"] {"Cmd": ["a"]}'
    with pytest.raises(RungError, match="no field Config.Nope"):
        expand("{{.Config.Nope}}", value)


@pytest.mark.parametrize(
    ("path", "name"),
    [("/tmp/My Rootfs.tar.gz", "my-rootfs"), ("-", "imported"), ("a.tgz", "a"), ("ä.tar", "imported"), ("x_1.tar", "x-1")],
)
def test_names_of_files(path: str, name: str) -> None:
    assert _name_of_file(path) == name


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


def test_every_command_has_an_example_and_runs_something() -> None:
    parser = Parser()
    subparsers = parser.add_subparsers()
    register(subparsers)
    assert set(subparsers.choices) == {"image", *SHORT}
    for name in SHORT:
        assert "example: rung" in subparsers.choices[name].format_help()
        assert name == "manifest" or callable(subparsers.choices[name].get_default("run"))
    assert parser.parse_args(["image", "bootstrap", "busybox"]).name == "busybox"


@pytest.mark.parametrize("words", [["image", "ls"], ["--debug", "image", "-h", "tag"], ["rmi", "image"]])
def test_only_the_command_that_is_named_is_there(words: list[str]) -> None:
    subparsers = Parser().add_subparsers()
    register(subparsers, words)
    assert len(subparsers.choices) == 1
    if "image" in subparsers.choices:
        commands = subparsers.choices["image"]._subparsers._group_actions[0].choices
        assert set(commands) == {words[-1]} < set(COMMANDS)
