"""Logins, certificates, mirrors and proxies, against Debian's docker-registry."""

from __future__ import annotations

import base64
import json
import shutil
import socket
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

import registries
from imageparts import OCI_MANIFEST, Parts, archive, entry, sha256
from registries import HTPASSWD, PASSWORD, USER, Authority, TokenService, docker_registry
from rung.cli.main import execute
from rung.image import RegistryError, Store, copy_image, login, logout

from . import daemons
from .image_clients import call, write_layout

IT = Parts([archive(entry("file", b"file" * 1000)), archive(entry("other", b"other" * 1000))])


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder with the layout ``layout``; docker's configuration and certs.d are in it, and empty."""
    path = Path(tempfile.mkdtemp(prefix="rung-login-", dir="/dev/shm"))
    monkeypatch.setenv("DOCKER_CONFIG", str(path / "docker"))
    monkeypatch.setenv("RUNG_CERTS_D", str(path / "certs.d"))
    write_layout(path / "layout", IT.manifest, OCI_MANIFEST, IT.blobs)
    yield path
    shutil.rmtree(path)


@pytest.fixture
def store(place: Path) -> Iterator[Store]:
    with Store(str(place / "store")) as made:
        yield made


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("authority"))


@pytest.fixture(scope="module")
def passwords(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("htpasswd") / "htpasswd"
    path.write_text(HTPASSWD)
    return path


@pytest.fixture(scope="module")
def basic(passwords: Path) -> Iterator[str]:
    with docker_registry(auth={"htpasswd": {"realm": "test", "path": str(passwords)}}) as host:
        yield host


@pytest.fixture(scope="module")
def tokens(tmp_path_factory: pytest.TempPathFactory, authority: Authority) -> Iterator[tuple[str, TokenService]]:
    service = TokenService(tmp_path_factory.mktemp("tokens"), authority)
    try:
        with docker_registry(auth=service.auth) as host:
            yield host, service
    finally:
        service.close()


def push(place: Path, name: str) -> str:
    return str(copy_image(f"oci:{place}/layout:1", f"docker://{name}", lambda event: None, open_store=_no_store).digest)


def _no_store() -> Store:
    raise AssertionError("no store is needed")


# --- basic ---------------------------------------------------------------------------


def test_a_password(basic: str, place: Path, store: Store, capfd: pytest.CaptureFixture[str]) -> None:
    name = f"{basic}/some/image:1"
    with pytest.raises(RegistryError, match=f"access denied.*rung login {basic}"):
        push(place, name)
    with pytest.raises(RegistryError, match="wrong user or password"):
        login(basic, USER, "wrong")
    assert not (place / "docker").exists(), "a login that does not work is not kept"
    assert execute(["login", "-u", USER, "-p", PASSWORD, basic]) == 0
    out = capfd.readouterr()
    assert out.out == "Login Succeeded\n" and "stored unencrypted" in out.err
    config = place / "docker/config.json"
    assert config.stat().st_mode & 0o777 == 0o600
    assert push(place, name) == sha256(IT.manifest) == str(store.pull(name).digest)
    # skopeo reads the login that Rung kept, and logs in with it.
    call("skopeo", "inspect", "--tls-verify=false", "--authfile", config, f"docker://{name}")
    assert execute(["logout", basic]) == 0
    assert capfd.readouterr().out == f"Removing login credentials for {basic}\n"
    assert json.loads(config.read_text()) == {"auths": {}}
    with pytest.raises(RegistryError, match="access denied"):
        store.pull(name)
    assert not logout(basic)


@pytest.mark.skipif(bool(daemons.needed("docker")), reason=str(daemons.needed("docker")))
def test_the_rest_of_docker_s_configuration_stays(basic: str, place: Path) -> None:
    config = place / "docker/config.json"
    config.parent.mkdir()
    config.write_text(json.dumps({"auths": {"other": {"auth": "eDp5"}}, "HttpHeaders": {"X": "y"}}))
    login(f"https://{basic}/v2/", USER, PASSWORD)
    kept = json.loads(config.read_text())
    assert kept["HttpHeaders"] == {"X": "y"} and kept["auths"]["other"] == {"auth": "eDp5"}
    assert kept["auths"][basic] == {"auth": base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()}
    assert logout(basic) and json.loads(config.read_text())["auths"] == {"other": {"auth": "eDp5"}}


CREDENTIAL_PROGRAM = r"""#!/bin/sh
# As docker-credential-helpers: one JSON file a server, here.
cd {folder}
read -r line
case $1 in
    get) file=$(printf %s "$line" | tr / _); cat "$file" 2>/dev/null || {{ echo "credentials not found in native keychain"; exit 1; }} ;;
    store) file=$(printf %s "$line" | sed 's/.*"ServerURL": *"\([^"]*\)".*/\1/' | tr / _); printf %s "$line" >"$file" ;;
    erase) rm -f "$(printf %s "$line" | tr / _)" ;;
esac
"""


def test_a_credential_program_keeps_the_password(
    basic: str, place: Path, store: Store, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    kept = place / "kept"
    for path in (kept, place / "bin", place / "docker"):
        path.mkdir()
    program = place / "bin/docker-credential-test"
    program.write_text(CREDENTIAL_PROGRAM.format(folder=kept))
    program.chmod(0o755)
    import os

    monkeypatch.setenv("PATH", f"{place}/bin:{os.environ['PATH']}")
    config = place / "docker/config.json"
    config.write_text(json.dumps({"credHelpers": {basic: "test"}}))
    assert execute(["login", "-u", USER, "-p", PASSWORD, basic]) == 0
    assert "unencrypted" not in capfd.readouterr().err
    assert json.loads((kept / basic).read_text()) == {"ServerURL": basic, "Username": USER, "Secret": PASSWORD}
    assert PASSWORD not in config.read_text()
    assert push(place, f"{basic}/helped/image:1") == sha256(IT.manifest)
    config.write_text(json.dumps({"credsStore": "test"}))
    assert store.pull(f"{basic}/helped/image:1").id
    assert logout(basic) and not list(kept.iterdir())
    program.write_text("#!/bin/sh\necho nonsense\n")
    with pytest.raises(RegistryError, match="docker-credential-test get: does not answer with a login"):
        store.pull(f"{basic}/helped/image:1")
    program.write_text("#!/bin/sh\necho the keychain is locked >&2; exit 1\n")
    with pytest.raises(RegistryError, match="docker-credential-test get: the keychain is locked"):
        store.pull(f"{basic}/helped/image:1")


# --- tokens --------------------------------------------------------------------------


def test_tokens(tokens: tuple[str, TokenService], place: Path, store: Store) -> None:
    host, service = tokens
    name = f"{host}/some/image:1"
    with pytest.raises(RegistryError, match="access denied"):
        push(place, name)  # nobody may only read
    service.requests.clear()
    config = place / "docker/config.json"
    config.parent.mkdir()
    auth = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    config.write_text(json.dumps({"auths": {host: {"auth": auth}}}))
    assert push(place, name) == sha256(IT.manifest)
    assert [given["scope"].replace("push,pull", "pull,push") for _, _, given in service.requests] == [
        "repository:some/image:pull,push"
    ]
    config.unlink()
    assert str(store.pull(name).digest) == sha256(IT.manifest)
    assert service.requests[-1][1:] == ("", {"service": "test registry", "scope": "repository:some/image:pull"})
    # A mount needs to read the other repository as well; it is asked for in one token.
    config.write_text(json.dumps({"auths": {host: {"auth": auth}}}))
    store.tag(name, f"{host}/other/image:1")
    said: list[str] = []
    store.push(f"{host}/other/image:1", lambda event: said.append(event.text))
    assert said.count("Mounted from some/image") == 2
    asked = [given["scope"].replace("push,pull", "pull,push").split() for _, _, given in service.requests]
    assert ["repository:other/image:pull,push", "repository:some/image:pull"] in [sorted(scopes) for scopes in asked]
    config.write_text(json.dumps({"auths": {host: {"auth": base64.b64encode(b"me:wrong").decode()}}}))
    with pytest.raises(RegistryError, match="access denied.*token service.*401.*stored login was refused"):
        store.pull(name)


def test_an_identity_token_instead_of_the_password(tokens: tuple[str, TokenService], place: Path, store: Store) -> None:
    host, service = tokens
    login(host, USER, PASSWORD)
    kept = json.loads((place / "docker/config.json").read_text())["auths"][host]
    assert kept["identitytoken"] == service.REFRESH
    assert base64.b64decode(kept["auth"]).decode() == f"{USER}:", "the password is not kept"
    service.requests.clear()
    name = f"{host}/identity/image:1"
    assert push(place, name) == sha256(IT.manifest) == str(store.pull(name).digest)
    assert {(method, header) for method, header, _ in service.requests} == {("POST", "")}
    given = service.requests[0][2]
    assert given | {"scope": given["scope"].replace("push,pull", "pull,push")} == {
        "grant_type": "refresh_token", "service": "test registry", "client_id": "rung",
        "scope": "repository:identity/image:pull,push", "refresh_token": service.REFRESH,
    }  # fmt: skip


# --- certificates --------------------------------------------------------------------


def test_a_certificate_of_an_authority_that_is_known_and_of_none(place: Path, store: Store, authority: Authority) -> None:
    certificate, key = authority.issue("registry")
    with docker_registry(http={"tls": {"certificate": str(certificate), "key": str(key)}}) as host:
        name = f"{host}/some/image:1"
        assert push(place, name), "on loopback, as with docker, nobody asks for a certificate"
        trust = place / "certs.d" / host
        trust.mkdir(parents=True)
        shutil.copy(authority.certificate, trust / "ca.crt")
        assert store.pull(name).id
        Authority(place / "impostor")
        shutil.copy(place / "impostor/ca.crt", trust / "ca.crt")
        with pytest.raises(RegistryError, match=rf"registry {host}: its certificate is not trusted: .*certs.d/{host}/ca.crt"):
            store.pull(name)
        assert store.pull(name, insecure=True).id
        (trust / "hosts.toml").write_text(f'[host."https://{host}"]\n  ca = "{authority.certificate}"\n')
        assert store.pull(name).id
        (trust / "hosts.toml").write_text(f'server = "https://{host}"\nca = "nowhere.pem"\n')
        with pytest.raises(RegistryError, match="certificate .*nowhere.pem: cannot be used: No such file"):
            store.pull(name)


def test_a_certificate_of_another_name(place: Path, store: Store, authority: Authority) -> None:
    certificate, key = authority.issue("elsewhere", "DNS:elsewhere.example")
    with docker_registry(http={"tls": {"certificate": str(certificate), "key": str(key)}}) as host:
        trust = place / "certs.d" / host
        trust.mkdir(parents=True)
        shutil.copy(authority.certificate, trust / "ca.crt")
        with pytest.raises(RegistryError, match="its certificate is not trusted: .*127.0.0.1"):
            store.pull(f"{host}/some/image:1")


def test_who_we_are_by_certificate(place: Path, store: Store, authority: Authority) -> None:
    certificate, key = authority.issue("registry")
    mine, my_key = authority.issue("me")
    tls = {"certificate": str(certificate), "key": str(key), "clientcas": [str(authority.certificate)]}
    with docker_registry(http={"tls": tls}) as host:
        trust = place / "certs.d" / host
        trust.mkdir(parents=True)
        shutil.copy(authority.certificate, trust / "ca.crt")
        name = f"{host}/some/image:1"
        with pytest.raises(RegistryError, match=rf"registry {host}: TLS fails: .*certificate required \(.*client.cert"):
            push(place, name)
        shutil.copy(mine, trust / "client.cert")
        with pytest.raises(RegistryError, match=r"client.cert: has no client.key beside it"):
            push(place, name)
        shutil.copy(my_key, trust / "client.key")
        assert push(place, name) == str(store.pull(name).digest)
        for path in trust.iterdir():
            path.unlink()
        (trust / "hosts.toml").write_text(
            f'server = "https://{host}"\nca = "{authority.certificate}"\nclient = [["{mine}", "{my_key}"]]\n'
        )
        assert store.pull(name).id


# --- mirrors and proxies -------------------------------------------------------------


def test_mirrors_are_asked_first_and_the_registry_last(place: Path, store: Store) -> None:
    with docker_registry() as mirror, docker_registry() as origin:
        (place / "certs.d" / origin).mkdir(parents=True)
        toml = place / "certs.d" / origin / "hosts.toml"
        toml.write_text(
            f'server = "http://{origin}"\n[host."http://{registries.nobody()}"]\n'
            f'[host."http://{mirror}"]\n  capabilities = ["pull", "resolve"]\n'
        )
        push(place, f"{mirror}/only/mirrored:1")
        assert str(store.pull(f"{origin}/only/mirrored:1").digest) == sha256(IT.manifest)
        push(place, f"{origin}/only/here:1")
        assert store.pull(f"{origin}/only/here:1").id, "a push goes to the registry itself, and so does what a mirror lacks"
        with pytest.raises(RegistryError, match="unknown|not found"):
            copy_image(f"docker://{mirror}/only/here:1", f"dir:{place}/no", lambda event: None, open_store=_no_store)
        toml.write_text(f'[host."http://{mirror}"]\n  capabilities = ["fly"]\n')
        with pytest.raises(RegistryError, match=r"hosts.toml: host.*capabilities has 'fly'"):
            store.pull(f"{origin}/only/here:1")
        toml.write_text("[[[")
        with pytest.raises(RegistryError, match=r"read .*hosts.toml"):
            store.pull(f"{origin}/only/here:1")


@contextmanager
def proxy(target: str) -> Iterator[tuple[str, list[str]]]:
    """A forward proxy that brings everything to one server, whatever name was asked for."""
    heads: list[str] = []

    def serve(client: socket.socket) -> None:
        with client:
            client.settimeout(60)
            data = b""
            while b"\r\n\r\n" not in data:
                more = client.recv(65536)
                if not more:
                    return
                data += more
            heads.append(data.partition(b"\r\n\r\n")[0].decode())
            host, _, port = target.partition(":")
            with socket.create_connection((host, int(port)), 60) as server:
                if heads[-1].startswith("CONNECT"):
                    client.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
                else:
                    line, _, rest = data.partition(b"\r\n")
                    method, url, version = line.split(b" ")
                    path = b"/" + url.split(b"/", 3)[3]
                    server.sendall(b" ".join((method, path, version)) + b"\r\nConnection: close\r\n" + rest)
                both = [threading.Thread(target=pump, args=pair, daemon=True) for pair in ((client, server), (server, client))]
                for thread in both:
                    thread.start()
                both[1].join()

    def pump(source: socket.socket, to: socket.socket) -> None:
        try:
            while data := source.recv(65536):
                to.sendall(data)
            to.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def accept() -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=serve, args=(client,), daemon=True).start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=accept, daemon=True)
        thread.start()
        yield f"127.0.0.1:{listener.getsockname()[1]}", heads
        listener.shutdown(socket.SHUT_RDWR)
        thread.join(60)


def test_through_a_proxy(place: Path, store: Store, monkeypatch: pytest.MonkeyPatch, authority: Authority) -> None:
    certificate, key = authority.issue("example", "DNS:registry.example")
    tls = {"certificate": str(certificate), "key": str(key)}
    for scheme, more in (("http", {}), ("https", {"tls": tls})):
        with docker_registry(http=more) as host, proxy(host) as (address, heads):
            trust = place / "certs.d/registry.example"
            trust.mkdir(parents=True, exist_ok=True)
            (trust / "hosts.toml").write_text(f'server = "{scheme}://registry.example"\nca = "{authority.certificate}"\n')
            monkeypatch.setenv(f"{scheme.upper()}_PROXY", f"http://me:pass@{address}")
            name = f"registry.example/{scheme}/image:1"
            assert push(place, name) == str(store.pull(name).digest)
            assert heads and all("Proxy-Authorization: Basic bWU6cGFzcw==" in head for head in heads)
            first = "CONNECT registry.example:443" if scheme == "https" else "HEAD http://registry.example/v2/http/image/"
            assert heads[0].startswith(first)


def test_the_proxy_refuses(place: Path, store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def refuse() -> None:
            for _ in range(5):
                client, _ = listener.accept()
                with client:
                    client.recv(65536)
                    client.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")

        thread = threading.Thread(target=refuse, daemon=True)
        thread.start()
        address = f"127.0.0.1:{listener.getsockname()[1]}"
        monkeypatch.setenv("HTTPS_PROXY", address)
        with pytest.raises(RegistryError, match=f"registry registry.example: the proxy {address} answers 407"):
            from rung.image.registry.limits import Limits
            from rung.image.registry.pull import pull
            from rung.spec.image import Platform, Reference

            where = Reference.parse("registry.example/some/image")
            pull(store.content, where, Platform("linux", "amd64"), lambda event: None, limits=Limits(backoff_s=0.001))
        thread.join(60)
