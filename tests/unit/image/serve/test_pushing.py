"""Pushing: blobs in every way there is, mounts, manifests, and what is refused."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from imageparts import OCI_MANIFEST
from serveparts import Said, Served, config_of, descriptor, digest_of, image_of, index_of

DATA = b"0123456789" * 100
DIGEST = digest_of(DATA)
START = "/v2/a/blobs/uploads/"


def begin(served: Served, query: str = "") -> str:
    said = served.ask("POST", START + query, b"")
    assert said.status == 202
    assert said.headers["Location"] == f"{START}{said.headers['Docker-Upload-UUID']}"
    return said.headers["Location"]


def is_pushed(served: Served, said: Said, digest: str = DIGEST) -> bool:
    assert (said.status, said.headers["Location"]) == (201, f"/v2/a/blobs/{digest}")
    return served.ask("GET", said.headers["Location"]).body == DATA


def test_post_and_put(served: Served) -> None:
    assert is_pushed(served, served.ask("PUT", f"{begin(served)}?digest={DIGEST}", DATA))


def test_one_post(served: Served) -> None:
    assert is_pushed(served, served.ask("POST", f"{START}?digest={DIGEST}", DATA))


def test_a_stream(served: Served) -> None:
    location = begin(served)
    said = served.ask("PATCH", location, iter([DATA[:300], DATA[300:]]))
    assert (said.status, said.headers["Range"]) == (202, "0-999")
    assert is_pushed(served, served.ask("PUT", f"{location}?digest={DIGEST}", b""))


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
@pytest.mark.parametrize("announced", ["", "?digest-algorithm=sha512"])
def test_chunks(served: Served, algorithm: str, announced: str) -> None:
    location = begin(served, announced)
    assert served.ask("GET", location).headers["Range"] == "0-0"
    for start in (0, 400):
        part = DATA[start : start + 400]
        said = served.ask("PATCH", location, part, Content_Range=f"{start}-{start + 399}")
        assert (said.status, said.headers["Range"]) == (202, f"0-{start + 399}")
        location = said.headers["Location"]
    status = served.ask("GET", location)
    assert (status.status, status.headers["Range"], status.headers["Location"]) == (204, "0-799", location)
    digest = digest_of(DATA, algorithm)
    said = served.ask("PUT", f"{location}?digest={digest}", DATA[800:], Content_Range="800-999")
    assert is_pushed(served, said, digest)
    assert served.ask("GET", location).code == "BLOB_UPLOAD_UNKNOWN"


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
@pytest.mark.parametrize("wrong", ["5-9", "0-4", "11-15"])
def test_chunks_out_of_order(served: Served, method: str, wrong: str) -> None:
    location = begin(served)
    served.ask("PATCH", location, DATA[:10], Content_Range="0-9")
    said = served.ask(method, f"{location}?digest={DIGEST}", b"12345", Content_Range=wrong)
    assert (said.status, said.headers["Range"], said.headers["Location"]) == (416, "0-9", location)
    assert is_pushed(served, served.ask("PUT", f"{location}?digest={DIGEST}", DATA[10:]))


@pytest.mark.parametrize("wrong", ["0-5", "0-3", "5-0"])
def test_a_range_of_another_length(served: Served, wrong: str) -> None:
    location = begin(served)
    assert served.ask("PATCH", location, b"12345", Content_Range=wrong).status in (400, 416)
    assert served.ask("GET", location).headers["Range"] == "0-0"


@pytest.mark.parametrize("wrong", ["x", "1", "0-", "-4", "bytes 0-4 5"])
def test_a_range_that_is_none(served: Served, wrong: str) -> None:
    said = served.ask("PATCH", begin(served), b"12345", Content_Range=wrong)
    assert (said.status, said.code) == (400, "BLOB_UPLOAD_INVALID")


@pytest.mark.parametrize("query", ["", "?digest=sha256:1", "?digest=md5:00"])
def test_an_upload_ends_with_a_digest(served: Served, query: str) -> None:
    assert served.ask("PUT", begin(served) + query, DATA).code == "DIGEST_INVALID"


def test_other_bytes_than_the_digest_says(served: Served, tmp_path: Path) -> None:
    location = begin(served)
    assert served.ask("PUT", f"{location}?digest={DIGEST}", DATA + b"!").code == "DIGEST_INVALID"
    assert served.ask("GET", location).status == 404
    assert served.ask("POST", f"{START}?digest={DIGEST}", DATA + b"!").code == "DIGEST_INVALID"
    assert served.ask("HEAD", f"/v2/a/blobs/{DIGEST}").status == 404
    assert os.listdir(tmp_path / "store/uploads") == []


def test_an_upload_is_given_up(served: Served, tmp_path: Path) -> None:
    location = begin(served)
    served.ask("PATCH", location, DATA)
    assert served.ask("DELETE", location).status == 204
    assert served.ask("DELETE", location).code == "BLOB_UPLOAD_UNKNOWN"
    assert os.listdir(tmp_path / "store/uploads") == []


def test_an_upload_belongs_to_its_repository(served: Served) -> None:
    location = begin(served).replace("/v2/a/", "/v2/b/")
    for method in ("GET", "PATCH", "PUT", "DELETE"):
        said = served.ask(method, f"{location}?digest={DIGEST}", b"")
        assert (said.status, said.code) == (404, "BLOB_UPLOAD_UNKNOWN")


@pytest.mark.parametrize("id", ["x", "..", "%2e%2e", "00000000-0000-0000-0000-000000000000", "A" * 36])
def test_no_such_upload(served: Served, id: str) -> None:
    assert served.ask("PATCH", START + id, b"x").status in (400, 404)


def test_an_upload_outlives_the_server(tmp_path: Path) -> None:
    with Served(tmp_path / "store") as served:
        location = begin(served)
        served.ask("PATCH", location, DATA[:600])
    with Served(tmp_path / "store") as served:
        assert served.ask("GET", location).headers["Range"] == "0-599"
        assert is_pushed(served, served.ask("PUT", f"{location}?digest={DIGEST}", DATA[600:]))


def test_a_mount(served: Served) -> None:
    served.blob("b", DATA)
    assert is_pushed(served, served.ask("POST", f"{START}?mount={DIGEST}&from=b", b""))


def test_a_mount_from_anywhere(served: Served) -> None:
    served.blob("b", DATA)
    assert is_pushed(served, served.ask("POST", f"{START}?mount={DIGEST}", b""))


@pytest.mark.parametrize("source", ["c", "a/../b", "UPPER", ""])
def test_a_mount_of_what_is_not_there_is_an_upload(served: Served, source: str) -> None:
    said = served.ask("POST", f"{START}?mount={digest_of(b'else')}&from={source}", b"")
    assert said.status == 202
    assert is_pushed(served, served.ask("PUT", f"{said.headers['Location']}?digest={DIGEST}", DATA))


def test_an_unknown_algorithm(served: Served) -> None:
    assert served.ask("POST", f"{START}?digest-algorithm=md5", b"").code == "DIGEST_INVALID"


# --- manifests ---------------------------------------------------------------------------


def put(served: Served, data: bytes, reference: str = "tag", kind: str = OCI_MANIFEST) -> Said:
    return served.ask("PUT", f"/v2/a/manifests/{reference}", data, Content_Type=kind)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"schemaVersion": 1}',
        b'{"schemaVersion": 2}',
        b'{"schemaVersion": 2, "config": {}, "layers": []}',
        json.dumps(image_of(()) | {"manifests": []}).encode(),
        json.dumps(image_of(()) | {"mediaType": "text/plain"}).encode(),
        json.dumps(index_of([]) | {"layers": []}).encode(),
        json.dumps(image_of(()) | {"annotations": {"a": 1}}).encode(),
        b"[" * 100_000,
        b'{"schemaVersion": 2, "config": ' + b'{"a":' * 100_000,
    ],
)
def test_what_is_no_manifest(served: Served, data: bytes) -> None:
    assert put(served, data).code == "MANIFEST_INVALID"


def test_a_manifest_of_another_kind_than_announced(served: Served) -> None:
    said = put(served, json.dumps(index_of([])).encode())
    assert (said.status, said.code) == (400, "MANIFEST_INVALID")
    kind = f"{index_of([])['mediaType']}; charset=utf-8"  # parameters are passed over
    assert put(served, json.dumps(index_of([])).encode(), kind=kind).status == 201


def test_a_manifest_by_another_digest(served: Served) -> None:
    data = json.dumps(index_of([])).encode()
    assert put(served, data, digest_of(b"else"), index_of([])["mediaType"]).code == "DIGEST_INVALID"


def test_a_manifest_that_is_too_large(served: Served) -> None:
    document = index_of([], annotations={"a": "b" * (9 << 20)})
    said = put(served, json.dumps(document).encode(), kind=document["mediaType"])
    assert (said.status, said.code) == (413, "MANIFEST_INVALID")
    said = served.ask("PUT", "/v2/a/manifests/x", iter([b" " * (1 << 20)] * 9), Content_Type=OCI_MANIFEST)
    assert said.status == 413


def test_a_manifest_needs_its_blobs(served: Served) -> None:
    layers = (b"one", b"two")
    data = json.dumps(image_of(layers)).encode()
    served.blob("a", b"one")
    served.blob("b", b"two")
    said = put(served, data)
    assert said.code == "MANIFEST_BLOB_UNKNOWN"
    missing = {digest_of(config_of(layers)), digest_of(b"two")}
    assert {each["digest"] for each in said.document["errors"][0]["detail"]} == missing
    assert served.ask("GET", "/v2/a/manifests/tag").status == 404


def test_an_index_needs_its_manifests(served: Served) -> None:
    child = descriptor(json.dumps(image_of((b"layer",))).encode(), OCI_MANIFEST)
    document = index_of([child])
    data = json.dumps(document).encode()
    assert put(served, data, kind=document["mediaType"]).code == "MANIFEST_BLOB_UNKNOWN"
    served.image("a", "child")
    assert put(served, data, kind=document["mediaType"]).status == 201


def test_a_cache_is_an_index_of_blobs(served: Served) -> None:
    """What BuildKit pushes as a cache."""
    served.blob("a", b"layer")
    served.manifest("a", "cache", index_of([descriptor(b"layer", "application/vnd.oci.image.layer.v1.tar")]))


def test_layers_that_lie_elsewhere_are_not_needed(served: Served) -> None:
    layer = descriptor(b"windows", "application/vnd.oci.image.layer.nondistributable.v1.tar") | {"urls": ["https://x/y"]}
    served.blob("a", config_of(()))
    served.manifest("a", "x", image_of(()) | {"layers": [layer]})


def test_a_sparse_registry_takes_what_is_not_whole(tmp_path: Path) -> None:
    with Served(tmp_path / "store", {"sparse": True}) as served:
        served.manifest("a", "x", image_of((b"layer",)))


def test_a_subject_is_acknowledged_and_need_not_be_there(served: Served) -> None:
    served.blob("a", config_of(()))
    about = {"mediaType": OCI_MANIFEST, "digest": DIGEST, "size": 7}
    said = put(served, json.dumps(image_of((), subject=about)).encode())
    assert (said.status, said.headers["OCI-Subject"]) == (201, DIGEST)


def test_a_manifest_with_several_tags(served: Served) -> None:
    data = json.dumps(index_of([])).encode()
    kind = index_of([])["mediaType"]
    said = put(served, data, f"{digest_of(data)}?tag=1&tag=1.2&tag=1", kind)
    assert (said.status, said.headers["OCI-Tag"]) == (201, "1, 1.2")
    assert served.ask("GET", "/v2/a/tags/list").document["tags"] == ["1", "1.2"]
    assert put(served, data, f"{digest_of(data)}?tag=.x", kind).code == "MANIFEST_INVALID"
    many = "&".join(f"tag=t{number}" for number in range(60))
    assert put(served, data, f"{digest_of(data)}?{many}", kind).status == 414


def test_a_tag_moves(served: Served) -> None:
    first, second = served.image("a", "x", (b"1",)), served.image("a", "x", (b"2",))
    assert served.ask("HEAD", "/v2/a/manifests/x").headers["Docker-Content-Digest"] == second
    assert served.ask("HEAD", f"/v2/a/manifests/{first}").status == 200


# --- deleting ----------------------------------------------------------------------------


def test_a_tag_is_deleted_alone(served: Served) -> None:
    digest = served.image("a", "x")
    assert served.ask("DELETE", "/v2/a/manifests/x").status == 202
    assert served.ask("GET", "/v2/a/manifests/x").status == 404
    assert served.ask("GET", f"/v2/a/manifests/{digest}").status == 200
    assert served.ask("DELETE", "/v2/a/manifests/x").status == 404
    assert served.ask("GET", "/v2/a/tags/list").document["tags"] == []


def test_a_manifest_is_deleted_with_its_tags(served: Served) -> None:
    digest = served.image("a", "x")
    served.image("a", "y")
    assert served.ask("DELETE", f"/v2/a/manifests/{digest}").status == 202
    for reference in ("x", "y", digest):
        assert served.ask("GET", f"/v2/a/manifests/{reference}").status == 404
    assert served.ask("DELETE", f"/v2/a/manifests/{digest}").code == "MANIFEST_UNKNOWN"


def test_a_blob_is_deleted_from_one_repository(served: Served) -> None:
    served.blob("a", DATA)
    served.blob("b", DATA)
    assert served.ask("DELETE", f"/v2/a/blobs/{DIGEST}").status == 202
    assert served.ask("GET", f"/v2/a/blobs/{DIGEST}").status == 404
    assert served.ask("GET", f"/v2/b/blobs/{DIGEST}").body == DATA
    assert served.ask("DELETE", f"/v2/a/blobs/{DIGEST}").code == "BLOB_UNKNOWN"


def test_without_permission_nothing_is_deleted(tmp_path: Path) -> None:
    with Served(tmp_path / "store", {"delete": False}) as served:
        digest = served.image("a", "x")
        for path in ("manifests/x", f"manifests/{digest}", f"blobs/{digest_of(b'layer')}"):
            said = served.ask("DELETE", f"/v2/a/{path}")
            assert (said.status, said.code) == (405, "UNSUPPORTED")
        assert served.ask("DELETE", begin(served)).status == 204  # one's own upload


def test_a_registry_that_is_only_read(tmp_path: Path) -> None:
    with Served(tmp_path / "store") as served:
        served.image("a", "x")
    with Served(tmp_path / "store", {"read_only": True}) as served:
        assert served.ask("GET", "/v2/a/manifests/x").status == 200
        for method, path in (("POST", "blobs/uploads/"), ("PUT", "manifests/y"), ("DELETE", "manifests/x")):
            said = served.ask(method, f"/v2/a/{path}", b"")
            assert (said.status, said.code) == (405, "UNSUPPORTED")
        assert "POST" not in served.ask("POST", "/v2/a/blobs/uploads/", b"").headers.get("Allow", "")


@pytest.mark.parametrize(("method", "path"), [("POST", "manifests/x"), ("PATCH", f"blobs/{DIGEST}"), ("BREW", "tags/list")])
def test_methods_that_an_endpoint_has_not(served: Served, method: str, path: str) -> None:
    said = served.ask(method, f"/v2/a/{path}", b"")
    assert (said.status, said.code) == (405, "UNSUPPORTED")
    assert "GET" in said.headers["Allow"]
