"""Debian's docker-registry on a loopback port, and what stands around a registry: a certificate
authority, a token service. Everything is made here, each time, in a folder of its own.
"""

from __future__ import annotations

import base64
import json
import re
import shutil
import socket
import ssl
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from time import monotonic, sleep
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

DEADLINE_S = 60
USER, PASSWORD = "me", "secret: word"
#: ``htpasswd -nbB me 'secret: word'``
HTPASSWD = "me:$2y$04$oxwgr2ngOnU8EWcuDLOpUeMvDxHxvklG0I/F2zquZukYmpn.T8VZ2\n"


def nobody() -> str:
    """``host:port`` where nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{probe.getsockname()[1]}"


@contextmanager
def docker_registry(inside: Sequence[str] = (), **sections: Any) -> Iterator[str]:
    """``host:port`` of a running docker-registry; ``sections``: more of its configuration; ``inside``: what starts it,
    as ``nsenter``."""
    program = shutil.which("docker-registry")
    if program is None:
        pytest.skip("needs docker-registry: apt-get install docker-registry")
    folder = Path(tempfile.mkdtemp(prefix="rung-registry-", dir="/dev/shm"))
    config = {
        "version": 0.1,
        "log": {"level": "info", "accesslog": {"disabled": True}},
        "storage": {"filesystem": {"rootdirectory": str(folder / "data")}, "delete": {"enabled": True}},
        "validation": {"disabled": True},
        **sections,
        "http": {"addr": "127.0.0.1:0", **sections.get("http", {})},
    }
    (folder / "config.yml").write_text(json.dumps(config))
    with (folder / "log").open("wb") as log:
        child = subprocess.Popen([*inside, program, "serve", folder / "config.yml"], stdout=log, stderr=log)
    try:
        yield _where_it_listens(child, folder / "log")
    finally:
        child.terminate()
        child.wait(DEADLINE_S)
        shutil.rmtree(folder)


def _where_it_listens(child: subprocess.Popen[bytes], log: Path) -> str:
    """It says so when the port is open: the kernel has chosen it."""
    deadline = monotonic() + DEADLINE_S
    while True:
        said = log.read_text()
        if found := re.search(r"listening on (127\.0\.0\.1:\d+)", said):
            return found[1]
        assert child.poll() is None, f"docker-registry has ended:\n{said[-2000:]}"
        assert monotonic() < deadline, f"docker-registry does not listen:\n{said[-2000:]}"
        sleep(0.02)


# --- certificates --------------------------------------------------------------------


class Authority:
    """A certificate authority of the test's own, made with openssl."""

    def __init__(self, folder: Path) -> None:
        if shutil.which("openssl") is None:
            pytest.skip("needs openssl: apt-get install openssl")
        folder.mkdir(parents=True, exist_ok=True)
        self.folder = folder
        self.certificate = folder / "ca.crt"
        _openssl(
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-days", "30",
            "-subj", "/CN=Test authority", "-keyout", folder / "ca.key", "-out", self.certificate,
            "-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign",
        )  # fmt: skip

    def issue(self, name: str, alternative: str = "IP:127.0.0.1") -> tuple[Path, Path]:
        """Certificate and key."""
        certificate, key, request = (self.folder / f"{name}.{end}" for end in ("cert", "key", "csr"))
        _openssl(
            "req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}",
            "-keyout", key, "-out", request,
        )  # fmt: skip
        extensions = self.folder / f"{name}.ext"
        extensions.write_text(f"subjectAltName={alternative}\nbasicConstraints=CA:FALSE\n")
        _openssl(
            "x509", "-req", "-in", request, "-CA", self.certificate, "-CAkey", self.folder / "ca.key",
            "-CAcreateserial", "-days", "30", "-extfile", extensions, "-out", certificate,
        )  # fmt: skip
        return certificate, key


def _openssl(*words: str | Path) -> None:
    run = subprocess.run(["openssl", *words], capture_output=True, text=True, timeout=DEADLINE_S, check=False)
    assert run.returncode == 0, run.stderr


# --- tokens --------------------------------------------------------------------------


class TokenService:
    """What docker's registry calls an authorization service: JWTs signed with a key that it knows.

    Gives ``USER`` what is asked for, others reading only; identity tokens to who wants one."""

    REFRESH = "the-identity-token"

    def __init__(self, folder: Path, authority: Authority) -> None:
        self.certificate, self.key = authority.issue("tokens")
        self.requests: list[tuple[str, str, dict[str, str]]] = []  # method, how they came, parameters
        service = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: object) -> None:
                pass

            def do_GET(self) -> None:
                service._answer(self, urlsplit(self.path).query)

            def do_POST(self) -> None:
                service._answer(self, self.rfile.read(int(self.headers["Content-Length"])).decode())

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self._thread = threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()

    @property
    def auth(self) -> dict[str, Any]:
        """The registry's section ``auth``."""
        realm = f"http://127.0.0.1:{self.server.server_address[1]}/token"
        return {
            "token": {
                "realm": realm, "service": "test registry", "issuer": "test", "rootcertbundle": str(self.certificate),
            }
        }  # fmt: skip

    def _answer(self, handler: Any, query: str) -> None:
        given = {key: " ".join(values) for key, values in parse_qs(query).items()}
        header = handler.headers.get("Authorization", "")
        self.requests.append((handler.command, header, given))
        basic = "Basic " + base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        if given.get("grant_type") == "refresh_token":
            user = USER if given.get("refresh_token") == self.REFRESH else None
        else:
            user = USER if header == basic else "" if not header else None
        if user is None:
            return _send(handler, 401, {"details": "incorrect username or password"})
        answer = {"token": self._token(user, given.get("scope", "")), "expires_in": 300}
        if given.get("offline_token") and user:
            answer["refresh_token"] = self.REFRESH
        return _send(handler, 200, answer)

    def _token(self, user: str, scopes: str) -> str:
        from time import time

        access = []
        for scope in scopes.split():
            kind, name, actions = scope.split(":", 1)[0], scope.split(":", 1)[1].rpartition(":")[0], scope.rpartition(":")[2]
            allowed = [one for one in actions.split(",") if user or one == "pull"]
            access.append({"type": kind, "name": name, "actions": allowed})
        der = ssl.PEM_cert_to_DER_cert(self.certificate.read_text())
        header = {"typ": "JWT", "alg": "ES256", "x5c": [base64.b64encode(der).decode()]}
        now = int(time())
        claims = {
            "iss": "test", "sub": user, "aud": "test registry", "exp": now + 300, "nbf": now - 10, "iat": now,
            "jti": str(len(self.requests)), "access": access,
        }  # fmt: skip
        signed = f"{_url64(json.dumps(header).encode())}.{_url64(json.dumps(claims).encode())}"
        run = subprocess.run(
            ["openssl", "dgst", "-sha256", "-sign", self.key], input=signed.encode(), capture_output=True, check=True
        )
        return f"{signed}.{_url64(_raw_signature(run.stdout))}"

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()
        self._thread.join()


def _raw_signature(der: bytes) -> bytes:
    """``SEQUENCE { INTEGER r, INTEGER s }`` as JOSE has it: both in 32 bytes."""
    numbers, at = [], 2
    for _ in range(2):
        length = der[at + 1]
        numbers.append(der[at + 2 : at + 2 + length].lstrip(b"\0").rjust(32, b"\0"))
        at += 2 + length
    return b"".join(numbers)


def _url64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _send(handler: Any, status: int, value: object) -> None:
    data = json.dumps(value).encode()
    handler.send_response(status)
    handler.send_header("Content-Type", "application/json")
    handler.send_header("Content-Length", str(len(data)))
    handler.end_headers()
    handler.wfile.write(data)
