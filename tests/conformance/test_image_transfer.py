"""skopeo, oras, docker and podman push images that Rung pulls, and pull what Rung pushes: the same digests."""

from __future__ import annotations

import hashlib
import json
import platform
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import registries
from imageparts import OCI_INDEX, OCI_LAYER, OCI_MANIFEST, Parts, archive, describe, directory, entry, sha256
from rung.cli.main import execute
from rung.image import Store, copy_image, list_referrers
from serveparts import Served

from . import daemons
from .image_clients import Docker, Oras, Podman, Skopeo, call, index_of, raw, write_layout

HERE = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
DOCKER_INDEX = "application/vnd.docker.distribution.manifest.list.v2+json"
PROGRAMS = {"skopeo": ("skopeo",), "oras": ("oras",), "docker": ("docker", "dockerd", "skopeo"), "podman": ("podman", "skopeo")}


def parts(name: str = "file", **more: Any) -> Parts:
    base = archive(directory("etc"), entry("etc/base", b"base" * 500))
    return Parts([base, archive(entry(name, name.encode() * 300))], **{"architecture": HERE, **more})


@pytest.fixture
def place() -> Iterator[Path]:
    path = Path(tempfile.mkdtemp(prefix="rung-transfer-", dir="/dev/shm"))
    yield path
    shutil.rmtree(path)


@pytest.fixture
def store(place: Path) -> Iterator[Store]:
    with Store(str(place / "store")) as made:
        yield made


@pytest.fixture(scope="module", params=["docker-registry", "rung registry serve"])
def registry(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    if request.param == "docker-registry":
        with registries.docker_registry() as host:
            yield host
    else:
        with Served(tmp_path_factory.mktemp("served")) as served:
            yield served.host


@pytest.fixture(scope="module")
def docker_socket() -> Iterator[Path]:
    with daemons.dockerd({}) as folder:
        yield folder / "docker.sock"


@pytest.fixture
def client(request: pytest.FixtureRequest, place: Path) -> Any:
    name: str = request.param
    if missing := daemons.needed(*PROGRAMS[name]):
        pytest.skip(missing)
    folder = place / name
    folder.mkdir()
    if name == "docker":
        return Docker(folder, request.getfixturevalue("docker_socket"))
    return {"skopeo": Skopeo, "oras": Oras, "podman": Podman}[name](folder)


@pytest.mark.parametrize("client", PROGRAMS, indirect=True)
def test_an_image_goes_there_and_back(client: Any, request: pytest.FixtureRequest, registry: str, store: Store, place: Path) -> None:
    it = parts()
    name = f"{registry}/from/{request.node.callspec.params['client']}:1"
    client.push(write_layout(place / "layout", it.manifest, OCI_MANIFEST, it.blobs), name)
    pulled = store.pull(name)
    assert str(pulled.digest) == sha256(raw(name)), "the digest is that of the bytes in the registry"
    assert [str(one) for one in pulled.config.diff_ids] == it.diff_ids
    assert client.pull(name) == str(pulled.digest)

    mine = name.replace("/from/", "/to/")
    store.tag(name, mine)
    pushed = store.push(mine)
    assert str(pushed.digest) == str(pulled.digest) == sha256(raw(mine)) == client.pull(mine)


@pytest.mark.parametrize("media", ["oci", "docker"])
def test_both_kinds_of_manifests(media: str, registry: str, store: Store, place: Path) -> None:
    it = parts(f"a {media} file", media=media)
    kind = it.document["mediaType"]
    name = f"{registry}/kinds/{media}:1"
    assert str(copy_image(f"oci:{write_layout(place / 'l', it.manifest, kind, it.blobs)}", f"docker://{name}",
                          print, open_store=lambda: store).digest) == sha256(it.manifest)  # fmt: skip
    assert raw(name) == it.manifest
    assert store.pull(name).manifest.media_type == kind
    store.tag(name, name + "-again")
    assert str(store.push(name + "-again").digest) == sha256(raw(name + "-again")) == sha256(it.manifest)
    inspected = json.loads(call("skopeo", "inspect", "--tls-verify=false", f"docker://{name}-again"))
    assert inspected["Digest"] == sha256(it.manifest) and inspected["Layers"] == [sha256(one) for one in it.layers]


def test_a_whole_index(registry: str, store: Store, place: Path) -> None:
    here, there, docker = parts("here"), parts("there", architecture="s390x"), parts("d", architecture="ppc64le", media="docker")
    index = index_of(here, there, docker)
    blobs = {**here.blobs, **there.blobs, **docker.blobs}
    blobs |= {sha256(one.manifest): one.manifest for one in (here, there, docker)}
    name = f"{registry}/multi/image:1"
    Skopeo(place).push(write_layout(place / "layout", index, OCI_INDEX, blobs), name)
    image = store.pull(name, all_platforms=True)
    assert str(image.digest) == sha256(index) and str(image.manifest_digest) == sha256(here.manifest)
    store.tag(name, name + "-mine")
    assert str(store.push(name + "-mine").digest) == sha256(index)
    assert raw(name + "-mine") == index
    assert Skopeo(place).pull(name + "-mine") == sha256(index)
    store.remove(name)
    assert str(store.push(name + "-mine", platform="linux/s390x").digest) == sha256(there.manifest)
    assert raw(name + "-mine") == there.manifest
    # Without the others' content only the one image that is here can be pushed.
    other = Store(str(place / "other"))
    with other:
        other.pull(name)
        other.tag(name, name + "-one")
        assert str(other.push(name + "-one").digest) == sha256(here.manifest)


def test_layers_in_zstd_are_carried_as_they_are(registry: str, store: Store, place: Path) -> None:
    program = shutil.which("zstd")
    if program is None:
        pytest.skip("no zstd program to compress with: apt-get install zstd")
    it = parts("z")
    it.layers = [subprocess.run([program, "-c"], input=one, capture_output=True, check=True).stdout for one in it.tars]
    it.document["layers"] = [describe(one, OCI_LAYER + "+zstd") for one in it.layers]
    name = f"{registry}/zstd/image:1"
    Skopeo(place).push(write_layout(place / "layout", it.manifest, OCI_MANIFEST, it.blobs), name)
    at = copy_image(f"docker://{name}", f"docker://{name}-copy", lambda event: None, open_store=lambda: store)
    assert raw(name) == raw(name + "-copy")
    assert raw(name) == it.manifest
    assert Skopeo(place).pull(name + "-copy") == str(at.digest)


def test_a_layer_is_mounted_from_the_other_repository(registry: str, store: Store, place: Path) -> None:
    it = parts("mounted")
    name = f"{registry}/mount/here:1"
    Skopeo(place).push(write_layout(place / "layout", it.manifest, OCI_MANIFEST, it.blobs), name)
    store.pull(name)
    there = f"{registry}/mount/there:1"
    store.tag(name, there)
    said: list[str] = []
    store.push(there, lambda event: said.append(event.text))
    assert [text for text in said if text.startswith("Mounted")] == ["Mounted from mount/here"] * 2
    said.clear()
    store.push(there, lambda event: said.append(event.text))
    assert said.count("Layer already exists") == 3 and "Pushed" not in said


def test_digests_of_sha512(store: Store, place: Path) -> None:
    """docker-registry knows sha256 alone; Rung's registry takes both."""
    it = parts("long")

    def long(data: bytes) -> str:
        return "sha512:" + hashlib.sha512(data).hexdigest()

    for one, data in zip((it.document["config"], *it.document["layers"]), (it.config, *it.layers)):
        one["digest"] = long(data)
    layout = write_layout(place / "layout", it.manifest, OCI_MANIFEST, {})
    (layout / "blobs/sha512").mkdir()
    for data in (it.config, *it.layers):
        (layout / "blobs/sha512" / long(data).partition(":")[2]).write_bytes(data)
    with Served(place / "served") as served:
        name = f"{served.host}/long/image:1"
        copy_image(f"oci:{layout}:1", f"docker://{name}", lambda event: None, open_store=lambda: store)
        image = store.pull(name)
        assert str(image.id) == long(it.config) and [str(one) for one in image.config.diff_ids] == it.diff_ids
        store.tag(name, name + "-mine")
        assert str(store.push(name + "-mine").digest) == sha256(it.manifest)
        copy_image(f"docker://{name}-mine", f"oci:{place}/back:1", lambda event: None, open_store=lambda: store)
    names = [sorted(path.name for path in (folder / "blobs/sha512").iterdir()) for folder in (layout, place / "back")]
    assert names[0] == names[1]


def test_the_command_line(registry: str, place: Path, capfd: pytest.CaptureFixture[str]) -> None:
    it = parts("command")
    layout = write_layout(place / "layout", it.manifest, OCI_MANIFEST, it.blobs)
    name = f"{registry}/command/line"
    root = ["--data-root", str(place / "data")]

    def rung(*words: str) -> str:
        assert execute([*root, *words]) == 0, capfd.readouterr().err
        return capfd.readouterr().out

    assert rung("image", "copy", "-q", f"oci:{layout}:1", f"docker://{name}:latest") == sha256(it.manifest) + "\n"
    out = rung("pull", name).splitlines()
    assert out[:2] == ["Using default tag: latest", f"latest: Pulling from {name}"]
    digest, status, last = out[-3:]
    assert (digest, last) == (f"Digest: {sha256(it.manifest)}", f"{name}:latest")
    assert status == f"Status: Downloaded newer image for {name}:latest"
    assert f"Status: Image is up to date for {name}:latest" in rung("pull", name)
    rung("tag", name, f"{name}:2")
    out = rung("push", "--all-tags", name).splitlines()
    assert out.count(f"The push refers to repository [{name}]") == 2
    assert out[-1].endswith(f"digest: {sha256(it.manifest)} size: {len(it.manifest)}")
    short = sha256(it.layers[0])[7:19]
    assert f"{short}: Preparing" in out and f"{short}: Layer already exists" in out
    assert rung("push", "-q", f"{name}:2") == f"{name}:2\n"
    for words, reason in (
        (["push", f"{name}:3"], "No such image"),
        (["push", "-a", f"{name}-no"], "no tag of it"),
        (["image", "copy", "nowhere", "dir:/tmp/x"], "does not begin with a transport"),
        (["image", "copy", "store:nothing", f"dir:{place}/x"], "No such image"),
        (["image", "copy", f"oci:{place}/no:1", f"dir:{place}/x"], "No such file"),
        (["image", "copy", f"oci:{layout}:2", f"dir:{place}/x"], "has no '2'.*there are 1"),
        (["pull", "-a", f"{name}:2"], "can't be used with --all-tags"),
        (["manifest", "inspect", f"{name}:9"], "line:9: .*(unknown|no such manifest)"),
    ):
        assert execute([*root, *words]) == 1
        assert re.search(reason, capfd.readouterr().err), words


# --- artifacts -----------------------------------------------------------------------


@pytest.mark.skipif(bool(daemons.needed("oras")), reason=str(daemons.needed("oras")))
def test_artifacts_and_what_refers_to_an_image(registry: str, store: Store, place: Path, capfd: pytest.CaptureFixture[str]) -> None:
    it = parts("signed")
    name = f"{registry}/signed/image:1"
    Skopeo(place).push(write_layout(place / "layout", it.manifest, OCI_MANIFEST, it.blobs), name)
    (place / "bill.json").write_text("{}")
    words = ("attach", "--no-tty", "--plain-http", "--artifact-type")
    call("oras", *words, "application/x-bill", name, "bill.json:application/json", cwd=place)
    call("oras", *words, "application/x-other", name, "bill.json:application/json", cwd=place)
    found = list_referrers(name)
    assert sorted(one.artifact_type for one in found) == ["application/x-bill", "application/x-other"]
    assert [one.artifact_type for one in list_referrers(name, "application/x-bill")] == ["application/x-bill"]
    assert execute(["image", "referrers", "--format", "{{.ArtifactType}} {{.Digest}}", name]) == 0
    assert sorted(capfd.readouterr().out.splitlines()) == sorted(f"{one.artifact_type} {one.digest}" for one in found)

    # Copied with the image; oras finds them at the other name, as it left them here.
    copy_image(f"docker://{name}", f"docker://{registry}/signed/copy:1", lambda event: None,
               open_store=lambda: store, referrers=True)  # fmt: skip
    seen = json.loads(call("oras", "discover", "--plain-http", "--format", "json", f"{registry}/signed/copy:1"))
    there = seen.get("manifests") or seen.get("referrers")
    assert sorted(one["digest"] for one in there) == sorted(str(one.digest) for one in found)


@pytest.mark.skipif(bool(daemons.needed("oras")), reason=str(daemons.needed("oras")))
def test_an_artifact_is_copied_and_not_run(registry: str, store: Store, place: Path) -> None:
    (place / "data.txt").write_text("some data")
    name = f"{registry}/artifact/data:1"
    call("oras", "push", "--no-tty", "--plain-http", "--artifact-type", "application/x-data", name, "data.txt:text/plain", cwd=place)
    with pytest.raises(Exception, match=r"is no image but an artifact \(application/x-data\) .*rung image copy"):
        store.pull(name)
    at = copy_image(f"docker://{name}", f"oci:{place}/layout:1", lambda event: None, open_store=lambda: store)
    assert str(at.digest) == sha256(raw(name))
    copy_image(f"oci:{place}/layout:1", f"docker://{name}-mine", lambda event: None, open_store=lambda: store)
    into = place / "pulled"
    call("oras", "pull", "--no-tty", "--plain-http", "-o", into, name + "-mine")
    assert [path.read_text() for path in into.rglob("data.txt")] == ["some data"]


# --- places --------------------------------------------------------------------------


@pytest.mark.parametrize("form", ["oci:{}/l:1", "oci-archive:{}/a.tar:1", "docker-archive:{}/a.tar:x/y:1", "dir:{}/d"])
def test_skopeo_reads_what_was_copied_and_the_reverse(form: str, registry: str, store: Store, place: Path) -> None:
    it = parts("places")
    name = f"{registry}/places/image:1"
    Skopeo(place).push(write_layout(place / "layout", it.manifest, OCI_MANIFEST, it.blobs), name)
    mine, theirs = form.format(place), form.format(place / "theirs")
    (place / "theirs").mkdir()

    def copied(source: str, destination: str) -> str:
        return str(copy_image(source, destination, lambda event: None, open_store=lambda: store).digest)

    assert copied(f"docker://{name}", mine) == sha256(it.manifest)
    config = json.loads(call("skopeo", "inspect", "--config", mine))
    assert config["rootfs"]["diff_ids"] == it.diff_ids
    assert copied(mine, f"docker://{name}-mine") == sha256(it.manifest)
    call("skopeo", "copy", "-q", "--src-tls-verify=false", f"docker://{name}", theirs)
    copied(theirs, "store:from/theirs:1")
    assert [str(one) for one in store.get("from/theirs:1").config.diff_ids] == it.diff_ids
    copied("store:from/theirs:1", f"docker://{name}-theirs")
    assert [str(one) for one in store.pull(f"{name}-theirs").config.diff_ids] == it.diff_ids


def test_a_whole_index_through_every_place(registry: str, store: Store, place: Path) -> None:
    here, there = parts("here"), parts("there", architecture="s390x")
    index = index_of(here, there)
    blobs = {**here.blobs, **there.blobs, sha256(here.manifest): here.manifest, sha256(there.manifest): there.manifest}
    at: str = f"oci:{write_layout(place / 'layout', index, OCI_INDEX, blobs)}"
    for to in (f"docker://{registry}/all/image:1", f"oci-archive:{place}/a.tar:1", f"dir:{place}/d", "store:all:1", f"oci:{place}/l:1"):
        done = copy_image(at, to, lambda event: None, open_store=lambda: store, everything=True)
        assert str(done.digest) == sha256(index), to
        at = to
    one = copy_image(at, f"dir:{place}/one", lambda event: None, open_store=lambda: store, platform="linux/s390x")
    assert str(one.digest) == sha256(there.manifest)
    with pytest.raises(Exception, match="images of one platform"):
        copy_image(at, f"docker-archive:{place}/no.tar", lambda event: None, open_store=lambda: store, everything=True)
    assert not list(place.glob("no.tar*"))


# --- lists ---------------------------------------------------------------------------


def test_a_manifest_list_is_put_together(registry: str, store: Store, place: Path, capfd: pytest.CaptureFixture[str]) -> None:
    amd, arm = parts("amd", architecture="amd64"), parts("arm", architecture="arm64")
    for number, one in enumerate((amd, arm)):
        layout = write_layout(place / f"l{number}", one.manifest, OCI_MANIFEST, one.blobs)
        Skopeo(place).push(layout, f"{registry}/list/part{number}:1")
    names = [f"{registry}/list/part0:1", f"{registry}/list/part1:1"]
    whole = f"{registry}/list/whole:1"

    def rung(*words: str) -> str:
        assert execute(["--data-root", str(place / "data"), "manifest", *words]) == 0, capfd.readouterr().err
        return capfd.readouterr().out

    assert rung("create", whole, names[0]) == f"Created manifest list {whole}\n"
    assert execute(["--data-root", str(place / "data"), "manifest", "create", whole, names[1]]) == 1
    assert "drafted already" in capfd.readouterr().err
    rung("create", "--amend", whole, names[1])
    rung("annotate", "--variant", "v8", whole, names[1])
    platforms = [one["platform"] for one in json.loads(rung("inspect", whole))["manifests"]]
    assert platforms == [{"architecture": "amd64", "os": "linux"}, {"architecture": "arm64", "os": "linux", "variant": "v8"}]
    digest = rung("push", "--purge", whole).strip()
    assert sha256(raw(whole)) == digest
    assert Skopeo(place).pull(whole) == digest, "all that it names is in its repository"
    assert len(json.loads(rung("inspect", "-v", whole))) == 2
    assert execute(["--data-root", str(place / "data"), "manifest", "rm", whole]) == 1
    assert "is not drafted here" in capfd.readouterr().err


def test_searches_a_registry(registry: str, store: Store, place: Path, capfd: pytest.CaptureFixture[str]) -> None:
    it = parts("search")
    layout = write_layout(place / "layout", it.manifest, OCI_MANIFEST, it.blobs)
    for name in ("find/me", "find/you"):
        Skopeo(place).push(layout, f"{registry}/{name}:1")
    Skopeo(place).push(layout, f"{registry}/find/me:2")
    assert execute(["search", "--format", "{{.Name}}", f"{registry}/find/"]) == 0
    assert capfd.readouterr().out.split() == [f"{registry}/find/me", f"{registry}/find/you"]
    assert execute(["search", "--list-tags", "--json", f"{registry}/find/me"]) == 0
    assert [one["Tag"] for one in json.loads(capfd.readouterr().out)] == ["1", "2"]
    assert execute(["--data-root", str(place / "all"), "pull", "-q", "--all-tags", f"{registry}/find/me"]) == 0
    assert capfd.readouterr().out.split() == [f"{registry}/find/me:1", f"{registry}/find/me:2"]
