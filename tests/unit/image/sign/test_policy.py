"""containers-policy.json(5): which requirements apply, and what the file may say."""

from __future__ import annotations

import json
from typing import Any

import pytest

from rung.image.sign.identity import Identity, parse_identity
from rung.image.sign.policy import ACCEPT, REJECT, parse_policy, path_scopes, scopes_of
from rung.spec.errors import SpecError
from rung.spec.image import Reference
from rung.spec.image.fields import Fields

ANY, NONE = {"type": ACCEPT}, {"type": REJECT}
SIGNED = {"type": "sigstoreSigned", "keyPath": "/key"}
DIGEST = "sha256:" + "a" * 64


def parsed(document: Any) -> Any:
    return parse_policy(json.dumps(document).encode(), "policy.json")


def kinds(transports: dict[str, Any], transport: str, reference: str) -> list[str]:
    rules = parsed({"default": [NONE], "transports": transports})
    return [one.kind for one in rules.applying(transport, scopes_of(Reference.parse(reference)))]


@pytest.mark.parametrize(
    ("scope", "reference", "applies"),
    [
        ("docker.io/library/busybox:latest", "busybox", True),
        ("docker.io/library/busybox", "busybox:1", True),
        ("docker.io/library", "busybox", True),
        ("docker.io", "busybox", True),
        ("", "busybox", True),
        ("busybox", "busybox", False),
        ("docker.io/lib", "busybox", False),
        ("docker.io/library/busybox:1", "busybox:2", False),
        (f"docker.io/library/busybox@{DIGEST}", f"busybox@{DIGEST}", True),
        ("docker.io/library/busybox:latest", f"busybox@{DIGEST}", False),
        ("host:5000", "host:5000/a/b", True),
        ("host", "host:5000/a/b", False),
        ("*.example.com", "a.b.example.com/x", True),
        ("*.example.com", "a.example.com:5000/x", True),
        ("*.example.com", "example.com/x", False),
        ("*.b.example.com", "a.example.com/x", False),
    ],
)
def test_scopes_of_registries(scope: str, reference: str, applies: bool) -> None:
    assert kinds({"docker": {scope: [ANY]}}, "docker", reference) == [ACCEPT if applies else REJECT]
    assert kinds({"oci": {scope: [ANY]}}, "docker", reference) == [REJECT]


def test_the_narrowest_scope_alone_applies() -> None:
    scopes = {"": [NONE], "docker.io": [ANY, SIGNED], "docker.io/library/a": [SIGNED], "docker.io/library/a:1": [ANY]}
    assert kinds({"docker": scopes}, "docker", "a:1") == [ACCEPT]
    assert kinds({"docker": scopes}, "docker", "a:2") == ["sigstoreSigned"]
    assert kinds({"docker": scopes}, "docker", "b") == [ACCEPT, "sigstoreSigned"]
    assert kinds({"docker": scopes}, "docker", "other.host/b") == [REJECT]


def test_scopes_of_paths() -> None:
    assert list(path_scopes("/a/b/c")) == ["/a/b/c", "/a/b", "/a"]


@pytest.mark.parametrize(
    ("document", "field"),
    [
        ([], "policy.json"),
        ({}, "default"),
        ({"default": []}, "default"),
        ({"default": {}}, "default"),
        ({"default": [ANY], "more": 1}, "more"),
        ({"default": [{}]}, "type"),
        ({"default": [{"type": "other"}]}, "type"),
        ({"default": [{"type": ACCEPT, "keyPath": "x"}]}, "keyPath"),
        ({"default": [ANY], "transports": {"ftp": {}}}, "transports.ftp"),
        ({"default": [ANY], "transports": {"docker": []}}, "transports.docker"),
        ({"default": [ANY], "transports": {"docker": {"x": []}}}, "x"),
        ({"default": [{"type": "sigstoreSigned"}]}, "exactly one"),
        ({"default": [{**SIGNED, "keyData": "x"}]}, "exactly one"),
        ({"default": [{"type": "sigstoreSigned", "keyPaths": []}]}, "keyPaths"),
        ({"default": [{"type": "sigstoreSigned", "keyPath": 7}]}, "keyPath"),
        ({"default": [{**SIGNED, "keypath": "x"}]}, "keypath"),
        ({"default": [{**SIGNED, "signedIdentity": {"type": "x"}}]}, "signedIdentity.type"),
        ({"default": [{**SIGNED, "signedIdentity": {"type": "matchExact", "x": 1}}]}, "signedIdentity.x"),
        ({"default": [{**SIGNED, "signedIdentity": {"type": "exactReference"}}]}, "dockerReference"),
    ],
)
def test_what_the_file_may_not_say(document: Any, field: str) -> None:
    with pytest.raises(SpecError, match=field):
        parsed(document)


def test_a_field_twice_is_refused() -> None:
    twice = b'{"default": [{"type": "reject"}], "default": [{"type": "insecureAcceptAnything"}]}'
    with pytest.raises(SpecError, match="default is there twice"):
        parse_policy(twice, "policy.json")


@pytest.mark.parametrize(
    "requirement",
    [
        {"type": "signedBy", "keyType": "GPGKeys", "keyPath": "/ring"},
        {"type": "sigstoreSigned", "fulcio": {}},
        {"type": "sigstoreSigned", "pki": {}},
        {**SIGNED, "rekorPublicKeyPath": "/x"},
    ],
)
def test_what_is_not_verified_here_is_met_by_nothing(requirement: dict[str, Any]) -> None:
    (one,) = parsed({"default": [requirement]}).default
    assert "not verified here" in one.unmet


def test_keys() -> None:
    several = {"type": "sigstoreSigned", "keyDatas": ["YQ==", "Yg=="]}
    first, second = parsed({"default": [SIGNED, several]}).default
    assert first.key_paths == ("/key",)
    assert second.key_data == ("YQ==", "Yg==")


def matches(kind: str, signed: str, image: str, *texts: str) -> bool:
    return Identity(kind, texts).matches(signed, Reference.parse(image) if image else None)


@pytest.mark.parametrize(
    ("kind", "signed", "image", "expected"),
    [
        ("matchRepository", "host/app", "host/app:1", True),
        ("matchRepository", "host/app:2", "host/app:1", True),
        ("matchRepository", "host/apps", "host/app:1", False),
        ("matchRepository", "host/app", "", False),
        ("matchRepository", "NOT A NAME", "host/app", False),
        ("matchRepoDigestOrExact", "host/app", "host/app:1", False),
        ("matchRepoDigestOrExact", "host/app:1", "host/app:1", True),
        ("matchRepoDigestOrExact", "host/app:2", "host/app:1", False),
        ("matchRepoDigestOrExact", "host/app", f"host/app@{DIGEST}", True),
        ("matchExact", "host/app", f"host/app@{DIGEST}", False),
        ("matchExact", "host/app", "host/app:latest", False),
        ("matchExact", "host/app:latest", "host/app", True),
    ],
)
def test_identities(kind: str, signed: str, image: str, expected: bool) -> None:
    assert matches(kind, signed, image) is expected


def test_identities_with_a_name() -> None:
    assert matches("exactReference", "busybox:1", "", "docker.io/library/busybox:1")
    assert not matches("exactReference", "busybox:2", "", "docker.io/library/busybox:1")
    assert matches("exactRepository", "busybox:2", "host.test/mirror:1", "busybox")
    assert not matches("exactRepository", "other", "host.test/mirror:1", "busybox")
    assert matches("remapIdentity", "docker.io/library/app:1", "host.test/mirror/app:1", "host.test/mirror", "docker.io/library")
    assert not matches("remapIdentity", "docker.io/library/app:1", "host.test/mirrors/app:1", "host.test/mirror", "docker.io/library")
    assert matches("remapIdentity", "host/app", f"host/app@{DIGEST}", "other", "x")


@pytest.mark.parametrize(
    "wrong",
    [
        {"type": "exactReference", "dockerReference": "busybox"},
        {"type": "exactRepository", "dockerRepository": "busybox:1"},
        {"type": "exactRepository", "dockerRepository": "NO NAME"},
    ],
)
def test_names_that_are_not_what_they_must_be(wrong: dict[str, str]) -> None:
    with pytest.raises(SpecError, match="must be"):
        parse_identity(Fields(wrong, "policy"))
