"""Lists that come in pages, and referrers: what a registry says, and what it may not."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from imageparts import OCI_INDEX, OCI_MANIFEST, describe, send
from imageparts import Registry as Server
from rung.errors import RungError
from rung.image.registry import manifests
from rung.image.registry.client import Registry
from rung.image.registry.limits import Limits
from rung.spec.image import Digest

SUBJECT = Digest.of(b"subject")


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server()
    yield made
    made.close()


@pytest.fixture
def client(server: Server) -> Iterator[Registry]:
    with Registry(server.host, limits=Limits(pages=5, backoff_s=0.001)) as made:
        yield made


def tags(client: Registry) -> list[str]:
    return list(client.pages("some/image", "some/image/tags/list", "tags"))


def answering(answer: Callable[[Any], object]) -> Callable[[Any], bool]:
    def hook(handler: Any) -> bool:
        if handler.path == "/v2/":
            return False
        answer(handler)
        return True

    return hook


def page(names: list[str], link: str = "") -> Callable[[Any], object]:
    data = json.dumps({"name": "x", "tags": names}).encode()
    return lambda handler: send(handler, 200, data, **({"Link": link} if link else {}))


def test_pages(server: Server, client: Registry) -> None:
    def answer(handler: Any) -> object:
        last = handler.path.partition("last=")[2]
        following = {"": "b", "b": "d"}.get(last)
        names = {"": ["a", "b"], "b": ["c", "d"], "d": ["e"]}[last]
        return page(names, f'</v2/some/image/tags/list?last={following}>; rel="next"' if following else "")(handler)

    server.hook = answering(answer)
    assert tags(client) == ["a", "b", "c", "d", "e"]


def test_no_list_at_all(server: Server, client: Registry) -> None:
    server.hook = answering(lambda h: send(h, 200, b'{"name": "x", "tags": null}'))
    assert tags(client) == []


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (lambda h: page(["a"], f'</v2/some/image/tags/list?n={len(h.path)}{h.path[-20:]}x>; rel="next"')(h), "more than 5 pages"),
        (page(["a"], '<http://elsewhere.example/v2/>; rel="next"'), "goes on at another host, 'elsewhere.example'"),
        (page(["a"], '<file:///etc/passwd>; rel="next"'), "no web address"),
        (lambda h: send(h, 200, b"<html>"), "is not JSON"),
        (lambda h: send(h, 200, b'{"tags": "abc"}'), "a list without tags"),
        (lambda h: send(h, 404, b""), "not found"),
        (lambda h: send(h, 200, b" " * (9 << 20)), "a list of more than 8388608 bytes at once"),
    ],
)
def test_lists_that_are_none(server: Server, client: Registry, answer: Callable[[Any], object], reason: str) -> None:
    server.hook = answering(answer)
    with pytest.raises(RungError, match=reason):
        tags(client)
    assert len(server.requests) < 20


def referrer(name: str, kind: str) -> dict[str, Any]:
    return describe(name.encode(), OCI_MANIFEST, artifactType=kind)


@pytest.mark.parametrize("has_api", [True, False])
def test_referrers(server: Server, client: Registry, has_api: bool) -> None:
    """From the API; of a registry without it, from the index under the fallback tag. Neither need filter."""
    found = [referrer("one", "application/x-a"), referrer("two", "application/x-b")]
    data = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": found}).encode()

    def answer(handler: Any) -> object:
        is_asked = "/referrers/" in handler.path if has_api else handler.path.endswith(f"/sha256-{SUBJECT.hex}")
        return send(handler, 200 if is_asked else 404, data if is_asked else b"", **{"Content-Type": OCI_INDEX})

    server.hook = answering(answer)
    assert [str(one.digest) for one in manifests.referrers(client, "some/image", SUBJECT)] == [one["digest"] for one in found]
    assert [one.artifact_type for one in manifests.referrers(client, "some/image", SUBJECT, "application/x-b")] == ["application/x-b"]


def test_nothing_refers_to_it(server: Server, client: Registry) -> None:
    server.hook = answering(lambda h: send(h, 404, b""))
    assert manifests.referrers(client, "some/image", SUBJECT) == []


@pytest.mark.parametrize("data", [b"[]", b'{"manifests": [5]}', b'{"manifests": [{"digest": "x"}]}', b'{"manifests": {}}'])
def test_referrers_that_are_none(server: Server, client: Registry, data: bytes) -> None:
    server.hook = answering(lambda h: send(h, 200, data, **{"Content-Type": OCI_INDEX}))
    with pytest.raises(RungError):
        manifests.referrers(client, "some/image", SUBJECT)
