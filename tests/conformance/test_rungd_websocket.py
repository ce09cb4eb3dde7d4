"""A container's streams through a websocket of rungd's, by a raw socket."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from . import daemons
from .api.wire import ask

pytestmark = pytest.mark.skipif(daemons.needed("docker") is not None, reason=str(daemons.needed("docker")))


def _masked(opcode: int, data: bytes) -> bytes:
    return bytes((0x80 | opcode, 0x80 | len(data))) + bytes(4) + data


def _frames(data: bytes) -> list[tuple[int, bytes]]:
    """Short ones, as a server sends them."""
    found = []
    while len(data) >= 2 and len(data) >= 2 + data[1]:
        found.append((data[0] & 15, data[2 : 2 + data[1]]))
        data = data[2 + data[1] :]
    return found


def test_typed_and_answered(rootfs: Path, tmp_path: Path) -> None:
    archive = daemons.import_rootfs(rootfs, tmp_path / "rootfs.tar").read_bytes()
    with daemons.rungd() as folder:
        place = folder / "run/rung.sock"
        target = "/images/create?fromSrc=-&repo=busybox&tag=test"
        ask(place, "POST", target, archive, {"Content-Type": "application/x-tar"})
        wanted = {"Image": "busybox:test", "Cmd": ["cat"], "OpenStdin": True, "StdinOnce": True}
        made = ask(place, "POST", "/containers/create", {**wanted, "HostConfig": {"NetworkMode": "none"}}).value()["Id"]
        refused = ask(place, "GET", f"/containers/{made}/attach/ws?stream=1")
        assert refused.status == 400, refused.body
        assert ask(place, "POST", f"/containers/{made}/start").status == 204
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(60)
            client.connect(str(place))
            key = "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="
            head = f"Host: h\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n{key}"
            query = "stream=1&stdin=1&stdout=1&stderr=1"
            client.sendall(f"GET /containers/{made}/attach/ws?{query} HTTP/1.1\r\n{head}\r\n\r\n".encode())
            client.sendall(_masked(9, b"there?") + _masked(2, b"hello\n"))
            got = b""
            while b"hello\n" not in got or b"there?" not in got:
                data = client.recv(4096)
                assert data, got
                got += data
            answer, _, rest = got.partition(b"\r\n\r\n")
            assert answer.startswith(b"HTTP/1.1 101 ") and b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in answer
            assert sorted(_frames(rest)) == [(2, b"hello\n"), (10, b"there?")]
            client.sendall(_masked(8, (1000).to_bytes(2, "big")))
            got = b""
            while data := client.recv(4096):
                got += data
            assert _frames(got) == [(8, (1000).to_bytes(2, "big"))]
        assert ask(place, "DELETE", f"/containers/{made}?force=1").status == 204
