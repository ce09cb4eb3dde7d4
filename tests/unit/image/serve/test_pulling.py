"""Pulling: manifests and blobs, whole, in part, or only whether they are there."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from imageparts import OCI_INDEX, OCI_MANIFEST
from serveparts import Served, digest_of, image_of, index_of


def test_the_registry_says_that_it_is_one(served: Served) -> None:
    for path in ("/v2/", "/v2"):
        said = served.ask("GET", path)
        assert (said.status, said.headers["Docker-Distribution-Api-Version"]) == (200, "registry/2.0")
    assert served.ask("GET", "/").status == 404


@pytest.mark.parametrize("method", ["GET", "HEAD"])
def test_a_manifest_by_tag_and_digest(served: Served, method: str) -> None:
    digest = served.image("a/b", "one")
    data = json.dumps(image_of((b"layer",))).encode()
    for reference in ("one", digest):
        said = served.ask(method, f"/v2/a/b/manifests/{reference}")
        assert said.status == 200
        assert said.headers["Content-Type"] == OCI_MANIFEST
        assert said.headers["Docker-Content-Digest"] == digest
        assert said.headers["Content-Length"] == str(len(data))
        assert said.body == (data if method == "GET" else b"")


def test_a_manifest_that_the_client_has(served: Served) -> None:
    digest = served.image("a", "one")
    said = served.ask("GET", "/v2/a/manifests/one", If_None_Match=f'"{digest}"')
    assert (said.status, said.body) == (304, b"")


def test_a_blob_with_its_digest(served: Served) -> None:
    digest = served.blob("a", b"content")
    said = served.ask("GET", f"/v2/a/blobs/{digest}")
    assert (said.status, said.body) == (200, b"content")
    assert said.headers["Docker-Content-Digest"] == digest
    assert said.headers["Accept-Ranges"] == "bytes"
    head = served.ask("HEAD", f"/v2/a/blobs/{digest}", Range="bytes=0-1")
    assert (head.status, head.headers["Content-Length"], head.body) == (200, "7", b"")


def test_a_part_of_a_blob(served: Served) -> None:
    digest = served.blob("a", b"0123456789")
    said = served.ask("GET", f"/v2/a/blobs/{digest}", Range="bytes=3-")
    assert (said.status, said.body) == (206, b"3456789")
    assert said.headers["Content-Range"] == "bytes 3-9/10"
    beyond = served.ask("GET", f"/v2/a/blobs/{digest}", Range="bytes=10-")
    assert (beyond.status, beyond.headers["Content-Range"]) == (416, "bytes */10")


def test_a_blob_belongs_to_a_repository(served: Served) -> None:
    digest = served.blob("a", b"content")
    assert served.ask("GET", f"/v2/b/blobs/{digest}").code == "BLOB_UNKNOWN"


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("a/manifests/none", 404, "MANIFEST_UNKNOWN"),
        (f"a/manifests/{digest_of(b'')}", 404, "MANIFEST_UNKNOWN"),
        (f"a/blobs/{digest_of(b'')}", 404, "BLOB_UNKNOWN"),
        ("a/blobs/sha256:12", 400, "DIGEST_INVALID"),
        ("a/blobs/md5:d41d8cd98f00b204e9800998ecf8427e", 400, "DIGEST_INVALID"),
        ("a/manifests/.x", 400, "MANIFEST_INVALID"),
        (f"a/manifests/{'x' * 129}", 400, "MANIFEST_INVALID"),
        ("A/manifests/x", 400, "NAME_INVALID"),
        ("a//b/manifests/x", 400, "NAME_INVALID"),
        ("../manifests/x", 400, "NAME_INVALID"),
        ("a/%2e%2e/manifests/x", 400, "NAME_INVALID"),
        (f"a/blobs/{'..%2f' * 3}etc", 404, "UNSUPPORTED"),
        (f"{'a' * 256}/manifests/x", 400, "NAME_INVALID"),
        ("a/tags/list", 404, "NAME_UNKNOWN"),
        ("a/other", 404, "UNSUPPORTED"),
        ("a/manifests/%ff", 400, "UNSUPPORTED"),
        (f"a/tags/list?{'&'.join('x=1' for _ in range(100))}", 400, "UNSUPPORTED"),
    ],
)
def test_what_is_not_there(served: Served, path: str, status: int, code: str) -> None:
    said = served.ask("GET", f"/v2/{path}")
    assert (said.status, said.code) == (status, code)


def test_tags_come_in_order_and_in_pages(served: Served) -> None:
    for tag in ("b", "B", "a.1", "_x", "a"):
        served.image("a", tag)
    assert served.ask("GET", "/v2/a/tags/list").document == {"name": "a", "tags": ["B", "_x", "a", "a.1", "b"]}
    page = served.ask("GET", "/v2/a/tags/list?n=2")
    assert page.document["tags"] == ["B", "_x"]
    assert page.headers["Link"] == '</v2/a/tags/list?n=2&last=_x>; rel="next"'
    page = served.ask("GET", "/v2/a/tags/list?n=2&last=a")
    assert page.document["tags"] == ["a.1", "b"] and "Link" not in page.headers
    assert served.ask("GET", "/v2/a/tags/list?last=a").document["tags"] == ["a.1", "b"]
    page = served.ask("GET", "/v2/a/tags/list?n=0")
    assert page.document["tags"] == [] and "Link" not in page.headers
    for wrong in ("x", "-1", "1.5", "9" * 20, "%C2%B2"):
        assert served.ask("GET", f"/v2/a/tags/list?n={wrong}").status == 400


def test_the_catalogue(served: Served) -> None:
    for name in ("b", "a/c", "a"):
        served.image(name, "x")
    served.blob("only-a-blob", b"x")
    assert served.ask("GET", "/v2/_catalog").document == {"repositories": ["a", "a/c", "b"]}
    page = served.ask("GET", "/v2/_catalog?n=1&last=a")
    assert page.document["repositories"] == ["a/c"]
    assert page.headers["Link"] == '</v2/_catalog?n=1&last=a%2Fc>; rel="next"'


def test_referrers(served: Served) -> None:
    subject = served.image("a", "x")
    about = {"mediaType": OCI_MANIFEST, "digest": subject, "size": 7}
    document = image_of((b"s",), subject=about, artifactType="text/sbom", annotations={"k": "v"})
    for data in (b"s",):
        served.image("a", "unrelated", (data,))
    first = served.manifest("a", digest_of(json.dumps(document).encode()), document)
    plain = image_of((b"s",), subject=about)
    second = served.manifest("a", "tagged", plain)
    third = served.manifest("a", "index", index_of([], subject=about))
    said = served.ask("GET", f"/v2/a/referrers/{subject}")
    assert said.headers["Content-Type"] == OCI_INDEX
    found = {each["digest"]: each for each in said.document["manifests"]}
    assert set(found) == {first, second, third}
    assert found[first]["artifactType"] == "text/sbom"
    assert found[first]["annotations"] == {"k": "v"}
    assert found[second]["artifactType"] == plain["config"]["mediaType"]
    assert "artifactType" not in found[third]
    some = served.ask("GET", f"/v2/a/referrers/{subject}?artifactType=text%2Fsbom")
    assert [each["digest"] for each in some.document["manifests"]] == [first]
    assert some.headers["OCI-Filters-Applied"] == "artifactType"
    pages, path = [], f"/v2/a/referrers/{subject}?n=2"
    while path:
        page = served.ask("GET", path)
        pages.append([each["digest"] for each in page.document["manifests"]])
        path = page.headers.get("Link", "").partition(">")[0].removeprefix("<")
    assert [len(page) for page in pages] == [2, 1]
    assert sorted(each for page in pages for each in page) == sorted(found)


def test_referrers_of_nothing_are_none(served: Served) -> None:
    said = served.ask("GET", f"/v2/nobody/referrers/{digest_of(b'')}")
    assert said.document == {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": []}
    assert served.ask("GET", "/v2/nobody/referrers/x").code == "DIGEST_INVALID"


def test_a_blob_whose_file_has_gone_is_not_there(served: Served) -> None:
    digest = served.blob("a", b"content")
    Path(served.content.blobs.directory, *digest.split(":")).unlink()
    assert served.ask("GET", f"/v2/a/blobs/{digest}").code == "BLOB_UNKNOWN"
    assert served.blob("a", b"content") == digest
