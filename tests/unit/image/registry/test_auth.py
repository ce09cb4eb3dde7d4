"""Challenges, tokens and stored logins."""

from __future__ import annotations

from base64 import b64encode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rung.image.registry.auth import (
    Challenge,
    Credentials,
    Token,
    choose_challenge,
    parse_challenges,
    parse_token,
    scopes_for,
    token_query,
)
from rung.image.registry.logins import credentials_in


def test_parses_challenges() -> None:
    header = 'Basic realm="a, \\"b\\"", Bearer realm="https://auth/token",service=reg,scope="repository:x:pull,push"'
    assert parse_challenges(header) == [
        Challenge("basic", {"realm": 'a, "b"'}),
        Challenge("bearer", {"realm": "https://auth/token", "service": "reg", "scope": "repository:x:pull,push"}),
    ]
    chosen = choose_challenge(parse_challenges(header))
    assert chosen is not None and chosen.scheme == "bearer"
    assert choose_challenge(parse_challenges("Negotiate")) is None


@given(st.text(max_size=60))
def test_any_header_is_taken(header: str) -> None:
    parse_challenges(header)


def test_asks_for_a_token() -> None:
    challenge = Challenge("bearer", {"realm": "https://auth/token?x=1", "service": "the reg"})
    url = token_query(challenge, ["repository:a/b:pull"], Credentials("me", "secret"))
    assert url == "https://auth/token?x=1&service=the%20reg&scope=repository%3Aa%2Fb%3Apull&account=me"


def login(user: str, password: str) -> dict[str, str]:
    return {"auth": b64encode(f"{user}:{password}".encode()).decode()}


@pytest.mark.parametrize(
    ("key", "domain", "user"),
    [
        ("https://index.docker.io/v1/", "docker.io", "me"),
        ("docker.io", "docker.io", "me"),
        ("example.com", "example.com", "me"),
        ("https://example.com/v1/", "example.com", "me"),
        ("example.com:5000", "example.com:5000", "me"),
        ("example.com:5000", "example.com", None),
        ("example.com", "docker.io", None),
    ],
)
def test_finds_docker_s_login(key: str, domain: str, user: str | None) -> None:
    found = credentials_in({"auths": {"other": login("x", "y"), key: login("me", "a:b")}}, domain)
    assert (found.user if found else None) == user
    assert found is None or found.password == "a:b"


def test_a_login_is_not_printed() -> None:
    assert "secret" not in repr(Credentials("me", "secret", "secret"))


@pytest.mark.parametrize("entry", [{"auth": "%%%"}, {"auth": ""}, {}, {"auth": 5}, {"username": "a"}])
def test_a_broken_login_is_none(entry: dict[str, object]) -> None:
    assert credentials_in({"auths": {"example.com": entry}}, "example.com") is None


@pytest.mark.parametrize(
    ("said", "wanted", "asked"),
    [
        ("", ["r:a:pull"], ["r:a:pull"]),
        ("r:a:pull", ["r:a:pull,push"], ["r:a:pull,push"]),
        ("r:a:push,pull", ["r:a:pull,push"], ["r:a:push,pull"]),
        ("r:a:pull,push,delete", ["r:a:pull,push"], ["r:a:pull,push,delete"]),
        ("r:b:pull r:a:push,pull", ["r:a:pull,push", "r:b:pull"], ["r:b:pull", "r:a:push,pull"]),
        ("r:a:pull", ["r:a:pull,push", "r:b:pull"], ["r:a:pull,push", "r:b:pull"]),
        ("registry:catalog:*", [], ["registry:catalog:*"]),
    ],
)
def test_the_scopes_of_a_token(said: str, wanted: list[str], asked: list[str]) -> None:
    """A registry may say the actions in any order, and does not know of a mount's source."""
    assert scopes_for(Challenge("bearer", {"scope": said}), wanted) == asked


def test_what_a_token_service_answers() -> None:
    assert parse_token(b'{"token": "abc", "expires_in": 5}') == Token("abc")
    assert parse_token(b'{"access_token": "abc", "refresh_token": "r"}') == Token("abc", "r")
    for broken in (None, b"", b"[]", b"{}", b'{"token": ""}', b'{"token": "a b"}', b'{"token": 5}', b"null", b'{"token": "a\\r\\nX: y"}'):
        assert parse_token(broken) is None
