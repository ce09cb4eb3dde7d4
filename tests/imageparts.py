"""Layers, images and registries for tests: made of bytes, here, each time.

``archive(entry(...), ...)`` is a tar; ``Registry`` an HTTP registry that serves what it is
given and can be told to misbehave.
"""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
import threading
from collections.abc import Callable, Iterable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

OCI_MANIFEST = "application/vnd.oci.image.manifest.v1+json"
OCI_INDEX = "application/vnd.oci.image.index.v1+json"
OCI_CONFIG = "application/vnd.oci.image.config.v1+json"
OCI_LAYER = "application/vnd.oci.image.layer.v1.tar"


def entry(name: str, data: bytes = b"", *, type: bytes = tarfile.REGTYPE, **fields: Any) -> tuple[tarfile.TarInfo, bytes]:
    """One member; ``fields`` are TarInfo's (mode, uid, linkname, pax_headers ...)."""
    info = tarfile.TarInfo(name)
    info.type, info.size, info.mode, info.mtime = type, len(data), 0o644, 1_700_000_000
    for key, value in fields.items():
        setattr(info, key, value)
    return info, data


def directory(name: str, **fields: Any) -> tuple[tarfile.TarInfo, bytes]:
    return entry(name, type=tarfile.DIRTYPE, **{"mode": 0o755, **fields})


def symlink(name: str, target: str, **fields: Any) -> tuple[tarfile.TarInfo, bytes]:
    return entry(name, type=tarfile.SYMTYPE, linkname=target, **fields)


def hardlink(name: str, target: str, **fields: Any) -> tuple[tarfile.TarInfo, bytes]:
    return entry(name, type=tarfile.LNKTYPE, linkname=target, **fields)


def archive(*entries: tuple[tarfile.TarInfo, bytes], format: int = tarfile.PAX_FORMAT) -> bytes:
    """A tar of these members."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w", format=format, errors="surrogateescape") as tar:
        for info, data in entries:
            tar.addfile(info, io.BytesIO(data))
    return buffer.getvalue()


def header(name: bytes, *, type: bytes = b"0", size: int = 0, link: bytes = b"", **fields: bytes) -> bytes:
    """A raw ustar header with a right checksum, for what ``tarfile`` would not write."""
    block = bytearray(512)
    block[0:100] = name.ljust(100, b"\0")[:100]
    block[100:108], block[108:116], block[116:124] = b"0000644\0", b"0000000\0", b"0000000\0"
    block[124:136], block[136:148] = b"%011o\0" % size, b"14524612400\0"
    block[156:157], block[157:257] = type, link.ljust(100, b"\0")[:100]
    block[257:265] = b"ustar\x0000"
    places = {"mode": 100, "uid": 108, "gid": 116, "size_field": 124, "mtime": 136, "prefix": 345, "major": 329}
    for key, value in fields.items():
        block[places[key] : places[key] + len(value)] = value
    block[148:156] = b" " * 8
    block[148:156] = b"%06o\0 " % sum(block)
    return bytes(block)


def sha256(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


class Parts:
    """An image as blobs: ``blobs`` by digest, ``manifest`` and ``digest`` to be served."""

    def __init__(
        self,
        layers: Iterable[bytes],
        *,
        config: dict[str, Any] | None = None,
        compress: bool = True,
        architecture: str = "amd64",
        media: str = "oci",
    ) -> None:
        self.tars = list(layers)
        self.layers = [gzip.compress(one, 1, mtime=0) if compress else one for one in self.tars]
        self.diff_ids = [sha256(one) for one in self.tars]
        document = {
            "architecture": architecture,
            "os": "linux",
            "created": "2024-01-02T03:04:05Z",
            "config": {"Cmd": ["sh"], "Env": ["PATH=/bin"], **(config or {})},
            "rootfs": {"type": "layers", "diff_ids": self.diff_ids},
        }
        self.config = json.dumps(document).encode()
        suffix = "+gzip" if compress else ""
        self.document: dict[str, Any] = {
            "schemaVersion": 2,
            "mediaType": OCI_MANIFEST,
            "config": describe(self.config, OCI_CONFIG),
            "layers": [describe(one, OCI_LAYER + suffix) for one in self.layers],
        }
        if media == "docker":
            kind = "application/vnd.docker."
            self.document["mediaType"] = kind + "distribution.manifest.v2+json"
            self.document["config"]["mediaType"] = kind + "container.image.v1+json"
            for layer in self.document["layers"]:
                layer["mediaType"] = kind + "image.rootfs.diff.tar.gzip"

    @property
    def manifest(self) -> bytes:
        return json.dumps(self.document).encode()

    @property
    def blobs(self) -> dict[str, bytes]:
        return {sha256(one): one for one in (self.config, *self.layers)}


def describe(data: bytes, media_type: str, **fields: Any) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": sha256(data), "size": len(data), **fields}


def layout_archive(
    *named: tuple[Parts, str], index: dict[str, Any] | None = None, more: dict[str, bytes] | None = None
) -> bytes:
    """An OCI image layout of these images as a tar; ``index`` instead of the ``index.json`` made of the
    names, ``more`` blobs."""
    manifests = []
    blobs = dict(more or {})
    for parts, name in named:
        blobs |= {**parts.blobs, sha256(parts.manifest): parts.manifest}
        annotations = {"org.opencontainers.image.ref.name": name} if name else {}
        manifests.append(describe(parts.manifest, parts.document["mediaType"], annotations=annotations))
    top = index or {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests}
    return archive(
        entry("oci-layout", b'{"imageLayoutVersion":"1.0.0"}'),
        *(entry("blobs/" + digest.replace(":", "/"), data) for digest, data in blobs.items()),
        entry("index.json", json.dumps(top).encode()),
    )


class Registry:
    """A registry on a loopback port. ``hook(handler) -> bool`` may answer a request itself."""

    def __init__(self) -> None:
        self.manifests: dict[str, tuple[str, bytes]] = {}  # tag or digest -> type, bytes
        self.blobs: dict[str, bytes] = {}
        self.requests: list[tuple[str, dict[str, str]]] = []
        self.hook: Callable[[Any], bool] = lambda _: False
        registry = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: object) -> None:
                pass

            def do_GET(self) -> None:
                registry.requests.append((self.path, {k.lower(): v for k, v in self.headers.items()}))
                try:
                    if not registry.hook(self):
                        registry.answer(self)
                except (BrokenPipeError, ConnectionResetError):
                    self.close_connection = True

            do_POST = do_GET

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.server.block_on_close = False
        self._thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.server.server_address[1]}"

    def serve(self, parts: Parts, tag: str = "latest") -> str:
        """Offer an image; its reference."""
        self.blobs.update(parts.blobs)
        self.offer(parts.manifest, parts.document["mediaType"], tag)
        return f"{self.host}/some/image:{tag}"

    def offer(self, manifest: bytes, media_type: str, tag: str) -> str:
        self.manifests[tag] = self.manifests[sha256(manifest)] = (media_type, manifest)
        return f"{self.host}/some/image:{tag}"

    def answer(self, handler: Any) -> None:
        kind, _, name = handler.path.partition("/v2/some/image/")[2].partition("/")
        if handler.path == "/v2/":
            return send(handler, 200, b"{}")
        if kind == "manifests" and name in self.manifests:
            media_type, data = self.manifests[name]
            extra = {"Content-Type": media_type, "Docker-Content-Digest": sha256(data)}
            return send(handler, 200, data, **extra)
        if kind == "blobs" and name in self.blobs:
            data = self.blobs[name]
            start = int((handler.headers.get("Range") or "bytes=0-")[6:].rstrip("-"))
            if start:
                place = f"bytes {start}-{len(data) - 1}/{len(data)}"
                return send(handler, 206, data[start:], **{"Content-Range": place})
            return send(handler, 200, data)
        error = {"errors": [{"code": "UNKNOWN", "message": f"{name} is unknown here"}]}
        return send(handler, 404, json.dumps(error).encode())

    def blob_requests(self) -> list[str]:
        return [path for path, _ in self.requests if "/blobs/" in path]

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self._thread.join()


def send(handler: Any, status: int, data: bytes, *, length: int | None = None, **headers: str) -> None:
    """An answer; ``length`` is what it claims."""
    handler.send_response(status)
    for key, value in headers.items():
        handler.send_header(key, value)
    handler.send_header("Content-Length", str(len(data) if length is None else length))
    handler.end_headers()
    handler.wfile.write(data)
    handler.wfile.flush()
    if length is not None and length != len(data):
        handler.close_connection = True
