"""What a collection takes, and what it leaves: also while clients push."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

from imageparts import OCI_MANIFEST
from rung.image import collect_registry
from rung.image.serve.collect import Collected
from serveparts import Served, config_of, descriptor, digest_of, image_of, index_of


def collect(served: Served, *, untagged: bool = False) -> Collected:
    return collect_registry(served.content, grace_s=0, untagged=untagged)


def blobs(served: Served) -> set[str]:
    return {str(digest) for digest in served.content.blobs.all()}


def test_what_a_manifest_needs_stays(served: Served) -> None:
    digest = served.image("a", "x")
    served.blob("a", b"nobody's")
    served.blob("b", b"layer")
    done = collect(served)
    assert (done.manifests, done.blobs, done.freed_bytes) == (0, 2, len(b"nobody's"))
    assert blobs(served) == {digest, digest_of(config_of((b"layer",))), digest_of(b"layer")}
    assert served.ask("GET", f"/v2/a/blobs/{digest_of(b'layer')}").status == 200
    assert served.ask("GET", f"/v2/b/blobs/{digest_of(b'layer')}").status == 404


def test_what_was_pushed_just_now_stays(served: Served) -> None:
    served.blob("a", b"its manifest will follow")
    assert collect_registry(served.content).blobs == 0
    assert served.ask("GET", f"/v2/a/blobs/{digest_of(b'its manifest will follow')}").status == 200


def test_a_deleted_image_goes_with_its_blobs(served: Served) -> None:
    digest = served.image("a", "x")
    served.image("b", "x", (b"layer", b"more"))
    served.ask("DELETE", f"/v2/a/manifests/{digest}")
    assert collect(served).blobs == 2
    assert digest not in blobs(served) and digest_of(b"layer") in blobs(served)


def test_untagged_manifests_go_if_asked(served: Served) -> None:
    child = served.image("a", "child")
    size = len(json.dumps(image_of((b"layer",))).encode())
    document = index_of([{"mediaType": OCI_MANIFEST, "digest": child, "size": size}])
    index = served.manifest("a", "index", document)
    served.ask("DELETE", "/v2/a/manifests/child")
    assert collect(served, untagged=True).manifests == 0  # the index needs it
    served.ask("DELETE", "/v2/a/manifests/index")
    assert collect(served).manifests == 0
    done = collect(served, untagged=True)
    assert (done.manifests, done.blobs) == (2, 2)
    assert blobs(served) == set()
    assert served.ask("GET", f"/v2/a/manifests/{index}").status == 404


def test_a_referrer_goes_with_its_subject(served: Served) -> None:
    subject = served.image("a", "x")
    about = {"mediaType": OCI_MANIFEST, "digest": subject, "size": 7}
    document = image_of((b"layer",), subject=about)
    referrer = served.manifest("a", digest_of(json.dumps(document).encode()), document)
    assert collect(served, untagged=True).manifests == 0
    served.ask("DELETE", f"/v2/a/manifests/{subject}")
    assert collect(served, untagged=True).manifests == 1
    assert referrer not in blobs(served)


def test_abandoned_uploads_go(served: Served, tmp_path: Path) -> None:
    said = served.ask("POST", "/v2/a/blobs/uploads/", b"")
    served.ask("PATCH", said.headers["Location"], b"half")
    (tmp_path / "store/uploads/noise").write_text("x")
    assert collect_registry(served.content).freed_bytes == 0  # somebody may be at it
    assert collect(served).freed_bytes == 5
    assert os.listdir(tmp_path / "store/uploads") == []


def test_images_of_the_store_and_of_repositories_do_not_collect_each_other(served: Served) -> None:
    served.image("a", "x")
    before = blobs(served)
    served.content.collect()  # as ``rung rmi`` does
    assert blobs(served) == before


def test_pushes_go_on_meanwhile(served: Served) -> None:
    """Each push has its blobs when its manifest comes, however often it is collected."""
    end = threading.Event()
    problems: list[object] = []

    def collecting() -> None:
        while not end.is_set():
            try:
                collect_registry(served.content, grace_s=60)
            except Exception as error:  # noqa: BLE001 - it is what the test asks for
                problems.append(error)

    def pushing(number: int) -> None:
        try:
            for turn in range(10):
                layers = (b"shared", f"{number} {turn}".encode())
                digest = served.image(f"r{number}", "x", layers)
                for layer in layers:
                    assert served.ask("GET", f"/v2/r{number}/blobs/{digest_of(layer)}").body == layer
                if turn % 2:
                    served.ask("DELETE", f"/v2/r{number}/manifests/{digest}")
        except Exception as error:  # noqa: BLE001 - it is what the test asks for
            problems.append(error)

    collector = threading.Thread(target=collecting)
    pushers = [threading.Thread(target=pushing, args=(number,)) for number in range(3)]
    for thread in (collector, *pushers):
        thread.start()
    for thread in pushers:
        thread.join(100)
    end.set()
    collector.join(60)
    assert problems == []
    assert descriptor(b"shared", "x")["digest"] in blobs(served)
