"""The Python library and a real engine: Rung's own, in a network of its own."""

from __future__ import annotations

import asyncio
import io
import os
import subprocess
import sys
import tarfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from rung.client import (
    AsyncClient,
    Client,
    Conflict,
    ContainerFailed,
    ExecFailed,
    NotFound,
    TooLarge,
    TransferFailed,
    Unreachable,
    sandbox,
)

from . import daemons
from .bed import new_id, until

IMAGE = "busybox:test"

pytestmark = pytest.mark.skipif(
    daemons.needed("docker", "nft") is not None, reason=str(daemons.needed("docker", "nft"))
)


@pytest.fixture(scope="module")
def address(rootfs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    archive = daemons.import_rootfs(rootfs, tmp_path_factory.mktemp("client") / "rootfs.tar")
    with daemons.rungd() as folder:
        path = f"unix://{folder}/run/rung.sock"
        with Client(path) as client, archive.open("rb") as file:
            assert client.images.import_image(file, "busybox", "test").tags == [IMAGE]
        yield path


@pytest.fixture
def client(address: str) -> Iterator[Client]:
    with Client(address) as made:
        yield made
        for container in made.containers.list(all=True):
            container.remove(force=True, v=True)


def test_it_knows_the_engine(client: Client) -> None:
    assert client.ping()
    assert client.version()["ApiVersion"] == "1.47"
    assert client.info()["Containers"] == 0
    assert [each["RepoTags"] for each in client.df()["Images"]] == [[IMAGE]]


def test_nobody_is_there(tmp_path: Path) -> None:
    with pytest.raises(Unreachable, match=r"connect to .*/no\.sock: no such file or directory \(is rungd running\?\)"):
        Client(f"unix://{tmp_path}/no.sock").ping()


def test_run_to_the_end(client: Client) -> None:
    script = "echo out; echo err >&2"
    assert client.containers.run(IMAGE, ["sh", "-c", script], remove=True) == b"out\n"
    assert client.containers.run(IMAGE, ["sh", "-c", script], remove=True, stdout=False, stderr=True) == b"err\n"
    with pytest.raises(ContainerFailed, match="exit status 7: no luck") as caught:
        client.containers.run(IMAGE, ["sh", "-c", "echo no luck >&2; exit 7"], remove=True, network="none")
    assert caught.value.exit_status == 7
    assert client.containers.list(all=True) == []


def test_a_containers_life(client: Client) -> None:
    name = new_id()
    more = {"environment": {"A": "1"}, "labels": {"who": "test"}}
    container = client.containers.run(IMAGE, "sleep 1000", detach=True, name=name, mem_limit="64m", **more)
    assert (container.name, container.status, container.image) == (name, "running", IMAGE)
    assert container.labels["who"] == "test"
    assert container.attrs["HostConfig"]["Memory"] == 64 << 20
    assert client.containers.list(filters={"label": "who=test"}) == [container]
    assert client.containers.get(name) == container
    container.pause()
    container.reload()
    assert container.status == "paused"
    container.unpause()
    container.update(mem_limit="128m", memswap_limit="128m")
    container.rename(f"{name}-b")
    container.reload()
    assert (container.name, container.attrs["HostConfig"]["Memory"]) == (f"{name}-b", 128 << 20)
    assert container.top()["Processes"][0][-1].split()[-2:] == ["sleep", "1000"]
    assert container.stats()["memory_stats"]["limit"] == 128 << 20
    with container.stats(stream=True) as stats:
        assert next(stats)["id"] == container.id
    with pytest.raises(Conflict):
        container.remove()
    container.restart(timeout=0)
    container.stop(timeout=0)
    assert container.wait() == {"StatusCode": 137}
    container.reload()
    assert (container.status, container.exit_code) == ("exited", 137)
    container.start()
    container.kill("SIGKILL")
    container.wait()
    container.remove()
    assert not container.exists()
    with pytest.raises(NotFound, match=f"No such container: {name}-b"):
        client.containers.get(f"{name}-b")


def test_output(client: Client) -> None:
    container = client.containers.create(IMAGE, ["sh", "-c", "echo ready; read line; echo got $line; echo bad >&2"], stdin_open=True)
    with container.attach(stdin=True) as streams:
        container.start()
        assert streams.receive(time.monotonic() + 60) == (1, b"ready\n")
        with container.logs(stream=True, follow=True) as following:
            assert next(following) == b"ready\n"
            streams.send(b"hello\n")
            assert sorted(streams) == [(1, b"got hello\n"), (2, b"bad\n")]
            assert sorted(b"".join(following).splitlines()) == [b"bad", b"got hello"]
    assert container.logs(stderr=False) == b"ready\ngot hello\n"
    assert len(container.logs(tail=1).splitlines()) == 1
    with_terminal = client.containers.create(IMAGE, ["echo", "hi"], tty=True)
    with_terminal.start()
    with_terminal.wait()
    assert with_terminal.logs() == b"hi\r\n"


def test_exec(client: Client) -> None:
    container = client.containers.run(IMAGE, "sleep 1000", detach=True)
    assert container.exec_run("echo hello") == (0, b"hello\n")
    split = container.exec_run(["sh", "-c", "echo $A; pwd >&2; exit 3"], demux=True, environment={"A": "b"}, workdir="/tmp")
    assert split == (3, (b"b\n", b"/tmp\n"))
    with container.exec_open("cat", stdin=True) as run:
        run.output.send(b"x" * 300_000)
        run.output.end_input()
        assert sum(len(data) for _, data in run.output) == 300_000
        assert run.exit_code() == 0


def test_files(client: Client, tmp_path: Path) -> None:
    container = client.containers.create(IMAGE, "true")
    made = tmp_path / "in.tar"
    with tarfile.open(made, "w") as archive:
        entry = tarfile.TarInfo("in.txt")
        entry.size = 5
        archive.addfile(entry, io.BytesIO(b"hello"))
    with made.open("rb") as file:
        assert container.put_archive("/tmp", file)
    pieces, stat = container.get_archive("/tmp/in.txt")
    with tarfile.open(fileobj=io.BytesIO(pieces.read())) as archive:
        assert archive.extractfile("in.txt").read() == b"hello"  # type: ignore[union-attr]
    assert (stat["name"], stat["size"]) == ("in.txt", 5)
    assert {"Path": "/tmp/in.txt", "Kind": 1} in container.diff()
    with tarfile.open(fileobj=io.BytesIO(container.export().read())) as archive:
        assert "tmp/in.txt" in archive.getnames()
    with pytest.raises(NotFound, match="Could not find the file /nowhere"):
        container.put_archive("/nowhere", b"x" * 5_000_000)
    repository = new_id()
    container.commit(repository, "one", message="with a file", changes=['CMD ["cat", "/tmp/in.txt"]'])
    assert client.containers.run(f"{repository}:one", remove=True) == b"hello"
    client.images.remove(f"{repository}:one")


def test_images(client: Client) -> None:
    image = client.images.get(IMAGE)
    assert image.id.startswith("sha256:")
    assert IMAGE in client.images.list("busybox")[0].tags
    name = new_id()
    image.tag(name, "two")
    assert client.images.get(f"{name}:two") == image
    saved = client.images.get(f"{name}:two").save().read()
    both = client.images.save(IMAGE, f"{name}:two").read()
    client.images.remove(f"{name}:two")
    with pytest.raises(NotFound, match="No such image"):
        client.images.get(f"{name}:two")
    assert client.images.load(both) == [image, image]
    assert client.images.load(iter([saved]))[0] == image
    client.images.remove(f"{name}:two")
    assert image.history()[0]["Id"] == image.id
    with pytest.raises(TransferFailed, match="pull localhost:1/none:latest: "):
        client.images.pull("localhost:1/none")
    with pytest.raises(TransferFailed, match="archive is cut off"):
        client.images.load(b"no archive")


def test_networks_and_volumes(client: Client) -> None:
    network = client.networks.create(new_id(), internal=True, labels={"a": "b"})
    volume = client.volumes.create(new_id())
    try:
        assert network.name in [each.name for each in client.networks.list({"label": "a=b"})]
        container = client.containers.run(
            IMAGE, "sleep 1000", detach=True, volumes={volume.name: {"bind": "/data", "mode": "rw"}}
        )
        network.connect(container, aliases=["other"])
        container.reload()
        assert network.name in container.attrs["NetworkSettings"]["Networks"]
        network.disconnect(container)
        container.exec_run(["sh", "-c", "echo kept > /data/x"])
        again = client.containers.run(IMAGE, "cat /data/x", volumes=[f"{volume.name}:/data:ro"], remove=True)
        assert again == b"kept\n"
        assert [each.name for each in client.volumes.list()] == [volume.name]
        container.remove(force=True)
    finally:
        network.remove()
        volume.remove()
    with pytest.raises(NotFound):
        client.volumes.get(volume.name)
    with pytest.raises(NotFound):
        network.reload()


def test_events(client: Client) -> None:
    with client.events(filters={"type": "container", "event": ["create", "die"]}) as events:
        client.containers.run(IMAGE, "true", labels={"seen": "yes"}, network="none")
        found = [next(events) for _ in range(2)]
    assert [each["Action"] for each in found] == ["create", "die"]
    assert found[0]["Actor"]["Attributes"]["seen"] == "yes"


def test_two_at_once(address: str) -> None:
    async def run(client: AsyncClient, word: str) -> bytes:
        return await client.containers.run(IMAGE, ["echo", word], network="none", remove=True)

    async def both() -> list[bytes]:
        async with AsyncClient(address) as client:
            return await asyncio.gather(run(client, "a"), run(client, "b"))

    assert asyncio.run(both()) == [b"a\n", b"b\n"]


def test_a_sandbox(client: Client) -> None:
    with client.sandbox(IMAGE, memory="64m", output_limit=1000) as box:
        result = box.exec(["sh", "-c", "echo out; echo err >&2; exit 3"])
        assert (result.exit_code, result.stdout, result.stderr, result.timed_out) == (3, "out\n", "err\n", False)
        assert 0 < result.duration_s < 60
        with pytest.raises(ExecFailed, match="exec sh -c exit 9: exit status 9"):
            box.exec(["sh", "-c", "exit 9"], check=True)
        assert box.exec("cat", input="given").stdout == "given"
        assert box.exec("wc -c", input=b"x" * 3_000_000).stdout == "3000000\n"
        assert box.exec("cat", input=b"x" * 3_000_000).truncated, "input and output at once"
        loud = box.exec(["sh", "-c", "yes | head -c 100000"])
        assert (len(loud.stdout), loud.truncated, loud.exit_code) == (1000, True, 0)
        assert [line for line in box.exec("ip -o link").stdout.splitlines() if ": lo:" not in line] == []
        box.files.write("/tmp/hello.txt", "hello", mode=0o600)
        assert box.exec("cat /tmp/hello.txt", check=True).stdout == "hello"
        assert box.files.read("/tmp/hello.txt") == b"hello"
        assert [(each.name, each.kind, each.size_bytes) for each in box.files.list("/tmp")] == [("hello.txt", "file", 5)]
        with pytest.raises(TooLarge, match=r"read /tmp/hello\.txt: more than 3 bytes"):
            box.files.read("/tmp/hello.txt", limit=3)
        with pytest.raises(NotFound):
            box.files.read("/tmp/none")
        container = box.container
    assert not container.exists()


def test_a_sandbox_and_time(client: Client) -> None:
    with client.sandbox(IMAGE, timeout=1) as box:
        result = box.exec(["sh", "-c", "echo before; (sleep 1000 &) ; sleep 1000"], timeout=8)
        assert (result.timed_out, result.exit_code, result.stdout) == (True, None, "before\n")
        until(lambda: "sleep" not in box.exec("ps", timeout=60).stdout, "nothing of it is left")
        with pytest.raises(ExecFailed, match="ran out of time"):
            box.exec("sleep 1000", check=True)
        assert box.exec("sleep 1000", input=b"x" * 3_000_000).timed_out, "what nobody reads holds nobody up"


def test_a_sandbox_in_async(address: str) -> None:
    async def boxed() -> str:
        async with sandbox(IMAGE, base_url=address, memory="64m", network="none", timeout=60) as box:
            await box.files.write("/tmp/x", b"\x00\x01")
            assert await box.files.read("/tmp/x") == b"\x00\x01"
            return (await box.exec(["echo", "hello"], check=True)).stdout

    assert asyncio.run(boxed()) == "hello\n"


def test_fixtures(client: Client, address: str, tmp_path: Path) -> None:
    theirs = f"""
def test_it(rung_container, rung_network):
    box = rung_container({IMAGE!r}, "sleep 1000", network=rung_network.name)
    assert box.exec_run("echo hello") == (0, b"hello\\n")
"""
    (tmp_path / "test_theirs.py").write_text(theirs)
    words = [sys.executable, "-m", "pytest", "-W", "error", "-p", "no:cacheprovider", "--rootdir", tmp_path, tmp_path]
    env = {**os.environ, "RUNG_HOST": address, "PYTEST_ADDOPTS": ""}
    run = subprocess.run(words, capture_output=True, text=True, timeout=120, cwd=tmp_path, env=env)
    assert run.returncode == 0, run.stdout + run.stderr
    assert client.containers.list(all=True) == []
    assert [each.name for each in client.networks.list({"type": "custom"})] == []


def test_who_dies_leaves_no_sandbox(client: Client, address: str) -> None:
    code = f"""
import os, rung
box = rung.Client({address!r}).sandbox({IMAGE!r}).__enter__()
box.exec(["echo", "up"], check=True)
print(box.container.id, flush=True)
os.kill(os.getpid(), 9)
"""
    died = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120)
    assert died.returncode == -9, died.stderr
    container_id = died.stdout.strip()
    assert len(container_id) == 64
    until(lambda: container_id not in [each.id for each in client.containers.list(all=True)], "it is removed")
