"""docker's config.json, credential programs and what is searched: the documents."""

from __future__ import annotations

import io
import json
from pathlib import Path

import pytest

from rung.cli.main import execute
from rung.image import RegistryError, stored_user
from rung.image.registry import logins
from rung.image.registry.auth import TOKEN_USER, Credentials
from rung.image.registry.search import Found, parse_results
from rung.image.registry.session import registry_of


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    (tmp_path / "bin").mkdir()
    return tmp_path / "docker/config.json"


def test_kept_found_and_forgotten(config: Path) -> None:
    assert logins.find("example.com") is None and not logins.erase("example.com")
    assert logins.store("example.com", Credentials("me", "a:b")) == str(config)
    assert logins.find("example.com") == Credentials("me", "a:b")
    assert config.stat().st_mode & 0o777 == 0o600
    logins.store("docker.io", Credentials("hub", "x"))
    assert sorted(json.loads(config.read_text())["auths"]) == ["example.com", "https://index.docker.io/v1/"]
    assert logins.find("docker.io") == Credentials("hub", "x")
    logins.store("example.com", Credentials("me", "", "an identity token"))
    assert logins.find("example.com") == Credentials("me", "", "an identity token")
    assert logins.erase("example.com") and logins.find("example.com") is None
    assert stored_user("") == "hub" and stored_user("example.com") == ""


def test_a_link_stays_a_link(config: Path, tmp_path: Path) -> None:
    config.parent.mkdir()
    (tmp_path / "real.json").write_text("{}")
    config.symlink_to(tmp_path / "real.json")
    logins.store("example.com", Credentials("me", "x"))
    assert config.is_symlink() and "example.com" in (tmp_path / "real.json").read_text()


@pytest.mark.parametrize(("text", "reason"), [("{", "line 1"), ("[]", "must hold an object"), ('{"auths": []}', "auths must be")])
def test_a_broken_file_is_named(config: Path, text: str, reason: str) -> None:
    config.parent.mkdir()
    config.write_text(text)
    with pytest.raises(RegistryError, match=f"{config}.*{reason}"):
        logins.store("example.com", Credentials("me", "x"))
    assert config.read_text() == text


def test_a_program_that_is_not_here_does_not_stop_who_needs_no_login(config: Path) -> None:
    config.parent.mkdir()
    config.write_text('{"credsStore": "nothing"}')
    assert logins.find("example.com") is None
    with pytest.raises(RegistryError, match=r"docker-credential-nothing store: No such file .*config.json names it"):
        logins.store("example.com", Credentials("me", "x"))
    config.write_text('{"credHelpers": {"example.com": "../x"}}')
    with pytest.raises(RegistryError, match="is no program's name"):
        logins.find("example.com")


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ('{"ServerURL": "x", "Username": "me", "Secret": "s"}', Credentials("me", "s")),
        ('{"Username": "<token>", "Secret": "t"}', Credentials(TOKEN_USER, "", "t")),
        ('{"Username": "", "Secret": ""}', None),
    ],
)
def test_what_a_program_answers(config: Path, answer: str, expected: Credentials | None) -> None:
    config.parent.mkdir()
    config.write_text('{"credsStore": "x"}')
    program = config.parents[1] / "bin/docker-credential-x"
    program.write_text(f"#!/bin/sh\nread line; echo '{answer}'\n")
    program.chmod(0o755)
    assert logins.find("example.com") == expected
    program.write_text("#!/bin/sh\necho credentials not found in native keychain; exit 1\n")
    assert logins.find("example.com") is None


@pytest.mark.parametrize(
    ("server", "registry"),
    [("", "docker.io"), ("docker.io", "docker.io"), ("https://index.docker.io/v1/", "docker.io"),
     ("registry-1.docker.io", "docker.io"), ("https://example.com:5000/v2/", "example.com:5000"), ("example.com", "example.com")],
)  # fmt: skip
def test_a_server_s_name(server: str, registry: str) -> None:
    assert registry_of(server) == registry


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["example.com"], "cannot ask for a password: there is no terminal"),
        (["--password-stdin", "example.com"], "must provide --username"),
        (["-u", "me", "-p", "x", "--password-stdin"], "mutually exclusive"),
        (["-u", "me", "--password-stdin"], "needs a user and a password|cannot ask"),
    ],
)
def test_a_login_that_says_too_little(
    config: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str], words: list[str], reason: str
) -> None:
    import re

    monkeypatch.setattr("sys.stdin", io.StringIO(""))
    assert execute(["login", *words]) == 1
    assert re.search(reason, capfd.readouterr().err)
    assert not config.exists()


def test_what_the_hub_s_index_answers() -> None:
    data = {"results": [{"name": "debian", "description": "a\nb", "star_count": 5, "is_official": True}, {"name": "x"}]}
    assert parse_results(json.dumps(data).encode()) == [Found("debian", "a\nb", 5, True), Found("x")]
    for broken in (b"", b"[]", b"{}", b'{"results": [5]}', b'{"results": [{}]}', b'{"results": [{"name": "x", "star_count": "many"}]}'):
        with pytest.raises(RegistryError, match="something else than results"):
            parse_results(broken)
