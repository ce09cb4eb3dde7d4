"""What a registry has under a name, told without fetching it: ``GET /distribution/NAME/json``."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest

from rung.image import describe_remote
from rung.spec.image import Platform
from serveparts import Served, folder_in_memory, index_of


@pytest.fixture
def served() -> Iterator[Served]:
    with folder_in_memory() as folder, Served(folder) as registry:
        yield registry


def test_an_image_says_its_one_platform(served: Served) -> None:
    digest = served.image("a", "tag")
    at, platforms = describe_remote(f"{served.host}/a:tag", insecure=True)
    assert str(at.digest) == digest
    assert [(one.os, one.architecture) for one in platforms] == [("linux", "amd64")]


def test_an_index_says_them_all(served: Served) -> None:
    digest = served.image("a", "tag")
    size = len(json.dumps(served.document((b"layer",))))
    kinds = [{"os": "linux", "architecture": "arm64", "variant": "v8"}, {"os": "linux", "architecture": "s390x"}]
    media_type = served.document((b"layer",))["mediaType"]
    manifests = [{"mediaType": media_type, "digest": digest, "size": size, "platform": one} for one in kinds]
    listed = served.manifest("a", "many", index_of(manifests))
    at, platforms = describe_remote(f"{served.host}/a:many", insecure=True)
    assert str(at.digest) == listed
    assert [one.architecture for one in platforms] == ["arm64", "s390x"]
    assert all(isinstance(one, Platform) for one in platforms)
