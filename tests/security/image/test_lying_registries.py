"""Registries that truncate, lie, loop and never end: one sentence, nothing left."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from imageparts import OCI_INDEX, OCI_MANIFEST, Parts, Registry, archive, describe, entry, send, sha256
from rung.errors import RungError
from rung.image import ContentError, RegistryError, Store
from rung.image.progress import silent
from rung.image.registry.limits import Limits
from rung.image.registry.pull import pull
from rung.spec.image import Platform, Reference

PARTS = Parts([archive(entry("file", b"content" * 1000))])
LAYER, CONFIG = sha256(PARTS.layers[0]), sha256(PARTS.config)
#: Tries follow each other at once; otherwise as patient as ever, for a machine that is busy with something else.
PATIENT = Limits(backoff_s=0.001, manifest_bytes=1 << 20, attempts=3)
#: Where patience is what is tested.
QUICK = PATIENT.replace(idle_s=0.3, document_s=1.0, window_s=0.3, slowest_bytes_per_s=10_000)


def quick_pull(store: Store, name: str, limits: Limits = PATIENT) -> None:
    pull(store.content, Reference.parse(name), Platform("linux", "amd64"), silent, limits=limits)


def only(digest: str, act: Any) -> Any:
    """A hook for one blob or manifest."""

    def hook(handler: Any) -> bool:
        if not handler.path.endswith(digest):
            return False
        act(handler)
        return True

    return hook


def token(answer: bytes, status: int = 200) -> Any:
    """A hook: a registry that wants a token, and a token service that answers so."""

    def hook(handler: Any) -> bool:
        if handler.path.startswith("/token"):
            send(handler, status, answer, Location="/token")
        elif handler.path == "/v2/":
            return False
        else:
            realm = f'Bearer realm="http://{handler.headers["Host"]}/token",service="x"'
            send(handler, 401, b"", **{"WWW-Authenticate": realm})
        return True

    return hook


def offering(layer_type: str = "", config_type: str = "", manifest_type: str = "") -> Any:
    """A hook: the manifest with something of another type."""
    document = json.loads(PARTS.manifest)
    document["layers"][0]["mediaType"] = layer_type or document["layers"][0]["mediaType"]
    document["config"]["mediaType"] = config_type or document["config"]["mediaType"]
    document["mediaType"] = manifest_type or document["mediaType"]
    return only("latest", lambda h: send(h, 200, json.dumps(document).encode()))


def same_index() -> Any:
    """A hook: an index that stands for everything, so that it seems to hold itself."""
    platform = {"os": "linux", "architecture": "amd64"}
    below = describe(PARTS.manifest, OCI_INDEX, platform=platform)
    data = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [below]}).encode()
    below["size"] = len(data)
    data = json.dumps({"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [below]}).encode()

    def hook(handler: Any) -> bool:
        if "/manifests/" in handler.path:
            send(handler, 200, data, **{"Content-Type": OCI_INDEX})
            return True
        return False

    return hook


def foreign(url: str) -> Any:
    """A hook: a layer that the registry has not, and that is said to be elsewhere."""
    document = json.loads(PARTS.manifest)
    document["layers"][0] |= {"mediaType": "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip", "urls": [url]}

    def hook(handler: Any) -> bool:
        if handler.path.endswith("latest"):
            send(handler, 200, json.dumps(document).encode())
        elif handler.path.endswith(LAYER):
            send(handler, 404, b"")
        else:
            return False
        return True

    return hook


LIES = {
    "a layer of other bytes": (only(LAYER, lambda h: send(h, 200, b"x" * len(PARTS.layers[0]))), "has the digest"),
    "a layer too long": (only(LAYER, lambda h: send(h, 200, PARTS.layers[0] + b"x")), "longer than"),
    "a layer too short": (only(LAYER, lambda h: send(h, 200, PARTS.layers[0][:-5])), "ends after"),
    "a layer cut off each time": (
        only(LAYER, lambda h: send(h, 200, b"", length=len(PARTS.layers[0]))), "try again later",
    ),
    "a layer without end": (only(LAYER, lambda h: endless(h)), "longer than"),
    "a config of other bytes": (only(CONFIG, lambda h: send(h, 200, b"x" * len(PARTS.config))), "has the digest"),
    "no layer": (only(LAYER, lambda h: send(h, 404, b"")), "not found"),
    "a range that was not asked for": (
        only(LAYER, lambda h: send(h, 206, PARTS.layers[0], **{"Content-Range": "bytes 5-9/10"})), "range",
    ),
    "a server that is out of order": (only(LAYER, lambda h: send(h, 503, b"")), "503"),
    "a manifest of 100 MB": (only("latest", lambda h: send(h, 200, b" " * (2 << 20))), "larger than a manifest"),
    "a manifest that says it is huge": (only("latest", lambda h: send(h, 200, b"{}", length=1 << 40)), "larger than"),
    "a manifest without end": (only("latest", lambda h: endless(h)), "larger than a manifest"),
    "a manifest that is none": (only("latest", lambda h: send(h, 200, b"<html>")), "is not JSON"),
    "a manifest with a wrong digest": (
        only("latest", lambda h: send(h, 200, PARTS.manifest, **{"Docker-Content-Digest": "sha256:" + "0" * 64})),
        "has the digest",
    ),
    "a digest that is none": (
        only("latest", lambda h: send(h, 200, PARTS.manifest, **{"Docker-Content-Digest": "../../etc"})), "digest",
    ),
    "redirects in a circle": (only("latest", lambda h: send(h, 307, b"", Location=h.path)), "redirects more than 5"),
    "a redirect to a file": (only("latest", lambda h: send(h, 307, b"", Location="file:///etc/passwd")), "web address"),
    "a redirect to nowhere": (only("latest", lambda h: send(h, 307, b"")), "redirects more than 5"),
    "headers without end": (only("latest", lambda h: endless_headers(h)), r"header|line|silent|too long"),
    "a login that is not for us": (
        only("latest", lambda h: send(h, 401, b"", **{"WWW-Authenticate": 'Bearer realm="file:///etc/passwd"'})),
        "token service",
    ),
    "a login without a way": (only("latest", lambda h: send(h, 401, b"")), "access denied"),
    "answers that announce an answer": (only("latest", lambda h: interim(h, 0)), "without end"),
    "too many requests, for a day": (
        only("latest", lambda h: send(h, 429, b"", **{"Retry-After": "86400"})), "wants 86400 seconds of rest",
    ),
    "too many requests, each time": (only(LAYER, lambda h: send(h, 429, b"")), "too many requests .*try again later"),
    "a token that is none": (token(b'{"token": "a\\nb"}'), "gives no token"),
    "a token service that is huge": (token(b" " * (2 << 20)), "gives no token"),
    "a token service that redirects": (token(b"", 302), r"gives no token \(status 302\)"),
    "a token that never suffices": (token(b'{"token": "abc"}'), "access denied"),
    "a layer that is a page": (offering(layer_type="text/html"), "is not a file system layer"),
    "a config that is none": (offering(config_type="text/html"), r"is no image but an artifact \(text/html\)"),
    "a manifest of an unknown type": (offering(manifest_type="text/html"), "is neither an image's manifest nor an index"),
    "a manifest of an old schema": (offering(manifest_type="application/vnd.docker.distribution.manifest.v1+json"), "first manifest format"),
    "the same index whatever is asked for": (same_index(), "has the digest"),
    "a layer somewhere that is no address": (foreign("file:///etc/passwd"), "no web address"),
    "a message for the terminal": (
        only("latest", lambda h: send(h, 400, b'{"errors":[{"message":"\\u001b[2J\\nboo"}]}')), r"\[2Jboo",
    ),
}  # fmt: skip
#: Which of its limits a slow answer meets first depends on how busy this machine is.
LATE = "too long|silent|bytes a second"
SLOW = {
    "an answer that never comes": (only("latest", lambda h: threading.Event().wait(1.5)), LATE),
    "an answer one byte at a time": (only("latest", lambda h: trickle(h)), LATE),
    "a layer one byte at a time": (only(LAYER, lambda h: trickle(h, len(PARTS.layers[0]))), LATE),
    "answers that announce an answer, slowly": (only("latest", lambda h: interim(h)), LATE),
}


def endless(handler: Any) -> None:
    handler.send_response(200)
    handler.end_headers()
    while True:
        handler.wfile.write(b" " * 65536)


def endless_headers(handler: Any) -> None:
    handler.wfile.write(b"HTTP/1.1 200 OK\r\n")
    while True:
        handler.wfile.write(b"X-Header: " + b"x" * 1000 + b"\r\n")


def trickle(handler: Any, length: int = 1000) -> None:
    handler.send_response(200)
    handler.send_header("Content-Length", str(length))
    handler.end_headers()
    for _ in range(40):
        handler.wfile.write(b" ")
        handler.wfile.flush()
        threading.Event().wait(0.05)


def interim(handler: Any, pause_s: float = 0.1) -> None:
    for _ in range(30):
        handler.wfile.write(b"HTTP/1.1 103 Early Hints\r\n\r\n")
        threading.Event().wait(pause_s)


@pytest.mark.parametrize("name", [*LIES, *SLOW])
def test_one_sentence_and_nothing_left(clean_store: Store, registry: Registry, name: str) -> None:
    hook, reason = LIES.get(name) or SLOW[name]
    reference = registry.serve(PARTS)
    registry.hook = hook
    with pytest.raises(RungError, match=reason) as caught:
        quick_pull(clean_store, reference, QUICK if name in SLOW else PATIENT)
    assert str(caught.value).isprintable()
    assert len(registry.requests) < 60


def test_an_index_that_lies_about_its_manifests(clean_store: Store, registry: Registry) -> None:
    registry.serve(PARTS)
    platform = {"os": "linux", "architecture": "amd64"}
    wrong_size = describe(PARTS.manifest, OCI_MANIFEST, platform=platform) | {"size": 5}
    name = registry.offer(json.dumps({"schemaVersion": 2, "manifests": [wrong_size]}).encode(), OCI_INDEX, "i")
    with pytest.raises(ContentError, match="its index says 5"):
        quick_pull(clean_store, name)
    other_type = describe(PARTS.manifest, OCI_INDEX, platform=platform)
    name = registry.offer(json.dumps({"schemaVersion": 2, "manifests": [other_type]}).encode(), OCI_INDEX, "i")
    with pytest.raises(RungError, match="announced"):
        quick_pull(clean_store, name)


def test_indexes_within_indexes(clean_store: Store, registry: Registry) -> None:
    platform = {"os": "linux", "architecture": "amd64"}
    data, kind = PARTS.manifest, OCI_MANIFEST
    registry.serve(PARTS)
    for _ in range(8):
        document = {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": [describe(data, kind, platform=platform)]}
        data, kind = json.dumps(document).encode(), OCI_INDEX
        name = registry.offer(data, kind, "nested")
    with pytest.raises(RungError, match="nested more than 3"):
        quick_pull(clean_store, name)


def test_content_that_changes_between_requests(clean_store: Store, registry: Registry) -> None:
    """By digest, so that the second answer cannot be another image's."""
    reference = registry.serve(PARTS).rsplit(":", 1)[0] + "@" + sha256(PARTS.manifest)
    other = Parts([archive(entry("other"))])
    registry.hook = only(sha256(PARTS.manifest), lambda h: send(h, 200, other.manifest))
    with pytest.raises(ContentError, match="has the digest"):
        quick_pull(clean_store, reference)


def test_a_login_is_not_carried_to_another_host(
    store: Store, registry: Registry, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = Registry()
    try:
        name = registry.serve(PARTS)
        elsewhere.serve(PARTS)
        (tmp_path / "config.json").write_text(json.dumps({"auths": {registry.host: {"auth": "bWU6c2VjcmV0"}}}))
        monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))

        def guard(handler: Any) -> bool:
            if not handler.headers.get("Authorization") and handler.path != "/v2/":
                send(handler, 401, b"", **{"WWW-Authenticate": 'Basic realm="x"'})
                return True
            if "/blobs/" in handler.path:
                send(handler, 307, b"", Location=f"http://{elsewhere.host}{handler.path}")
                return True
            return False

        registry.hook = guard
        quick_pull(store, name)
        assert len(elsewhere.requests) == 2
        assert all("authorization" not in headers for _, headers in elsewhere.requests)
        assert any("authorization" in headers for _, headers in registry.requests)

        # CVE-2020-15157: nor because that host asks for it, or names a token service.
        store.remove(name)
        registry.requests.clear()
        for challenge in ('Basic realm="x"', f'Bearer realm="http://{elsewhere.host}/token",service="x"'):
            elsewhere.requests.clear()
            elsewhere.hook = lambda h, said=challenge: send(h, 401, b"", **{"WWW-Authenticate": said}) or True
            with pytest.raises(RegistryError, match="access denied"):
                quick_pull(store, name)
            assert elsewhere.requests
            assert all("authorization" not in headers for _, headers in elsewhere.requests)
            assert not any(path.startswith("/token") for path, _ in elsewhere.requests)
    finally:
        elsewhere.close()


def test_a_foreign_layer_is_fetched_as_nobody(
    store: Store, registry: Registry, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = Registry()
    try:
        name = registry.serve(PARTS)
        elsewhere.serve(PARTS)
        (tmp_path / "config.json").write_text(json.dumps({"auths": {registry.host: {"auth": "bWU6c2VjcmV0"}}}))
        monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
        inner = foreign(f"http://{elsewhere.host}/v2/some/image/blobs/{LAYER}")

        def guard(handler: Any) -> bool:
            if not handler.headers.get("Authorization") and handler.path != "/v2/":
                send(handler, 401, b"", **{"WWW-Authenticate": 'Basic realm="x"'})
                return True
            return bool(inner(handler))

        registry.hook = guard
        elsewhere.hook = lambda h: send(h, 401, b"", **{"WWW-Authenticate": 'Basic realm="x"'}) or True
        with pytest.raises(RegistryError, match="access denied"):
            quick_pull(store, name)
        assert len(elsewhere.requests) == 1
        elsewhere.hook = only(LAYER, lambda h: send(h, 200, b"x" * len(PARTS.layers[0])))
        with pytest.raises(ContentError, match="has the digest"):
            quick_pull(store, name)
        elsewhere.hook = lambda _: False
        quick_pull(store, name)
        assert all("authorization" not in headers for _, headers in elsewhere.requests)
        assert store.get(name).id
    finally:
        elsewhere.close()


@contextmanager
def raw_server(answer: bytes) -> Iterator[str]:
    """Something on a port that is no HTTP server: answers every connection with the same bytes."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        stop = threading.Event()

        def serve() -> None:
            while not stop.is_set():
                peer, _ = listener.accept()
                with peer:
                    peer.settimeout(5)
                    peer.recv(4096)
                    peer.sendall(answer)

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        host = f"127.0.0.1:{listener.getsockname()[1]}"
        try:
            yield host
        finally:
            stop.set()
            socket.create_connection(listener.getsockname()).close()
            thread.join()


@pytest.mark.parametrize("answer", [b"", b"SSH-2.0-OpenSSH\r\n", b"\x15\x03\x01\x00\x02\x02\x46", b"HTTP/1.1 999\r\n\r\n"])
def test_what_is_no_registry(clean_store: Store, answer: bytes) -> None:
    with raw_server(answer) as host, pytest.raises(RegistryError, match=host):
        quick_pull(clean_store, f"{host}/some/image")


def test_nobody_is_there(clean_store: Store) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        host = f"127.0.0.1:{listener.getsockname()[1]}"
    with pytest.raises(RegistryError, match=f"registry {host}: Connection refused"):
        quick_pull(clean_store, f"{host}/some/image")


def test_plain_http_is_spoken_to_loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    from rung.image.registry.client import Registry as Client

    monkeypatch.setenv("RUNG_CERTS_D", "")
    assert Client("example.com").origin.url("a/tags/list") == "https://example.com/v2/a/tags/list"
    assert Client("docker.io").origin.url("x") == "https://registry-1.docker.io/v2/x"
    assert not Client("example.com").origin.endpoint.may_be_plain
    assert Client("example.com", insecure=True).origin.endpoint.may_be_plain
