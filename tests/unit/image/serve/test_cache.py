"""A registry in front of another: fetched once, given while it comes, never wrong, there when the other is gone."""

from __future__ import annotations

import http.client
import json
import threading
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from imageparts import OCI_MANIFEST
from rung.image import RegistryError
from rung.image.serve import proxy
from rung.image.serve.follow import Download
from rung.image.serve.proxy import Upstream
from serveparts import TIMEOUT_S, Served, digest_of, image_of


@pytest.fixture
def far(tmp_path: Path) -> Iterator[Served]:
    with Served(tmp_path / "far") as made:
        yield made


@pytest.fixture
def near(tmp_path: Path, far: Served) -> Iterator[Served]:
    with Served(tmp_path / "near", {"proxy": far.url}) as made:
        yield made


def requests(served: Served, *words: str) -> list[str]:
    return [line for line in served.log if all(word in line for word in words)]


def test_a_manifest_and_its_blobs(near: Served, far: Served) -> None:
    digest = far.image("a/b", "x", (b"one", b"two"))
    for _ in range(2):
        for reference in ("x", digest):
            said = near.ask("GET", f"/v2/a/b/manifests/{reference}")
            assert said.headers["Docker-Content-Digest"] == digest
        for data in (b"one", b"two"):
            said = near.ask("GET", f"/v2/a/b/blobs/{digest_of(data)}")
            assert (said.status, said.body, said.headers["Docker-Content-Digest"]) == (200, data, digest_of(data))
    assert len(requests(far, "GET /v2/a/b/manifests/")) == 1
    assert len(requests(far, "GET /v2/a/b/blobs/")) == 2


def test_what_is_asked_of_a_blob_is_given(near: Served, far: Served) -> None:
    digest = far.blob("a", b"0123456789")
    head = near.ask("HEAD", f"/v2/a/blobs/{digest}")
    assert (head.status, head.headers["Content-Length"], head.body) == (200, "10", b"")
    said = near.ask("GET", f"/v2/a/blobs/{digest}", Range="bytes=4-5")
    assert (said.status, said.body) == (206, b"45")


def test_a_tag_that_moves_is_seen(near: Served, far: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proxy, "FRESH_S", 0.0)
    first = far.image("a", "x", (b"1",))
    assert near.ask("HEAD", "/v2/a/manifests/x").headers["Docker-Content-Digest"] == first
    second = far.image("a", "x", (b"2",))
    assert near.ask("HEAD", "/v2/a/manifests/x").headers["Docker-Content-Digest"] == second
    near.ask("GET", "/v2/a/manifests/x")
    assert len(requests(far, "GET /v2/a/manifests/x")) == 2
    far.ask("DELETE", "/v2/a/manifests/x")
    assert near.ask("GET", "/v2/a/manifests/x").code == "MANIFEST_UNKNOWN"


def test_a_fresh_answer_is_not_asked_again(near: Served, far: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proxy, "FRESH_S", TIMEOUT_S)
    far.image("a", "x")
    for _ in range(3):
        assert near.ask("GET", "/v2/a/manifests/x").status == 200
    assert len(requests(far, "/v2/a/manifests/x")) == 2  # the push, and one fetch


def test_what_is_not_there(near: Served) -> None:
    assert near.ask("GET", "/v2/a/manifests/x").code == "MANIFEST_UNKNOWN"
    assert near.ask("GET", f"/v2/a/manifests/{digest_of(b'')}").code == "MANIFEST_UNKNOWN"
    assert near.ask("GET", f"/v2/a/blobs/{digest_of(b'')}").code == "BLOB_UNKNOWN"


def test_nobody_pushes_to_a_cache(near: Served) -> None:
    assert near.ask("POST", "/v2/a/blobs/uploads/", b"").code == "UNSUPPORTED"


def test_tags_and_referrers_are_the_others(near: Served, far: Served) -> None:
    digest = far.image("a", "x")
    far.image("a", "y")
    size = len(json.dumps(image_of((b"layer",))).encode())
    about = {"mediaType": OCI_MANIFEST, "digest": digest, "size": size}
    referrer = far.manifest("a", "r", image_of((b"layer",), subject=about))
    assert near.ask("GET", "/v2/a/tags/list").document["tags"] == ["r", "x", "y"]
    assert near.ask("GET", "/v2/a/tags/list?n=1&last=r").document["tags"] == ["x"]
    found = near.ask("GET", f"/v2/a/referrers/{digest}").document["manifests"]
    assert [one["digest"] for one in found] == [referrer]


def test_when_the_other_is_gone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proxy, "FRESH_S", 0.0)
    with Served(tmp_path / "far") as far:
        far.image("a", "x")
        with Served(tmp_path / "near", {"proxy": far.url}) as near:
            assert near.ask("GET", "/v2/a/manifests/x").status == 200
            assert near.ask("GET", f"/v2/a/blobs/{digest_of(b'layer')}").status == 200
    with Served(tmp_path / "near", {"proxy": far.url}) as near:
        assert near.ask("GET", "/v2/a/manifests/x").status == 200
        assert near.ask("GET", f"/v2/a/blobs/{digest_of(b'layer')}").body == b"layer"
        assert near.ask("GET", "/v2/a/tags/list").document["tags"] == ["x"]
        said = near.ask("GET", "/v2/a/manifests/other")
        assert (said.status, said.code) == (502, "UNAVAILABLE")


def test_many_ask_for_a_blob_at_once(near: Served, far: Served) -> None:
    data = bytes(range(256)) * 20_000
    digest = far.blob("a", data)
    found: list[bytes] = []
    threads = [
        threading.Thread(target=lambda: found.append(near.ask("GET", f"/v2/a/blobs/{digest}").body)) for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(TIMEOUT_S)
    assert [len(each) for each in found] == [len(data)] * 6 and set(found) == {data}
    assert len(requests(far, f"GET /v2/a/blobs/{digest}")) == 1


def test_a_blob_that_is_not_what_it_should_be(near: Served, far: Served) -> None:
    """The other's disk has rotted: no client gets the whole of it, and nothing is kept."""
    data = bytes(2_000_000)
    digest = far.blob("a", data)
    path = Path(far.content.blobs.directory, *digest.split(":"))
    path.chmod(0o644)
    path.write_bytes(data[:-1] + b"x")
    try:
        said = near.ask("GET", f"/v2/a/blobs/{digest}")
        assert said.status == 502
    except (http.client.IncompleteRead, ConnectionError):
        pass
    assert list(near.content.blobs.all()) == []


def test_followers_of_a_download() -> None:
    download = Download(10)

    def fetch(it: Download) -> None:
        it.write(b"0123")
        it.write(b"4567")
        it.restart()
        it.write(b"01234567")
        it.write(b"89")

    download.start(fetch)
    download.begun()
    got = list(download.parts(2, 10))
    assert got[0][0] == 2 and got[-1][1] == 10
    assert all(end == start for (_, end), (start, _) in pairwise(got))


def test_followers_of_a_download_that_fails() -> None:
    def fetch(it: Download) -> None:
        it.write(b"0123")
        it.write(b"4567")
        raise RegistryError("download", "x", "broke")

    download = Download(10)
    download.start(fetch)
    parts = download.parts(0, 10)
    assert next(parts) == (0, 4)  # the last piece is kept back
    with pytest.raises(ConnectionError, match="broke"):
        next(parts)
    failed = Download(10)
    failed.start(lambda _: fetch_nothing())
    with pytest.raises(RegistryError, match="broke"):
        failed.begun()


def fetch_nothing() -> None:
    raise RegistryError("download", "x", "broke")


@pytest.mark.parametrize("url", ["ftp://x", "https://", "https://host/path", ""])
def test_addresses_that_are_none(url: str) -> None:
    with pytest.raises(RegistryError, match="is no registry's address"):
        Upstream(url)
