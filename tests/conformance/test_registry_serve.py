"""``rung registry serve`` under other people's clients: what they push is there, byte for byte, and what is
there they pull."""

from __future__ import annotations

import json
import os
import platform
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import registries
from imageparts import OCI_INDEX, OCI_MANIFEST, Parts, archive, directory, entry, sha256
from rung.image import collect_registry
from rung.image.content import Content
from rung.image.serve.bcrypt import bcrypt_hash
from serveparts import Process

from . import daemons
from .image_clients import TIMEOUT_S, Docker, Oras, Podman, Skopeo, call, index_of, raw, write_layout

HERE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
PROGRAMS = {"skopeo": ("skopeo",), "oras": ("oras",), "docker": ("docker", "dockerd", "skopeo"), "podman": ("podman", "skopeo")}
SUITE = "RUNG_DISTRIBUTION_SUITE"


def parts(name: str = "file", **more: Any) -> Parts:
    base = archive(directory("etc"), entry("etc/base", b"base" * 500))
    return Parts([base, archive(entry(name, name.encode() * 300))], **{"architecture": HERE, **more})


@pytest.fixture
def place() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="rung-serve-", dir="/dev/shm"))
    yield path
    shutil.rmtree(path)


@pytest.fixture(scope="module")
def served() -> Iterator[Process]:
    root = Path(tempfile.mkdtemp(prefix="rung-served-", dir="/dev/shm"))
    try:
        with Process(root) as made:
            yield made
    finally:
        shutil.rmtree(root)


@pytest.fixture(scope="module")
def docker_socket() -> Iterator[Path]:
    with daemons.dockerd({}) as folder:
        yield folder / "docker.sock"


@pytest.fixture
def client(request: pytest.FixtureRequest, place: Path) -> Any:
    name: str = request.param
    needs(*PROGRAMS[name])
    folder = place / name
    folder.mkdir()
    if name == "docker":
        return Docker(folder, request.getfixturevalue("docker_socket"))
    return {"skopeo": Skopeo, "oras": Oras, "podman": Podman}[name](folder)


def needs(*programs: str) -> None:
    if missing := daemons.needed(*programs):
        pytest.skip(missing)


@pytest.mark.parametrize("client", PROGRAMS, indirect=True)
def test_an_image_is_pushed_and_pulled(client: Any, request: pytest.FixtureRequest, served: Process, place: Path) -> None:
    it = parts(request.node.callspec.params["client"])
    name = f"{served.host}/team/{request.node.callspec.params['client']}:1"
    client.push(write_layout(place / "layout", it.manifest, OCI_MANIFEST, it.blobs), name)
    assert client.pull(name) == sha256(raw(name))


def test_a_whole_index(served: Process, place: Path) -> None:
    needs("skopeo")
    several = (parts("here"), parts("there", architecture="s390x"), parts("d", architecture="ppc64le", media="docker"))
    index = index_of(*several)
    blobs = {digest: data for one in several for digest, data in {**one.blobs, sha256(one.manifest): one.manifest}.items()}
    name = f"{served.host}/multi/image:1"
    Skopeo(place).push(write_layout(place / "layout", index, OCI_INDEX, blobs), name)
    assert raw(name) == index
    assert Skopeo(place).pull(name) == sha256(index)


def test_containerd_pulls_and_pushes(served: Process, place: Path) -> None:
    needs("containerd", "ctr", "skopeo")
    it = parts("contained")
    name = f"{served.host}/contained/app"
    Skopeo(place).push(write_layout(place / "layout", it.manifest, OCI_MANIFEST, it.blobs), f"{name}:1")
    with daemons.containerd() as folder:
        ctr = daemons.ctr(folder)
        call(*ctr, "content", "fetch", "--plain-http", f"{name}:1")
        call(*ctr, "images", "push", "--plain-http", f"{name}:2", f"{name}:1")
    assert raw(f"{name}:2") == it.manifest


def test_a_second_repository_mounts_what_the_first_has(served: Process, place: Path, docker_socket: Path) -> None:
    needs(*PROGRAMS["docker"])
    it = parts("mounted")
    docker = Docker(place, docker_socket)
    docker.push(write_layout(place / "layout", it.manifest, OCI_MANIFEST, it.blobs), f"{served.host}/first/app:1")
    docker._call("tag", f"{served.host}/first/app:1", f"{served.host}/second/app:1")
    docker._call("push", "-q", f"{served.host}/second/app:1")
    mounts = [line for line in served.log.splitlines() if "POST /v2/second/app/blobs/uploads/?from=first" in line]
    assert len(mounts) == len(it.layers) and all('" 201 ' in line for line in mounts), served.log[-3000:]


def test_skopeo_lists_inspects_and_deletes(served: Process, place: Path) -> None:
    needs("skopeo")
    it = parts("listed")
    name = f"{served.host}/listed/app"
    for tag in ("1", "2"):
        Skopeo(place).push(write_layout(place / f"layout{tag}", it.manifest, OCI_MANIFEST, it.blobs), f"{name}:{tag}")
    assert json.loads(call("skopeo", "list-tags", "--tls-verify=false", f"docker://{name}"))["Tags"] == ["1", "2"]
    found = json.loads(call("skopeo", "inspect", "--tls-verify=false", f"docker://{name}:1"))
    assert found["Digest"] == sha256(it.manifest) and found["Layers"] == [sha256(one) for one in it.layers]
    call("skopeo", "delete", "--tls-verify=false", f"docker://{name}:1")
    assert json.loads(call("skopeo", "list-tags", "--tls-verify=false", f"docker://{name}"))["Tags"] == []


def test_oras_attaches_and_discovers(served: Process, place: Path) -> None:
    needs("oras", "skopeo")
    it = parts("attached")
    name = f"{served.host}/attached/app:1"
    Skopeo(place).push(write_layout(place / "layout", it.manifest, OCI_MANIFEST, it.blobs), name)
    (place / "bill.json").write_text("{}")
    for kind in ("application/example.bill", "application/example.other"):
        words = ("oras", "attach", "--no-tty", "--plain-http", "--artifact-type", kind, name, "bill.json")
        call(*words, cwd=place)
    found = json.loads(call("oras", "discover", "--plain-http", "--format", "json", name))
    key = "referrers" if "referrers" in found else "manifests"
    assert sorted(one["artifactType"] for one in found[key]) == ["application/example.bill", "application/example.other"]
    words = ("oras", "discover", "--plain-http", "--format", "json", "--artifact-type", "application/example.bill", name)
    assert len(json.loads(call(*words))[key]) == 1
    assert "attached/app" in call("oras", "repo", "ls", "--plain-http", served.host)
    assert call("oras", "repo", "tags", "--plain-http", f"{served.host}/attached/app").split() == ["1"]


def test_tls_and_users(place: Path) -> None:
    needs("skopeo", "podman")
    authority = registries.Authority(place / "ca")
    certificate, key = authority.issue("registry")
    (place / "users").write_text(f"alice:{bcrypt_hash(b'wonder', cost=5)}\n")
    (place / "certs").mkdir()
    shutil.copy(authority.certificate, place / "certs/ca.crt")
    it = parts("secret")
    layout = write_layout(place / "layout", it.manifest, OCI_MANIFEST, it.blobs)
    flags = ("--tls-cert", certificate, "--tls-key", key, "--htpasswd", place / "users")
    with Process(place / "store", *flags) as served:
        name = f"docker://{served.host}/app:1"
        copy = ("skopeo", "copy", "-q", f"--dest-cert-dir={place}/certs")
        call(*copy, "--dest-creds", "alice:wonder", f"oci:{layout}:1", name)
        for wrong in (("--dest-creds", "alice:land"), ()):
            run = subprocess.run([*copy, *wrong, f"oci:{layout}:1", name], capture_output=True, text=True, timeout=TIMEOUT_S)
            assert run.returncode != 0 and ("unauthorized" in run.stderr or "authentication required" in run.stderr), run.stderr
        env = {"REGISTRY_AUTH_FILE": str(place / "auth.json")}
        login = ("podman", "login", f"--cert-dir={place}/certs", "-u", "alice", "-p", "wonder", served.host)
        call(*login, env={**env, "PODMAN_IGNORE_CGROUPSV1_WARNING": "1"})
        found = json.loads(call("skopeo", "inspect", f"--cert-dir={place}/certs", name, env=env))
        assert found["Digest"] == sha256(it.manifest)


def test_users_push_and_anybody_pulls(place: Path) -> None:
    """All but docker, which wants a login wherever a registry offers one."""
    needs("skopeo", "oras", "podman")
    (place / "users").write_text(f"alice:{bcrypt_hash(b'wonder', cost=5)}\n")
    it = parts("free")
    layout = write_layout(place / "layout", it.manifest, OCI_MANIFEST, it.blobs)
    with Process(place / "store", "--htpasswd", place / "users", "--anonymous-pull") as served:
        name = f"{served.host}/app:1"
        words = ("skopeo", "copy", "-q", "--dest-tls-verify=false", "--dest-creds", "alice:wonder")
        call(*words, f"oci:{layout}:1", f"docker://{name}")
        for client in (Skopeo, Oras, Podman):
            assert client(place).pull(name) == sha256(it.manifest)


def test_a_cache_of_another_registry(place: Path) -> None:
    needs("skopeo")
    it = parts("far")
    layout = write_layout(place / "layout", it.manifest, OCI_MANIFEST, it.blobs)
    with registries.docker_registry() as far:
        Skopeo(place).push(layout, f"{far}/library/app:1")
        with Process(place / "store", "--proxy", f"http://{far}") as near:
            first = Skopeo(place)
            assert first.pull(f"{near.host}/library/app:1") == sha256(it.manifest)
    with Process(place / "store", "--proxy", f"http://{far}") as near:  # which is not there any more
        shutil.rmtree(place / "skopeo")
        assert Skopeo(place).pull(f"{near.host}/library/app:1") == sha256(it.manifest)


def test_cosign_and_rung_accept_each_others_signatures(served: Process, place: Path) -> None:
    needs("skopeo", "cosign")
    pytest.importorskip("cryptography")
    from rung.image import PrivateKey, PublicKey, sign_image, verify_image

    it = parts("signed")
    name = f"{served.host}/signed/app:1"
    Skopeo(place).push(write_layout(place / "layout", it.manifest, OCI_MANIFEST, it.blobs), name)
    env = {"COSIGN_PASSWORD": "secret", "HOME": str(place), "SIGSTORE_NO_CACHE": "1"}
    call("cosign", "generate-key-pair", "--output-key-prefix", "theirs", env=env, cwd=place)
    ours = PrivateKey.make()
    (place / "ours.pub").write_bytes(ours.public.pem)
    (place / "ours.key").write_bytes(ours.sealed(b"secret"))
    sign = ("cosign", "sign", "--yes", "--tlog-upload=false", "--allow-insecure-registry")
    call(*sign, "--key", "theirs.key", "-a", "by=cosign", f"{served.host}/signed/app@{sha256(it.manifest)}", env=env, cwd=place)
    sign_image(name, ours, annotations={"by": "rung"})
    assert verify_image(name, [PublicKey.load(str(place / "theirs.pub"))], annotations={"by": "cosign"}).payloads
    verify = ("cosign", "verify", "--insecure-ignore-tlog", "--allow-insecure-registry")
    for flags in ((), ("--experimental-oci11",)):
        said = json.loads(call(*verify, *flags, "--key", "ours.pub", "-a", "by=rung", name, env=env, cwd=place))
        assert [one["critical"]["image"]["docker-manifest-digest"] for one in said] == [sha256(it.manifest)]
    # The form of newer cosigns, which 2.5 knows for attestations only.
    sign_image(name, ours, form="bundle")
    (place / "root.json").write_text('{"mediaType": "application/vnd.dev.sigstore.trustedroot+json;version=0.1"}')
    (place / "predicate.json").write_text("{}")
    kind = ("--new-bundle-format", "--type", "https://sigstore.dev/cosign/sign/v1", "--allow-insecure-registry")
    attested = ("cosign", "verify-attestation", "--insecure-ignore-tlog", "--trusted-root", "root.json")
    call(*attested, *kind, "--key", "ours.pub", name, env=env, cwd=place)
    call(
        *("cosign", "attest", "--yes", "--tlog-upload=false", "--predicate", "predicate.json", "--key", "theirs.key"),
        *(*kind, f"{served.host}/signed/app@{sha256(it.manifest)}"),
        env=env,
        cwd=place,
    )
    assert len(verify_image(name, [PublicKey.load(str(place / "theirs.pub"))]).payloads) == 2
    # Each can use the other's private key file.
    theirs = PrivateKey.load(str(place / "theirs.key"), b"secret")
    sign_image(name, theirs, annotations={"key": "theirs"})
    call(*verify, "--key", "theirs.pub", "-a", "key=theirs", name, env=env, cwd=place)
    assert call("cosign", "public-key", "--key", "ours.key", env=env, cwd=place).strip() == ours.public.pem.decode().strip()


def test_skopeo_holds_to_a_policy_with_our_signature(served: Process, place: Path) -> None:
    """containers/image reads what we sign, by the same policy file that we read."""
    needs("skopeo")
    pytest.importorskip("cryptography")
    from rung.image import PrivateKey, sign_image

    it = parts("policed")
    name = f"{served.host}/policed/app:1"
    Skopeo(place).push(write_layout(place / "layout", it.manifest, OCI_MANIFEST, it.blobs), name)
    key = PrivateKey.make()
    (place / "key.pub").write_bytes(key.public.pem)
    requirement = {"type": "sigstoreSigned", "keyPath": str(place / "key.pub"), "signedIdentity": {"type": "matchRepository"}}
    (place / "policy.json").write_text(json.dumps({"default": [requirement]}))
    (place / "registries.d").mkdir()
    (place / "registries.d/own.yaml").write_text(f"docker:\n  {served.host}:\n    use-sigstore-attachments: true\n")
    words = (
        *("skopeo", "--policy", place / "policy.json", "--registries.d", place / "registries.d", "copy", "-q"),
        *("--remove-signatures", "--src-tls-verify=false", f"docker://{name}", f"dir:{place}/copied"),
    )
    run = subprocess.run(words, capture_output=True, text=True, timeout=TIMEOUT_S, check=False)
    assert run.returncode != 0 and "signature" in run.stderr
    sign_image(name, key)
    call(*words)


def test_collection_while_docker_pushes(served: Process, place: Path, docker_socket: Path) -> None:
    needs(*PROGRAMS["docker"])
    content = Content(str(served.root / "image"))
    for turn in range(3):
        it = parts(f"collected {turn}")
        folder = place / str(turn)
        folder.mkdir()
        docker = Docker(folder, docker_socket)
        docker.push(write_layout(folder / "layout", it.manifest, OCI_MANIFEST, it.blobs), f"{served.host}/gc/app:{turn}")
        collect_registry(content, grace_s=600, untagged=True)
        assert docker.pull(f"{served.host}/gc/app:{turn}") == sha256(raw(f"{served.host}/gc/app:{turn}"))
    content.metadata.close()


def test_the_suite_of_the_specification(place: Path) -> None:
    if SUITE not in os.environ:
        pytest.skip(f"{SUITE} names no conformance program (see tests/conformance/distribution_suite.sh)")
    script = Path(__file__).parent / "distribution_suite.sh"
    run = subprocess.run([script, place / "results"], capture_output=True, text=True, timeout=300, stdin=subprocess.DEVNULL)
    counts = {line.split(".", 1)[0].strip(): int(line.rpartition(":")[2]) for line in run.stdout.splitlines() if "....: " in line and line.rpartition(":")[2].strip().isdigit()}
    assert run.returncode == 0, run.stdout[-3000:] + run.stderr[-2000:]
    assert counts["Pass"] > 900 and counts["FAIL"] == counts["Error"] == counts["Skip"] == 0, run.stdout[-3000:]
