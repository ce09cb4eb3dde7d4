"""Who may come in: passwords, certificates."""

from __future__ import annotations

import base64
import http.client
import ssl
import subprocess
import threading
from pathlib import Path

import pytest

from rung.image import ImageError, bcrypt_hash
from rung.image.serve import bcrypt
from rung.image.serve.answers import Refusal
from rung.image.serve.htpasswd import Htpasswd, read
from rung.image.serve.tls import Tls
from serveparts import TIMEOUT_S, Served, digest_of

#: Of the published test vectors of bcrypt (crypt_blowfish, wrapper.c).
VECTORS = [
    (b"U*U", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW"),
    (b"U*U*U", "$2a$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a"),
]


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


@pytest.mark.parametrize(("password", "known"), VECTORS)
def test_bcrypt(password: bytes, known: str) -> None:
    assert bcrypt.verify(password, known)
    assert not bcrypt.verify(password + b"x", known)
    assert not bcrypt.verify(password + b"\0", known)


def test_a_hash_of_ours() -> None:
    made = bcrypt_hash(b"secret", cost=4)
    assert bcrypt.HASH.fullmatch(made) and made.startswith("$2y$04$")
    assert bcrypt.verify(b"secret", made)
    assert bcrypt_hash(b"secret", cost=4) != made
    for wrong in (b"x" * 73, b"a\0b"):
        with pytest.raises(ImageError, match="72 bytes"):
            bcrypt_hash(wrong)


@pytest.fixture
def users(tmp_path: Path) -> Path:
    path = tmp_path / "users"
    path.write_text(f"# who\n\nalice:{bcrypt_hash(b'wonder', cost=4)}\nbob:{bcrypt_hash('bäh:x'.encode(), cost=4)}\n")
    return path


def test_users(users: Path) -> None:
    known = Htpasswd(str(users))
    assert known.check(basic("alice", "wonder")) == "alice"
    assert known.check(basic("alice", "wonder")) == "alice"
    assert known.check(basic("bob", "bäh:x")) == "bob"
    for wrong in (basic("alice", "wonderland"), basic("carol", "wonder"), basic("", ""), "", "Bearer x", "Basic !", "Basic eA=="):
        with pytest.raises(Refusal) as refused:
            known.check(wrong)
        assert refused.value.status == 401
        assert refused.value.headers[0][0] == "WWW-Authenticate"


def test_a_changed_file_counts_at_once(users: Path) -> None:
    known = Htpasswd(str(users))
    assert known.check(basic("alice", "wonder"))
    users.write_text(f"alice:{bcrypt_hash(b'other', cost=5)}\n")
    with pytest.raises(Refusal):
        known.check(basic("alice", "wonder"))
    assert known.check(basic("alice", "other"))


@pytest.mark.parametrize("line", ["alice", "alice:secret", "alice:{SHA}x", "alice:$apr1$x$y", ":$2y$05$" + "a" * 53, "a:$2y$02$" + "a" * 53])
def test_lines_that_are_refused(tmp_path: Path, line: str) -> None:
    (tmp_path / "users").write_text(f"# x\n{line}\n")
    with pytest.raises(ImageError, match=r"users:2: .*htpasswd -B"):
        read(str(tmp_path / "users"))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ImageError, match="No such file"):
        read(str(tmp_path / "users"))


def test_a_registry_with_users(tmp_path: Path, users: Path) -> None:
    with Served(tmp_path / "store", {"htpasswd": str(users)}) as served:
        said = served.ask("GET", "/v2/")
        assert (said.status, said.code) == (401, "UNAUTHORIZED")
        assert said.headers["WWW-Authenticate"].startswith('Basic realm="')
        assert served.ask("GET", "/v2/", Authorization=basic("alice", "wonder")).status == 200
        assert served.ask("PUT", "/v2/a/manifests/x", b"x" * (1 << 20)).status == 401


def test_a_registry_where_users_push_and_anybody_pulls(tmp_path: Path, users: Path) -> None:
    with Served(tmp_path / "store", {"htpasswd": str(users), "anonymous_pull": True}) as served:
        alice = basic("alice", "wonder")
        begun = served.ask("POST", "/v2/a/blobs/uploads/", b"", Authorization=alice)
        location = begun.headers["Location"]
        assert served.ask("PUT", f"{location}?digest={digest_of(b'x')}", b"x", Authorization=alice).status == 201
        assert served.ask("GET", f"/v2/a/blobs/{digest_of(b'x')}").body == b"x"
        assert served.ask("GET", "/v2/a/manifests/none").status == 404
        assert served.ask("GET", "/v2/_catalog").status == 200
        assert served.ask("GET", "/v2/_catalog", Authorization=basic("", "")).status == 200
        for method, path in (("GET", "/v2/"), ("POST", "/v2/a/blobs/uploads/"), ("GET", location), ("DELETE", "/v2/a/manifests/x")):
            assert served.ask(method, path, b"").status == 401
        assert served.ask("GET", "/v2/_catalog", Authorization=basic("alice", "x")).status == 401


# --- TLS -----------------------------------------------------------------------------------


def openssl(*words: str | Path) -> None:
    subprocess.run(["openssl", *words], check=True, capture_output=True, timeout=TIMEOUT_S)


def certificate(folder: Path, name: str, *extra: str) -> tuple[Path, Path]:
    """A certificate for 127.0.0.1 that signs itself, and its key."""
    cert, key = folder / f"{name}.pem", folder / f"{name}.key"
    san = ("-addext", "subjectAltName=IP:127.0.0.1")
    curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    openssl("req", "-x509", *curve, "-days", "2", "-subj", f"/CN={name}", *san, *extra, "-keyout", key, "-out", cert)
    return cert, key


def ask(served: Served, context: ssl.SSLContext) -> int:
    connection = http.client.HTTPSConnection(*served.address, timeout=TIMEOUT_S, context=context)
    try:
        connection.request("GET", "/v2/")
        return connection.getresponse().status
    finally:
        connection.close()


def test_tls(tmp_path: Path) -> None:
    cert, key = certificate(tmp_path, "server")
    with Served(tmp_path / "store", {"certificate": str(cert), "key": str(key)}) as served:
        assert served.url.startswith("https://")
        context = ssl.create_default_context(cafile=str(cert))
        assert ask(served, context) == 200
        digest = "sha256:" + "0" * 64
        connection = http.client.HTTPSConnection(*served.address, timeout=TIMEOUT_S, context=context)
        connection.request("GET", f"/v2/a/blobs/{digest}")
        assert connection.getresponse().status == 404
        connection.close()
        assert b"HTTP request to an HTTPS server" in served.raw(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n")
        assert served.raw(b"\x16nonsense") is not None  # an alert, or nothing


def test_a_blob_over_tls(tmp_path: Path) -> None:
    cert, key = certificate(tmp_path, "server")
    data = b"0123456789abcdef" * 100_000
    with Served(tmp_path / "store") as served:
        digest = served.blob("a", data)
    with Served(tmp_path / "store", {"certificate": str(cert), "key": str(key)}) as served:
        context = ssl.create_default_context(cafile=str(cert))
        connection = http.client.HTTPSConnection(*served.address, timeout=TIMEOUT_S, context=context)
        connection.request("GET", f"/v2/a/blobs/{digest}", headers={"Range": "bytes=5-"})
        assert connection.getresponse().read() == data[5:]
        connection.close()


def test_clients_with_certificates(tmp_path: Path) -> None:
    cert, key = certificate(tmp_path, "server")
    client, client_key = certificate(tmp_path, "client")
    options = {"certificate": str(cert), "key": str(key), "client_ca": str(client)}
    with Served(tmp_path / "store", options) as served:
        context = ssl.create_default_context(cafile=str(cert))
        with pytest.raises((ssl.SSLError, ConnectionError, http.client.HTTPException)):
            ask(served, context)
        context.load_cert_chain(client, client_key)
        assert ask(served, context) == 200


def test_a_renewed_certificate_is_served(tmp_path: Path) -> None:
    cert, key = certificate(tmp_path, "server")
    with Served(tmp_path / "store", {"certificate": str(cert), "key": str(key)}) as served:
        (tmp_path / "server.pem").write_text("broken\n")
        other = tmp_path / "other"
        other.mkdir()
        new, new_key = certificate(other, "renewed-server")
        new_key.replace(key)
        new.replace(cert)
        assert ask(served, ssl.create_default_context(cafile=str(cert))) == 200


def test_files_that_cannot_be_used(tmp_path: Path) -> None:
    cert, key = certificate(tmp_path, "server")
    _, other = certificate(tmp_path, "other")
    secret = tmp_path / "secret.key"
    openssl("ec", "-in", key, "-aes256", "-passout", "pass:x", "-out", secret)
    for broken in ((tmp_path / "none", key), (cert, other), (cert, secret), (key, cert)):
        with pytest.raises(ImageError, match="TLS"):
            Tls(*map(str, broken))
    with pytest.raises(ImageError, match="TLS"):
        Tls(str(cert), str(key), str(tmp_path / "none"))


def test_wrong_passwords_take_turns(users: Path) -> None:
    """However many try at once, each of them is told no."""
    known = Htpasswd(str(users))
    refused: list[int] = []

    def attempt() -> None:
        try:
            known.check(basic("alice", "x"))
        except Refusal as refusal:
            refused.append(refusal.status)

    threads = [threading.Thread(target=attempt) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(TIMEOUT_S)
    assert refused == [401] * 20
