"""Image commands where an engine is named: which go through its API, which are refused, and what is sent and shown."""

from __future__ import annotations

import io
import json
from base64 import urlsafe_b64decode
from pathlib import Path
from typing import Any

import pytest

from rung import posix
from rung.cli import main, messages
from rung.cli.image import COMMANDS, SHORT
from rung.cli.image.api import MODULES, OF_THE_CALLER, named_engine
from rung.cli.image.api.names import full, split
from rung.cli.pulling import registry_auth
from rung.cli.standalone import execute
from rung.errors import RungError

HOST = "unix:///no/such/engine.sock"
#: Commands that need a store of this machine, with words that they take.
LOCAL = {
    "bootstrap": "debian:trixie", "convert": "--zstd a b", "copy": "a docker://b", "df": "", "diff": "a b", "explore": "a",
    "gc": "", "mount": "", "referrers": "a", "scan": "a", "sign": "--key k a", "snapshotter": "", "squash": "a b",
    "umount": "a", "unmount": "a", "unpack": "a b", "verify": "", "verify-signature": "--key k a",
}  # fmt: skip


@pytest.fixture(autouse=True)
def nobody_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in (b"RUNG_HOST", b"DOCKER_HOST"):
        monkeypatch.delitem(posix._environ, name, raising=False)


def test_every_command_has_its_way() -> None:
    through = {*MODULES, *OF_THE_CALLER}
    assert set(LOCAL) == {name for name, module in COMMANDS.items() if module not in through}
    assert {module for module in SHORT.values() if module not in through} == set()


@pytest.mark.parametrize("name", [*(f"image {name}" for name in LOCAL), "registry serve", "registry gc"])
def test_what_needs_a_store_is_refused(name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = [*name.split(), *LOCAL.get(name.removeprefix("image "), "").split()]
    status = execute(["--data-root", str(tmp_path / "store"), "-H", HOST, *words])
    error = capsys.readouterr().err
    assert (status, error.count("\n")) == (125, 1), error
    assert error.startswith(f"rung: {name}: works on this machine only") and HOST in error and "leave out -H" in error
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("flags", ["--rootfs /", "--explain"])
def test_a_run_without_an_engine_is_refused(flags: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main.execute(["-H", HOST, "run", *flags.split(), "busybox", "true"]) == 125
    assert capsys.readouterr().err.startswith(f"run {flags.split()[0]}: works on this machine only, not through the engine {HOST}")


def test_another_command_is_named_where_there_is_one(capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["-H", HOST, "image", "df"]) == 125
    assert "(use rung system df, or leave out -H" in capsys.readouterr().err


@pytest.mark.parametrize(
    "words",
    [
        "images", "history a", "image inspect a", "tag a b", "rmi a", "image prune -f", "pull a", "push a", "save a",
        "load -i /dev/null", "import /dev/null", "search a",
    ],
)  # fmt: skip
def test_what_goes_through_the_api_asks_the_engine(words: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    status = execute(["--data-root", str(tmp_path / "store"), "-H", HOST, *words.split()])
    assert status == 1 and "connect to /no/such/engine.sock: no such file or directory" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("pull --insecure a", "rung pull --insecure: does not go through the engine"),
        ("pull --all-platforms a", "rung pull --all-platforms: "),
        ("push --platform linux/arm64 a", "rung push --platform: "),
        ("save --format oci-archive a", "rung save --format: "),
        ("images --tree", "rung images --tree: "),
        ("search --list-tags a", "rung search --list-tags: "),
    ],
)
def test_flags_that_the_api_has_no_word_for(words: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert execute(["-H", HOST, *words.split()]) == 125
    assert capsys.readouterr().err.startswith(said)


def test_which_engine_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    assert named_engine({}) == ""
    monkeypatch.setitem(posix._environ, b"DOCKER_HOST", b"tcp://a")
    assert named_engine({}) == "tcp://a"
    assert named_engine({"data-root": "/x"}) == "", "a store that is named goes before the environment"
    assert named_engine({"data-root": "/x", "host": "tcp://b"}) == "tcp://b"
    monkeypatch.setitem(posix._environ, b"RUNG_HOST", b"tcp://c")
    assert named_engine({}) == "tcp://c"


@pytest.mark.parametrize(
    ("name", "parts"),
    [
        ("a", ("a", "")),
        ("a:1", ("a", "1")),
        ("h:5000/a", ("h:5000/a", "")),
        ("h:5000/a/b:1", ("h:5000/a/b", "1")),
        ("a:1@sha256:00", ("a", "sha256:00")),
        ("", ("", "")),
    ],
)
def test_names_are_split(name: str, parts: tuple[str, str]) -> None:
    assert split(name) == parts


@pytest.mark.parametrize(
    ("name", "said"),
    [("Upper", "repository name (library/Upper) must be lowercase"), ("h/Up", "(h/Up) must be lowercase"), ("a//b", "format")],
)
def test_what_is_no_name(name: str, said: str) -> None:
    with pytest.raises(RungError, match="^invalid reference format") as caught:
        full(name)
    assert str(caught.value).endswith(said)


def test_the_whole_name() -> None:
    assert (full("a"), full("h:5000/a:1")) == ("docker.io/library/a:latest", "h:5000/a:1")


@pytest.mark.parametrize(
    ("entry", "sent"),
    [
        ({"auth": "bWU6c2VjcmV0"}, {"username": "me", "password": "secret", "serveraddress": "h:5000"}),
        ({"auth": "bWU6", "identitytoken": "t"}, {"identitytoken": "t", "serveraddress": "h:5000"}),
        (None, {}),
    ],
)
def test_the_kept_login_goes_along(entry: Any, sent: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "config.json").write_text(json.dumps({"auths": {"h:5000": entry} if entry else {}}))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    ((name, value),) = registry_auth("h:5000/a:1")
    assert (name, json.loads(urlsafe_b64decode(value))) == ("X-Registry-Auth", sent)


@pytest.mark.parametrize(
    ("message", "text"),
    [
        ({"status": "Pulling from x", "id": "1"}, "1: Pulling from x\n"),
        ({"status": "Downloading", "id": "a", "progressDetail": {"current": 1, "total": 2}}, ""),
        ({"status": "Pull complete", "id": "a", "progressDetail": {}}, "a: Pull complete\n"),
        ({"status": "Digest: d"}, "Digest: d\n"),
        ({"stream": "Loaded image: x\n"}, "Loaded image: x\n"),
        ({"aux": {"Tag": "1"}}, ""),
    ],
)
def test_messages_in_a_pipe(message: dict[str, Any], text: str) -> None:
    assert messages.line(message) == text


def test_a_failure_in_the_stream_is_an_error() -> None:
    out = io.StringIO()
    with pytest.raises(RungError, match="^denied$"):
        messages.show([{"status": "one"}, {"error": "denied"}, {"status": "two"}], out)
    assert out.getvalue() == "one\n"


def test_quiet_says_nothing_but_failures() -> None:
    out = io.StringIO()
    messages.show([{"status": "one"}], out, quiet=True)
    assert out.getvalue() == ""
    with pytest.raises(RungError):
        messages.show([{"error": "denied"}], out, quiet=True)
