"""Registries that lie, hang up, stall and lead astray while something is pushed to them."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from imageparts import Parts, Registry, archive, entry, send, sha256
from rung.errors import RungError
from rung.image import ContentError, RegistryError, Store
from rung.image.registry.limits import Limits
from rung.image.transfer.push import push

#: Tries follow each other at once; otherwise as patient as ever, for a machine that is busy with something else.
PATIENT = Limits(backoff_s=0.001, attempts=3, worth_bytes=1 << 30)
#: Where patience is what is tested.
QUICK = PATIENT.replace(idle_s=0.4, document_s=2.0, window_s=0.4, slowest_bytes_per_s=10_000)
PARTS = Parts([archive(entry("file", bytes(range(256)) * 4000))], compress=False)
LAYER = PARTS.layers[0]


class Taking(Registry):
    """A registry that takes pushes too. ``uploads``: what came of each, by its number."""

    def __init__(self) -> None:
        super().__init__()
        self.uploads: dict[str, bytearray] = {}
        handler: Any = self.server.RequestHandlerClass
        for method in ("HEAD", "PATCH", "PUT", "DELETE"):
            setattr(handler, f"do_{method}", handler.do_GET)

    def answer(self, handler: Any) -> None:
        method, path = handler.command, handler.path.partition("?")[0]
        upload = path.rpartition("/")[2]
        if method == "POST":
            self.uploads[str(len(self.uploads))] = bytearray()
            return send(handler, 202, b"", Location=f"{path}{len(self.uploads) - 1}")
        if method == "PATCH":
            self.uploads[upload] += handler.rfile.read(int(handler.headers["Content-Length"]))
            return send(handler, 202, b"", Location=path, Range=f"0-{len(self.uploads[upload]) - 1}")
        if method == "GET" and upload in self.uploads:
            return send(handler, 204, b"", Location=path, Range=f"0-{max(0, len(self.uploads[upload]) - 1)}")
        if method == "PUT" and "/uploads/" in path:
            digest = handler.path.partition("digest=")[2].replace("%3A", ":")
            data = bytes(self.uploads[upload])
            if sha256(data) != digest:
                error = {"errors": [{"code": "DIGEST_INVALID", "message": "provided digest did not match"}]}
                return send(handler, 400, json.dumps(error).encode())
            self.blobs[digest] = data
            return send(handler, 201, b"")
        if method == "PUT":
            data = handler.rfile.read(int(handler.headers["Content-Length"]))
            self.manifests[upload] = (handler.headers["Content-Type"], data)
            return send(handler, 201, b"", **{"Docker-Content-Digest": sha256(data)})
        if method == "DELETE":
            return send(handler, 204, b"")
        if method == "HEAD":
            name = path.rpartition("/")[2]
            return send(handler, 200 if name in self.blobs else 404, b"")
        return super().answer(handler)


@pytest.fixture
def taking() -> Iterator[Taking]:
    made = Taking()
    yield made
    made.close()


@pytest.fixture
def name(store: Store, registry: Registry, taking: Taking) -> str:
    """An image of the store that is to be pushed to ``taking``."""
    pulled = registry.serve(PARTS)
    store.pull(pulled)
    store.tag(pulled, f"{taking.host}/some/image:1")
    return f"{taking.host}/some/image:1"


def quick_push(store: Store, name: str, limits: Limits = PATIENT) -> Any:
    return push(store.content, name, lambda event: None, limits=limits)


def on(method: str, part: str, act: Callable[[Any], object]) -> Callable[[Any], bool]:
    """A hook for one kind of request; it is not answered further unless ``act`` says ``False``."""

    def hook(handler: Any) -> bool:
        return handler.command == method and part in handler.path and act(handler) is not False

    return hook


def hang_up(handler: Any) -> None:
    handler.rfile.read1(1000)
    handler.close_connection = True
    handler.connection.shutdown(2)


LIES: dict[str, tuple[Callable[[Any], bool], str]] = {
    "no place for the upload": (on("POST", "", lambda h: send(h, 202, b"")), "does not say where to upload"),
    "the upload goes into a file": (on("POST", "", lambda h: send(h, 202, b"", Location="file:///etc/x")), "no web address"),
    "redirects in a circle": (on("POST", "", lambda h: send(h, 307, b"", Location=h.path)), "redirects more than 5"),
    "a blob is not taken": (on("PUT", "/uploads/", lambda h: send(h, 400, b"")), "answers 400"),
    "a manifest is not taken": (
        on("PUT", "/manifests/", lambda h: h.rfile.read(int(h.headers["Content-Length"])) and send(
            h, 400, b'{"errors":[{"code":"MANIFEST_INVALID","message":"manifest invalid"}]}')), "manifest invalid",
    ),
    "another digest": (
        on("PUT", "/manifests/", lambda h: send(h, 201, b"", **{"Docker-Content-Digest": "sha256:" + "0" * 64})),
        "the registry has it as sha256:0000",
    ),
    "a digest that is none": (
        on("PUT", "/manifests/", lambda h: send(h, 201, b"", **{"Docker-Content-Digest": "../x"})), "is not a sha256",
    ),
    "it hangs up each time": (on("PATCH", "", hang_up), "push .*try again later"),
    "it never answers": (on("POST", "", lambda h: threading.Event().wait(1.0)), "silent|too long"),
    "out of order": (on("POST", "", lambda h: send(h, 503, b"")), "503.*try again later"),
    "too many requests, for a day": (
        on("POST", "", lambda h: send(h, 429, b"", **{"Retry-After": "86400"})), "wants 86400 seconds of rest",
    ),
    "a login that never suffices": (
        on("POST", "", lambda h: send(h, 401, b"", **{"WWW-Authenticate": 'Basic realm="x"'})), "access denied",
    ),
    "it takes no piece, however small": (on("PATCH", "", lambda h: send(h, 413, b"")), "answers 413"),
    "it has more than there is": (
        on("PATCH", "", lambda h: send(h, 416, b"")), "416",
    ),
}  # fmt: skip


@pytest.mark.parametrize("lie", LIES)
def test_one_sentence_and_no_name_there(store: Store, taking: Taking, name: str, lie: str) -> None:
    taking.hook, reason = LIES[lie]
    with pytest.raises(RungError, match=reason) as caught:
        quick_push(store, name, QUICK if lie == "it never answers" else PATIENT)
    assert str(caught.value).isprintable()
    assert taking.manifests == {}
    assert len(taking.requests) < 60
    assert store.get(name).id, "the image is still here"


def test_a_registry_that_stops_reading(store: Store, taking: Taking, registry: Registry) -> None:
    """More than fits into the sockets between: the sender has to notice that nothing moves."""
    large = Parts([archive(entry("large", bytes(24 << 20)))], compress=False)
    store.pull(registry.serve(large))
    store.tag(f"{registry.host}/some/image", f"{taking.host}/some/image:1")
    done = threading.Event()

    def wait(handler: Any) -> None:
        done.wait(60)
        handler.close_connection = True

    taking.hook = on("PATCH", "", wait)
    try:
        with pytest.raises(RegistryError, match="silent|slower than|too long"):
            quick_push(store, f"{taking.host}/some/image:1", QUICK.replace(attempts=1))
    finally:
        done.set()


def test_an_upload_that_broke_goes_on_where_the_registry_has_it(store: Store, taking: Taking, name: str) -> None:
    broken: list[int] = []

    def break_once(handler: Any) -> object:
        if int(handler.headers["Content-Length"]) < len(LAYER) or broken:
            return False
        broken.append(300_000)
        taking.uploads[handler.path.rpartition("/")[2]] += handler.rfile.read(300_000)
        hang_up(handler)
        return None

    taking.hook = on("PATCH", "", break_once)
    assert str(quick_push(store, name).digest) == sha256(PARTS.manifest)
    assert broken and taking.blobs[sha256(LAYER)] == LAYER
    ranges = [headers["content-range"] for _, headers in taking.requests if "content-range" in headers]
    assert ranges == [f"300000-{len(LAYER) - 1}"]


def test_a_registry_that_takes_small_pieces_only(store: Store, taking: Taking, name: str) -> None:
    taking.hook = on("PATCH", "", lambda h: send(h, 413, b"") if int(h.headers["Content-Length"]) > 400_000 else False)
    quick_push(store, name, PATIENT.replace(smaller_piece_bytes=400_000))
    assert taking.blobs[sha256(LAYER)] == LAYER
    ranges = [headers["content-range"] for _, headers in taking.requests if "content-range" in headers]
    assert ranges == ["0-399999", "400000-799999", f"800000-{len(LAYER) - 1}"]


def test_a_registry_that_wants_a_moment_gets_it(store: Store, taking: Taking, name: str) -> None:
    asked: list[str] = []

    def busy(handler: Any) -> object:
        asked.append(handler.path)
        return send(handler, 429, b"", **{"Retry-After": "0"}) if len(asked) == 1 else False

    taking.hook = on("POST", "", busy)
    assert quick_push(store, name).digest


def test_a_login_does_not_go_where_the_upload_is_sent(
    store: Store, taking: Taking, name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = Taking()
    try:
        (tmp_path / "config.json").write_text(json.dumps({"auths": {taking.host: {"auth": "bWU6c2VjcmV0"}}}))
        monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))

        def guard(handler: Any) -> bool:
            if not handler.headers.get("Authorization") and handler.path != "/v2/":
                send(handler, 401, b"", **{"WWW-Authenticate": 'Basic realm="x"'})
                return True
            if handler.command == "POST":
                elsewhere.uploads["9"] = bytearray()
                send(handler, 202, b"", Location=f"http://{elsewhere.host}/v2/some/image/blobs/uploads/9")
                return True
            return False

        taking.hook = guard
        elsewhere.hook = on("PUT", "", lambda h: send(h, 401, b"", **{"WWW-Authenticate": 'Basic realm="x"'}))
        with pytest.raises(RegistryError, match="access denied"):
            quick_push(store, name)
    finally:
        elsewhere.close()
    assert elsewhere.requests
    assert all("authorization" not in headers for _, headers in elsewhere.requests)


def test_the_blob_here_is_damaged(store: Store, taking: Taking, name: str) -> None:
    from rung.spec.image import Digest

    path = Path(store.content.blobs.path(Digest.parse(sha256(LAYER))))
    path.chmod(0o600)
    path.write_bytes(b"x" * len(LAYER))
    with pytest.raises(RegistryError, match="provided digest did not match"):
        quick_push(store, name)
    path.write_bytes(b"x")
    with pytest.raises(RegistryError, match="ends .* bytes before its announced end"):
        quick_push(store, name)
    path.unlink()
    with pytest.raises(ContentError, match="is not in the store"):
        quick_push(store, name)
    assert taking.manifests == {}
