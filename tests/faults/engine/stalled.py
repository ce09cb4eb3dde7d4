"""Clients that stall, each in its way, and registries that do: what ``test_stalled.py`` sets upon an engine."""

from __future__ import annotations

import hashlib
import http.server
import io
import json
import socket
import socketserver
import subprocess
import tarfile
import threading
from collections.abc import Callable
from typing import Any

from engineparts import IMAGE, Engine
from rung.kernel.netlink import inside

Stall = Callable[[], socket.socket]


class Clients:
    """What clients of one engine may do and never finish. Each method is a kind, and opens one."""

    def __init__(self, engine: Engine, names: dict[str, str], silent: int) -> None:
        self._engine, self._names, self._silent = engine, names, silent

    def kinds(self) -> dict[str, Stall]:
        """All of them by name."""
        return {name: getattr(self, name) for name in vars(type(self)) if not name.startswith("_") and name != "kinds"}

    def _send(self, head: str, more: bytes = b"") -> socket.socket:
        made = socket.socket(socket.AF_UNIX)
        made.connect(self._engine.socket)
        made.sendall(head.replace("\n", "\r\n").encode() + more)
        return made

    def _ask(self, target: str, method: str = "GET") -> socket.socket:
        return self._send(f"{method} /v1.47{target} HTTP/1.1\nHost: x\n\n")

    def _half(self, target: str, method: str = "POST", kind: str = "application/x-tar") -> socket.socket:
        head = f"{method} /v1.47{target} HTTP/1.1\nHost: x\nContent-Type: {kind}\nContent-Length: 10000000\n\n"
        return self._send(head, bytes(1 << 16))

    # --- answers that nobody reads ---------------------------------------------------------

    def export(self) -> socket.socket:
        return self._ask(f"/containers/{self._names['files']}/export")

    def archive_out(self) -> socket.socket:
        return self._ask(f"/containers/{self._names['files']}/archive?path=/big")

    def save(self) -> socket.socket:
        return self._ask("/images/big:test/get")

    def logs(self) -> socket.socket:
        return self._ask(f"/containers/{self._names['said']}/logs?stdout=1")

    def logs_followed(self) -> socket.socket:
        return self._ask(f"/containers/{self._names['says']}/logs?stdout=1&follow=1")

    def events(self) -> socket.socket:
        return self._ask("/events?since=1")

    def stats(self) -> socket.socket:
        return self._ask(f"/containers/{self._names['says']}/stats")

    def attach(self) -> socket.socket:
        head = f"POST /v1.47/containers/{self._names['floods']}/attach?stdout=1&stream=1 HTTP/1.1\nHost: x\n"
        return self._send(f"{head}Upgrade: tcp\nConnection: Upgrade\n\n")

    def exec(self) -> socket.socket:
        body = {"Cmd": ["sh", "-c", "yes | head -c 1500000; sleep 1000000"], "AttachStdout": True}
        made = self._engine.ask("POST", f"/containers/{self._names['execs']}/exec", body=body)
        start = b'{"Detach":false,"Tty":false}'
        head = f"POST /v1.47/exec/{made['Id']}/start HTTP/1.1\nHost: x\nUpgrade: tcp\nConnection: Upgrade\n"
        return self._send(f"{head}Content-Type: application/json\nContent-Length: {len(start)}\n\n", start)

    def answers_unread(self) -> socket.socket:
        return self._send("GET /v1.47/containers/json?all=1 HTTP/1.1\nHost: x\n\n" * 1000)

    # --- requests that do not come to their end --------------------------------------------

    def head(self) -> socket.socket:
        return self._send("GET /v1.47/_ping HTT")

    def create(self) -> socket.socket:
        return self._half("/containers/create", kind="application/json")

    def archive_in(self) -> socket.socket:
        return self._half(f"/containers/{self._names['files']}/archive?path=/", "PUT")

    def load(self) -> socket.socket:
        return self._half("/images/load")

    def import_(self) -> socket.socket:
        return self._half("/images/create?fromSrc=-&repo=half")

    def build(self) -> socket.socket:
        return self._half("/build")

    # --- registries that do not answer ---------------------------------------------------------

    def pull(self) -> socket.socket:
        return self._ask(f"/images/create?fromImage=127.0.0.1:{self._silent}/stalls&tag=x", "POST")

    def push(self) -> socket.socket:
        head = f"POST /v1.47/images/127.0.0.1:{self._silent}/push/push?tag=x HTTP/1.1\nHost: x\nX-Registry-Auth: e30=\n\n"
        return self._send(head)

    def distribution(self) -> socket.socket:
        return self._ask(f"/distribution/127.0.0.1:{self._silent}/stalls:x/json")

    def search(self) -> socket.socket:
        return self._ask(f"/images/search?term=127.0.0.1:{self._silent}/stalls")


class Registry:
    """In the network of an engine: one image that is there (``quick``), and repositories that stall: manifests come one
    byte a second, uploads are not read."""

    def __init__(self, engine: Engine) -> None:
        assert engine.daemon is not None
        self.network = f"/proc/{engine.daemon.pid}/ns/net"
        subprocess.run(["nsenter", f"--net={self.network}", "ip", "link", "set", "lo", "up"], check=True)
        self._content = _image()
        registry = self

        class Server(socketserver.ThreadingMixIn, http.server.HTTPServer):
            daemon_threads = True
            request_queue_size = 1024

            def server_bind(self) -> None:
                self.socket.close()
                self.socket = inside(registry.network, lambda: socket.create_server(("127.0.0.1", 0), backlog=1024))
                self.server_address = self.socket.getsockname()

            def server_activate(self) -> None: ...

            def handle_error(self, request: Any, client_address: Any) -> None: ...  # who has hung up

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: object) -> None: ...

            def do_GET(self) -> None:
                registry.answer(self)

            def do_HEAD(self) -> None:
                self.send_response(404)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def do_POST(self) -> None:
                self.send_response(202)
                self.send_header("Location", f"{self.path}1")
                self.send_header("Content-Length", "0")
                self.end_headers()

            def do_PUT(self) -> None:
                registry.ended.wait()

            do_PATCH = do_PUT

        self.ended = threading.Event()
        self._server = Server(("", 0), Handler)
        self.port = int(self._server.server_address[1])
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def answer(self, handler: http.server.BaseHTTPRequestHandler) -> None:
        if "/stalls/" in handler.path or "_catalog" in handler.path:
            handler.send_response(200)
            handler.send_header("Content-Length", "100000")
            handler.end_headers()
            while not self.ended.wait(1):
                handler.wfile.write(b" ")
            return
        kind, body = self._content.get(handler.path.rpartition("/")[2], ("text/plain", b"{}"))
        handler.send_response(200)
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(body)))
        handler.end_headers()
        handler.wfile.write(body)

    def close(self) -> None:
        self.ended.set()
        self._server.shutdown()
        self._server.server_close()


def _image() -> dict[str, tuple[str, bytes]]:
    """By digest, and the manifest by its tag."""
    layer = io.BytesIO()
    with tarfile.open(fileobj=layer, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("file"))
    data = layer.getvalue()
    config = {"architecture": "amd64", "os": "linux", "rootfs": {"type": "layers", "diff_ids": [_digest(data)]}}
    blobs = (("application/vnd.oci.image.config.v1+json", json.dumps(config).encode()),
             ("application/vnd.oci.image.layer.v1.tar", data))  # fmt: skip
    described = [{"mediaType": kind, "digest": _digest(blob), "size": len(blob)} for kind, blob in blobs]
    manifest = {
        "schemaVersion": 2, "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": described[0], "layers": described[1:],
    }  # fmt: skip
    whole = manifest["mediaType"], json.dumps(manifest).encode()
    found = {_digest(blob): (kind, blob) for kind, blob in blobs}
    return {**found, "x": whole, _digest(whole[1]): whole}  # type: ignore[dict-item]


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"


def containers(engine: Engine) -> dict[str, str]:
    """What stalled clients ask about, by what it is for."""
    blocks = "count=16 bs=1048576"
    with engine.client() as client:
        base = client.containers.create(IMAGE, ["sh", "-c", f"dd if=/dev/zero of=/big {blocks}; yes said | head -n 500000"])
        base.start()
        base.wait()
        engine.ask("POST", "/commit", {"container": base.id, "repo": "big", "tag": "test", "pause": "0"}, body={})
    says = engine.run_one("sh", "-c", "yes says | head -n 500000; while :; do echo more; sleep 0.2; done")
    flood = "while :; do yes | head -c 100000; sleep 0.05; done"
    floods = engine.run_one("sh", "-c", flood, log_config={"Type": "none"})
    execs = engine.run_one("sleep", "1000000")
    return {"files": base.id, "said": base.id, "says": says.id, "floods": floods.id, "execs": execs.id}
