"""A registry of ours on a free port of loopback, and a client that says exactly what a test wants.

``Served`` runs in this process; ``image(...)`` pushes what an image is made of.
"""

from __future__ import annotations

import hashlib
import http.client
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from imageparts import OCI_CONFIG, OCI_INDEX, OCI_LAYER, OCI_MANIFEST
from rung.image.content import Content
from rung.image.serve.service import RegistryOptions, RegistryServer

TIMEOUT_S = 100.0


@dataclass
class Said:
    """An answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def document(self) -> Any:
        return json.loads(self.body)

    @property
    def code(self) -> str:
        """The error code it gives."""
        return str(self.document["errors"][0]["code"])


@contextmanager
def folder_in_memory() -> Iterator[Path]:
    """A folder where syncing costs nothing, if there is such a place: a push syncs several times."""
    memory = Path("/dev/shm")
    path = Path(tempfile.mkdtemp(prefix="rung-served-", dir=memory if os.access(memory, os.W_OK) else None))
    try:
        yield path
    finally:
        shutil.rmtree(path)


def digest_of(data: bytes, algorithm: str = "sha256") -> str:
    return f"{algorithm}:{hashlib.new(algorithm, data).hexdigest()}"


def descriptor(data: bytes, media_type: str) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": digest_of(data), "size": len(data)}


class Client:
    """Says to a registry at ``host`` (``address:port``) what a test wants."""

    def __init__(self, host: str) -> None:
        self.host = host

    @property
    def address(self) -> tuple[str, int]:
        name, _, port = self.host.partition(":")
        return name, int(port)

    def ask(self, method: str, path: str, body: Any = None, **headers: str) -> Said:
        """One request over a connection of its own. An iterable body is sent in chunks."""
        connection = http.client.HTTPConnection(*self.address, timeout=TIMEOUT_S)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            connection.request(method, path, body, named, encode_chunked=not isinstance(body, bytes | None))
            answer = connection.getresponse()
            return Said(answer.status, dict(answer.getheaders()), answer.read())
        finally:
            connection.close()

    def connect(self) -> socket.socket:
        """A connection to say anything over."""
        return socket.create_connection(self.address, TIMEOUT_S)

    def raw(self, wire: bytes) -> bytes:
        """Everything that comes back for some bytes after which nothing follows."""
        with self.connect() as sock:
            try:
                sock.sendall(wire)
                sock.shutdown(socket.SHUT_WR)
            except OSError:
                pass  # it has had enough already
            return everything(sock)

    # --- pushing -------------------------------------------------------------------------

    def blob(self, name: str, data: bytes) -> str:
        digest = digest_of(data)
        said = self.ask("POST", f"/v2/{name}/blobs/uploads/?digest={digest}", data)
        assert said.status == 201, said
        return digest

    def manifest(self, name: str, reference: str, document: dict[str, Any]) -> str:
        data = json.dumps(document).encode()
        kind = document["mediaType"]
        said = self.ask("PUT", f"/v2/{name}/manifests/{reference}", data, Content_Type=kind)
        assert said.status == 201, said
        return digest_of(data)

    def image(self, name: str, tag: str, layers: tuple[bytes, ...] = (b"layer",), **fields: Any) -> str:
        """An image of such layers; its digest."""
        document = image_of(layers, **fields)
        for data in (config_of(layers), *layers):
            self.blob(name, data)
        return self.manifest(name, tag, document)

    @staticmethod
    def document(layers: tuple[bytes, ...]) -> dict[str, Any]:
        return image_of(layers)


@dataclass
class Served(Client):
    """A running registry. A context."""

    directory: Path
    options: dict[str, Any] = field(default_factory=dict)

    def __enter__(self) -> Served:
        self.log: list[str] = []
        self.content = Content(str(self.directory))
        options = RegistryOptions(port=0, **{"delete": True, **self.options})
        self.server = RegistryServer(self.content, options, self.log.append)
        self.url = self.server.url
        self.host = self.url.partition("://")[2]
        self._thread = threading.Thread(target=self.server.run)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.stop()
        self._thread.join(TIMEOUT_S)
        assert not self._thread.is_alive()
        self.content.metadata.close()
        bugs = [line for line in self.log if " bug: " in line]
        assert not bugs, bugs[0]


def config_of(layers: tuple[bytes, ...]) -> bytes:
    diff_ids = [digest_of(layer) for layer in layers]
    config = {"os": "linux", "architecture": "amd64", "rootfs": {"type": "layers", "diff_ids": diff_ids}}
    return json.dumps(config).encode()


def image_of(layers: tuple[bytes, ...], **fields: Any) -> dict[str, Any]:
    """An image's manifest."""
    return {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": descriptor(config_of(layers), OCI_CONFIG),
        "layers": [descriptor(layer, OCI_LAYER) for layer in layers],
        **fields,
    }


def index_of(manifests: list[dict[str, Any]], **fields: Any) -> dict[str, Any]:
    return {"schemaVersion": 2, "mediaType": OCI_INDEX, "manifests": manifests, **fields}


def everything(sock: socket.socket) -> bytes:
    """All that comes until the other side has no more."""
    found = bytearray()
    try:
        while data := sock.recv(1 << 16):
            found += data
    except ConnectionResetError:
        pass
    return bytes(found)


class Process:
    """``rung registry serve`` as a process of its own, over a store at ``root``. A context."""

    def __init__(self, root: Path, *flags: str | Path) -> None:
        self.root = root
        self.flags = ["--delete", *map(str, flags)]

    def __enter__(self) -> Process:
        serve = ["registry", "serve", "--root", str(self.root), "--listen", "127.0.0.1:0"]
        self._log = tempfile.TemporaryFile()
        self.child = subprocess.Popen(
            [sys.executable, "-c", "from rung.cli.main import main; main()", *serve, *self.flags],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        assert self.child.stdout is not None
        said = self.child.stdout.readline()  # when it listens
        assert said.startswith("serving "), self.log
        self.url = said.split()[1]
        self.host = self.url.partition("://")[2]
        return self

    @property
    def log(self) -> str:
        """A line for each request, and what else it said."""
        self._log.seek(0)
        return self._log.read().decode()

    def kill(self) -> None:
        """As a power cut would."""
        self.child.kill()
        self.child.wait(TIMEOUT_S)

    def __exit__(self, *_: object) -> None:
        if self.child.poll() is None:
            self.child.terminate()
            assert self.child.wait(TIMEOUT_S) == 0, self.log
        assert " bug: " not in self.log, self.log
        assert self.child.stdout is not None
        self.child.stdout.close()
        self._log.close()
