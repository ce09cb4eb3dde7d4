"""Pulling from Debian's docker-registry what skopeo pushed there."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from imageparts import OCI_INDEX, Parts, Registry, archive, describe, entry, send, sha256
from rung.cli.main import execute
from rung.image import Event, Image, LayerError, RegistryError, Store
from rung.image.content import Content
from rung.image.snapshot.erofs import why_not
from rung.image.store.blobs import Blobs


def skopeo(*words: str) -> str:
    return subprocess.run(["skopeo", *words], check=True, capture_output=True, text=True).stdout


@pytest.fixture
def pushed(store: Store, docker_registry: str) -> tuple[Image, str]:
    """A busybox image, bootstrapped here and pushed by skopeo from our layout."""
    image = store.bootstrap("busybox")
    name = f"{docker_registry}/test/busybox:1"
    layout = f"oci:{store.content.directory}:{image.reference}"
    skopeo("copy", "-q", "--dest-tls-verify=false", layout, f"docker://{name}")
    return image, name


def test_pulls_what_skopeo_pushed(store: Store, place: Path, pushed: tuple[Image, str]) -> None:
    image, name = pushed
    other = Store(str(place / "other"))
    try:
        events: list[Event] = []
        pulled = other.pull(name, progress=events.append)
        assert (pulled.id, pulled.digest) == (image.id, image.digest)
        assert pulled.run_config == image.run_config and pulled.size_bytes == image.size_bytes
        assert [e.text for e in events if e.id][-1] == "Pull complete"
        rootfs = other.prepare_rootfs(pulled, "c1")
        rootfs.mount(str(place / "root"))
        assert os.readlink(place / "root/bin/sh") == "busybox"
        rootfs.remove()
        by_digest = other.pull(f"{name.rsplit(':', 1)[0]}@{image.digest}")
        assert by_digest.id == image.id and not by_digest.reference.tag
        events.clear()
        other.pull(name, progress=events.append)
        assert [e.text for e in events if e.id] == ["Already exists"]
    finally:
        other.close()


def test_the_command_line(place: Path, pushed: tuple[Image, str], capfd: pytest.CaptureFixture[str]) -> None:
    image, name = pushed
    root = ["--data-root", str(place / "cli")]
    assert execute([*root, "pull", name]) == 0
    out = capfd.readouterr().out
    assert f"Digest: {image.digest}" in out and out.endswith(f"{name}\n") and "Pull complete" in out
    assert execute([*root, "images", "--format", "{{.Repository}} {{.Tag}} {{.ID}}"]) == 0
    assert capfd.readouterr().out == f"{name.rsplit(':', 1)[0]} 1 {image.id.short}\n"
    assert execute([*root, "image", "ls", "--json"]) == 0
    assert json.loads(capfd.readouterr().out)[0]["RepoDigests"] == [f"{name.rsplit(':', 1)[0]}@{image.digest}"]
    assert execute([*root, "image", "inspect", name]) == 0
    assert json.loads(capfd.readouterr().out)[0]["Id"] == str(image.id)
    assert execute([*root, "pull", f"{name}-no"]) == 1
    assert "manifest unknown" in capfd.readouterr().err
    assert execute([*root, "rmi", name]) == 0
    assert f"Untagged: {name}" in capfd.readouterr().out


def test_docker_s_manifests(store: Store, place: Path, pushed: tuple[Image, str]) -> None:
    image, name = pushed
    skopeo("copy", "-q", "--src-tls-verify=false", f"docker://{name}", f"dir:{place}/copy")
    skopeo("copy", "-q", "--dest-tls-verify=false", "--format=v2s2", f"dir:{place}/copy", f"docker://{name}v2s2")
    pulled = store.pull(name + "v2s2")
    assert pulled.manifest.media_type == "application/vnd.docker.distribution.manifest.v2+json"
    assert pulled.config.diff_ids == image.config.diff_ids


def test_layers_in_zstd(store: Store) -> None:
    program = shutil.which("zstd")
    if program is None:
        pytest.skip("no zstd program to compress with")
    parts = Parts([archive(entry("x", b"x" * 100_000))])
    parts.layers = [subprocess.run([program, "-c"], input=parts.tars[0], capture_output=True, check=True).stdout]
    parts.document["layers"] = [describe(parts.layers[0], "application/vnd.oci.image.layer.v1.tar+zstd")]
    registry = Registry()
    try:
        store.pull(registry.serve(parts))
    except LayerError as error:
        assert "pip install" in str(error)
        pytest.skip("this Python cannot read zstd")
    finally:
        registry.close()


def test_the_platform_that_is_wanted(store: Store) -> None:
    registry = Registry()
    try:
        here, there = Parts([archive(entry("here"))]), Parts([archive(entry("there"))], architecture="s390x")
        manifests = []
        for parts, architecture in ((there, "s390x"), (here, os.uname().machine)):
            registry.serve(parts)
            platform = {"os": "linux", "architecture": {"x86_64": "amd64"}.get(architecture, architecture)}
            manifests.append(describe(parts.manifest, parts.document["mediaType"], platform=platform))
        name = registry.offer(json.dumps({"schemaVersion": 2, "manifests": manifests}).encode(), OCI_INDEX, "multi")
        image = store.pull(name)
        assert str(image.manifest_digest) == sha256(here.manifest) and image.digest != image.manifest_digest
        assert str(store.pull(name, "linux/s390x").platform) == "linux/s390x"
        with pytest.raises(RegistryError, match="no image for linux/riscv64 .*linux/s390x"):
            store.pull(name, "linux/riscv64")
    finally:
        registry.close()


@pytest.mark.parametrize("kind", ["basic", "bearer"])
def test_logs_in_with_docker_s_login(store: Store, place: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    registry = Registry()

    def guard(handler: object) -> bool:
        given = handler.headers.get("Authorization")  # type: ignore[attr-defined]
        path = handler.path  # type: ignore[attr-defined]
        if path.startswith("/token"):
            assert path.removesuffix("&account=me") == "/token?service=reg&scope=repository%3Asome%2Fimage%3Apull"
            send(handler, 200 if given == "Basic bWU6c2VjcmV0" else 401, b'{"token": "the-token"}')
            return True
        wanted = "Basic bWU6c2VjcmV0" if kind == "basic" else "Bearer the-token"
        if path == "/v2/" or given == wanted:
            return False
        realm = 'Basic realm="x"' if kind == "basic" else f'Bearer realm="http://{registry.host}/token",service="reg"'
        send(handler, 401, b"", **{"WWW-Authenticate": realm})
        return True

    try:
        name = registry.serve(Parts([archive(entry("x"))]))
        registry.hook = guard
        monkeypatch.setenv("DOCKER_CONFIG", str(place))
        with pytest.raises(RegistryError, match="access denied"):
            store.pull(name)
        (place / "config.json").write_text(json.dumps({"auths": {registry.host: {"auth": "bWU6c2VjcmV0"}}}))
        assert store.pull(name).run_config["Cmd"] == ["sh"]
        (place / "config.json").write_text(json.dumps({"auths": {registry.host: {"auth": "bWU6d3Jvbmc="}}}))
        store.remove(name)
        with pytest.raises(RegistryError, match="refused"):
            store.pull(name)
    finally:
        registry.close()


def test_only_the_changed_layer_is_transferred(store: Store) -> None:
    registry = Registry()
    try:
        base, old, new = (archive(entry(name, name.encode())) for name in ("base", "old", "new"))
        store.pull(registry.serve(Parts([base, old])))
        registry.requests.clear()
        changed = Parts([base, new])
        store.pull(registry.serve(changed))
        wanted = [sha256(changed.config), sha256(changed.layers[1])]
        assert [path.rsplit("/", 1)[1] for path in registry.blob_requests()] == wanted
    finally:
        registry.close()


def test_a_broken_off_download_is_taken_up(store: Store) -> None:
    registry = Registry()
    parts = Parts([archive(entry("big", os.urandom(400_000)))])
    layer = sha256(parts.layers[0])

    def hang_up(handler: object) -> bool:
        if layer not in handler.path or handler.headers.get("Range"):  # type: ignore[attr-defined]
            return False
        send(handler, 200, parts.layers[0][:100_000], length=len(parts.layers[0]))
        return True

    try:
        name = registry.serve(parts)
        registry.hook = hang_up
        store.pull(name)
        ranges = [headers.get("range") for path, headers in registry.requests if layer in path]
        assert ranges == [None, "bytes=100000-"]
    finally:
        registry.close()


def test_every_snapshotter_while_it_is_downloaded(any_store: Store, place: Path) -> None:
    registry = Registry()
    layers = [archive(*(entry(f"d{n}/f{at}", os.urandom(3000)) for at in range(40))) for n in range(4)]
    try:
        image = any_store.pull(registry.serve(Parts(layers)))
        assert len(registry.blob_requests()) == 5
    finally:
        registry.close()
    rootfs = any_store.prepare_rootfs(image, "c1")
    rootfs.mount(str(place / "root"))
    assert sum(len(files) for _, _, files in os.walk(place / "root")) == 160
    rootfs.remove()


def test_a_registry_that_begins_again_in_the_middle(store: Store, place: Path) -> None:
    """What was unpacked of the first attempt is thrown away, and the layer unpacked from the store."""
    registry = Registry()
    parts = Parts([archive(*(entry(f"f{at}", os.urandom(20_000)) for at in range(60)))])
    layer = sha256(parts.layers[0])
    asked: list[str | None] = []

    def no_ranges(handler: object) -> bool:
        if layer not in handler.path:  # type: ignore[attr-defined]
            return False
        asked.append(handler.headers.get("Range"))  # type: ignore[attr-defined]
        if len(asked) == 1:
            send(handler, 200, parts.layers[0][:700_000], length=len(parts.layers[0]))
        else:
            send(handler, 200, parts.layers[0])
        return True

    try:
        name = registry.serve(parts)
        registry.hook = no_ranges
        image = store.pull(name)
    finally:
        registry.close()
    assert asked == [None, "bytes=700000-"]
    rootfs = store.prepare_rootfs(image, "c1")
    rootfs.mount(str(place / "root"))
    assert len(os.listdir(place / "root")) == 60
    rootfs.remove()
    assert os.listdir(store.content.layers.new_directory) == []


@pytest.mark.parametrize("snapshotter", ["overlay", "erofs"])
def test_memory_is_bounded_whatever_the_image_s_size(ext4: Path, snapshotter: str) -> None:
    """A download that is faster than unpacking waits: of a layer of 120 MB no more than some pieces are in memory."""
    if snapshotter == "erofs" and (reason := why_not(str(ext4))):
        pytest.skip(f"this kernel cannot mount EROFS from a file: {reason}")
    registry = Registry()
    code = """
import sys
from rung.image import Store
with Store(sys.argv[1], snapshotter=sys.argv[2]) as store:
    store.pull(sys.argv[3])
print(open("/proc/self/status").read().split("VmHWM:")[1].split()[0])
"""
    noise = os.urandom(1 << 20)
    try:
        name = registry.serve(Parts([archive(*(entry(f"f{at}", noise) for at in range(120)))], compress=False))
        command = [sys.executable, "-c", code, str(ext4 / f"memory-{snapshotter}"), snapshotter, name]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
        run = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    finally:
        registry.close()
        shutil.rmtree(ext4 / f"memory-{snapshotter}", ignore_errors=True)
    assert int(run.stdout) < 100 * 1024


def test_blobs_have_lasting_names_before_the_image_has_one(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """After a power cut there is no name whose blobs are gone."""
    order: list[str] = []
    for owner, name in ((Blobs, "adopt"), (Blobs, "sync_names"), (Content, "publish")):
        real = getattr(owner, name)

        def noted(*given: object, _real: Callable[..., object] = real, _name: str = name, **words: object) -> object:
            order.append(_name)
            return _real(*given, **words)

        monkeypatch.setattr(owner, name, noted)
    registry = Registry()
    try:
        reference = registry.serve(Parts([archive(entry(f"file-{at}", b"%d" % at)) for at in range(9)]))
        store.pull(reference)
        assert order == [*["adopt"] * 11, "sync_names", "publish"]
    finally:
        registry.close()
