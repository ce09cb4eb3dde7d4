"""``rung images, history, rmi ...`` print and answer what docker's do, from the same archives.

A scenario is a script: each command is given to docker and to Rung, and what they print, on
both streams, and their statuses are compared. The images are made here with fixed times, so
their IDs are the same on both sides.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from imageparts import archive, directory, entry

from . import daemons

pytestmark = pytest.mark.skipif(
    daemons.needed("dockerd", "docker", "containerd") is not None,
    reason=str(daemons.needed("dockerd", "docker", "containerd")),
)
BASE = archive(directory("bin"), entry("bin/x", b"x" * 1_234_567))
TOP = archive(entry("etc/y", b"y" * 999))
OTHER = archive(entry("z", b"z" * 12))
LONG = "/bin/sh -c #(nop) ADD file:0123456789abcdef in / with a long tail that nobody wants to read"
Run = Callable[..., tuple[str, str, int]]


def image(*layers: bytes, created: str, tags: list[str], labels: dict[str, str] | None = None, **more: Any) -> bytes:
    """An archive as ``docker save`` wrote it before 25: ``manifest.json``, configuration, layers."""
    history = [{"created": created, "created_by": LONG} for _ in layers]
    history.append({"created": created, "created_by": "CMD [\"x\"]", "comment": "the end", "empty_layer": True})
    config = {
        "architecture": "amd64",
        "os": "linux",
        "created": created,
        "config": {"Env": ["A=1", "B=<2>"], "Cmd": ["x"], "Labels": labels, "ExposedPorts": {"80/tcp": {}}},
        "rootfs": {"type": "layers", "diff_ids": ["sha256:" + hashlib.sha256(one).hexdigest() for one in layers]},
        "history": history,
        **more,
    }
    data = json.dumps(config).encode()
    name = hashlib.sha256(data).hexdigest() + ".json"
    paths = [f"{hashlib.sha256(one).hexdigest()}/layer.tar" for one in layers]
    manifest = [{"Config": name, "RepoTags": tags, "Layers": paths}]
    return archive(
        entry(name, data),
        *(entry(path, one) for path, one in zip(paths, layers)),
        entry("manifest.json", json.dumps(manifest).encode()),
    )


ARCHIVES = {
    "old": image(BASE, created="2023-01-02T03:04:05Z", tags=["app:1", "app:old"], labels={"kind": "old", "a": "b"}),
    "new": image(BASE, TOP, created="2024-05-06T07:08:09.123456789Z", tags=["app:2", "host.example:5000/team/app:2"]),
    "moved": image(OTHER, created="2024-07-01T00:00:00Z", tags=["app:1"], labels={"kind": "new"}, author="somebody"),
    "bare": image(OTHER, TOP, created="2022-07-01T00:00:00Z", tags=[]),
}


@pytest.fixture(scope="module")
def files() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="rung-archives-", dir="/dev/shm"))
    for name, data in ARCHIVES.items():
        (folder / name).write_bytes(data)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def docker_host() -> Iterator[str]:
    with daemons.dockerd({}) as folder:
        yield f"unix://{folder}/docker.sock"


def program(words: list[str], cwd: Path) -> Run:
    environment = {**os.environ, "TZ": "UTC"}

    def run(*more: str, input: str = "") -> tuple[str, str, int]:
        done = subprocess.run(
            [*words, *more], input=input, capture_output=True, text=True, timeout=60, cwd=cwd, env=environment
        )
        return done.stdout, done.stderr, done.returncode

    return run


@pytest.fixture
def both(docker_host: str, files: Path) -> Iterator[Callable[..., None]]:
    """Runs a command on both and compares; ``{old}`` in it is an archive's path or an image's ID."""
    data = Path(tempfile.mkdtemp(prefix="rung-images-", dir="/dev/shm"))
    docker = program(["docker", "--host", docker_host], files)
    rung = program([sys.executable, "-m", "rung.cli", "--data-root", str(data)], files)

    wrong: list[str] = []

    def compare(line: str, *more: str, input: str = "", shape: Callable[[str], Any] = str) -> None:
        words = [*line.split(), *more]
        wanted, found = docker(*words, input=input), rung(*words, input=input)
        one, other = (shape(wanted[0]), told(wanted[1]), wanted[2]), (shape(found[0]), told(found[1]), found[2])
        if one != other:
            wrong.append(f"{' '.join(words)}\n  docker: {one}\n  rung:   {other}")

    yield compare
    docker("image", "prune", "-af")
    assert docker("images", "-qa")[0] == ""
    shutil.rmtree(data)
    assert not wrong, "\n".join(wrong)


def told(text: str) -> str:
    """What is said on stderr, without who says it."""
    text = text.replace("Error response from daemon: ", "").replace("rung: ", "").replace("docker", "rung")
    return re.sub(r"\n\nUsage:.*", "\n", text, flags=re.S)


def lines(text: str) -> list[str]:
    """Lines in any order, for what docker has no order in."""
    return sorted(text.splitlines())


def loaded(text: str) -> list[str]:
    """What was loaded, without the bars."""
    return sorted(line for line in text.splitlines() if line.startswith("Loaded"))


FORMATS = [
    "json",
    "{{json .}}",
    "{{.Repository}}:{{.Tag}}",
    "{{.ID}} {{.Size}} {{.Containers}} {{.CreatedAt}}",
    "table {{.ID}}\\t{{.Repository}}\\t{{.Size}}",
    "table {{.CreatedAt}}\\t{{.VirtualSize}}",
    "{{upper .Repository}} {{json .Tag}} {{len .ID}}",
    "{{if eq .Tag \"2\"}}two{{else}}other{{end}}",
    "{{range $i, $e := split .Repository \"p\"}}[{{$i}}={{$e}}]{{end}}",
    "{{printf \"%-10s|%5s|%q\" .Repository .Tag .Size}}",
    "{{.Tag | printf \"%s-%s\" .ID | title}}",
    "{{- .Tag -}} x {{/* no */}} {{`raw`}}",
    "{{truncate .ID 4}} {{pad .Tag 1 2}}| {{slice .ID 0 3}} {{index .ID 0}}",
]


def test_lists(both: Callable[..., None]) -> None:
    both("images")
    both("load -qi old", shape=loaded)
    both("load -qi new", shape=loaded)
    for line in ("images", "image ls", "images -a", "images --no-trunc", "images --digests", "images -q", "images -q --no-trunc"):
        both(line, shape=lines)
    for format in FORMATS:
        both("images --format", format, shape=lines)
    for name in ("app", "app:2", "team/app", "host.example:5000/team/app", "*app*", "a??", "[a-c]pp:*", "nothing", "x/*", "*/team/*"):
        both("images", name, shape=lines)
    for condition in (
        "reference=app:1", "reference=*/*/*", "label=kind", "label=kind=old", "label=kind=new", "before=app:2", "since=app:1",
        "dangling=true", "dangling=false", "until=2024-01-01", "until=1h", "label=a=b",
    ):  # fmt: skip
        both("images --filter", condition, shape=lines)
    both("images --filter label=kind --filter label=a=c")
    both("image ls -f reference=app:1 -f reference=app:2 -q --format", "table {{.ID}}", shape=lines)


def test_histories_and_inspection(both: Callable[..., None]) -> None:
    both("load -qi new", shape=loaded)
    both("load -qi old", shape=loaded)
    for line in ("history app:2", "history --no-trunc app:2", "history -q app:2", "history -H=false app:1", "history -q --no-trunc app:1"):
        both(line)
    for format in ("json", "{{.ID}}: {{.CreatedBy}} {{.Comment}}", "table {{.Size}}\\t{{.CreatedAt}}", "{{.CreatedSince}}"):
        both("history --format", format, "app:2")
    for format in (
        "{{.Id}}", "{{.Config.Env}}", "{{json .Config}}", "{{json .RootFS}}", "{{.Os}}/{{.Architecture}}", "{{.Size}}", "{{.RepoDigests}}",
        "{{range .Config.Env}}{{println .}}{{end}}", "{{index .Config.Env 1}}", "{{len .RootFS.Layers}}", "{{.Created}} {{.Comment}} {{.Author}}",
        "{{with .Config}}{{join .Cmd \"+\"}}{{end}}", "{{index .Config.Labels \"kind\"}}", "{{.Parent}}|{{.DockerVersion}}", "{{json .Config.ExposedPorts}}",
    ):  # fmt: skip
        both("image inspect --format", format, "app:1", "app:2")
    both("image inspect --format", "{{json .RepoTags}}", "app:2", shape=lambda text: sorted(json.loads(text)))

    def plain(text: str) -> Any:
        found = json.loads(text)
        for one in found:
            for name in ("GraphDriver", "Metadata", "Descriptor"):
                one.pop(name, None)
            one["RepoTags"] = sorted(one["RepoTags"])
        return found

    both("image inspect app:1 host.example:5000/team/app:2", shape=plain)
    both("image inspect app:1 missing", shape=plain)


def test_removal(both: Callable[..., None], files: Path) -> None:
    ids = {name: config_id(ARCHIVES[name]) for name in ARCHIVES}
    both("load -qi old", shape=loaded)
    both("load -qi new", shape=loaded)
    both("rmi app:old")
    both(f"rmi {ids['new'][:12]}")
    both("tag app:1 other:1")
    both(f"image rm {ids['old']}")
    both("rmi other:1 missing app:2")
    both("images", shape=lines)
    both(f"rmi {ids['old'][:6]}")
    both("tag host.example:5000/team/app:2 x")
    both("tag x y:z")
    both(f"rmi -f {ids['new']}", shape=lines)
    both("images")
    both("rmi -f missing")
    both("rmi -f missing Nothing")


def test_names_that_move(both: Callable[..., None]) -> None:
    old = config_id(ARCHIVES["old"])
    both("load -qi old", shape=loaded)
    both("rmi app:old")
    both("load -qi moved", shape=moved)
    for line in ("images", "images -a", "images --digests", "images -q", "images --format json"):
        both(line, shape=lines)
    for condition in ("dangling=true", "dangling=false", "reference=*", "since=app:1"):
        both("images --filter", condition)
    both(f"tag {old} named:again")
    both("images", shape=lines)
    both("tag app:1 named:again")
    both("images", shape=lines)
    both(f"rmi {old[:9]}")
    both("load -qi bare", shape=lambda text: text.strip())
    both("images", shape=lines)
    both("image prune", input="n\n")
    both("image prune --force")
    both("images", shape=lines)


def test_pruning(both: Callable[..., None]) -> None:
    for name in ("old", "new", "moved"):
        both(f"load -qi {name}", shape=moved)
    both("image prune --filter label=kind=old -f")
    both("image prune -a --filter label!=kind -f", shape=lines)
    both("image prune -a --filter until=2023-06-01 -f", shape=lines)
    both("images")
    both("image prune -a", input="y\n")
    both("image prune -a --filter name=x -f")
    both("images")


def test_importing(both: Callable[..., None], files: Path) -> None:
    (files / "rootfs.tar").write_bytes(BASE)
    changes = [
        'CMD ["/bin/x", "y"]', "ENTRYPOINT run it", "ENV A=1 B=2", "EXPOSE 80 53/udp", "VOLUME /a", "WORKDIR /w", "USER 5", "STOPSIGNAL SIGINT",
        "LABEL x=y z=1", "ONBUILD RUN x", "HEALTHCHECK --interval=5s --retries=2 CMD true || false", 'CMD ["a"',
    ]  # fmt: skip
    for at, given in enumerate((changes[:-1], changes[-1:])):
        both("import", *(word for change in given for word in ("-c", change)), "rootfs.tar", f"made:{at}", shape=len)
        both("image inspect --format", "{{json .Config}}", f"made:{at}")
    both("import --platform linux/arm64 -m hello rootfs.tar other:1", shape=len)
    both("image inspect --format", "{{.Os}}/{{.Architecture}} {{.Comment}} {{.Size}}", "other:1")
    both("history --format", "{{.CreatedBy}}|{{.Comment}}|{{.Size}}", "other:1")
    both("import rootfs.tar", shape=len)
    both("images --format", "{{.Repository}}:{{.Tag}} {{.Size}}", shape=lines)
    for change in ("RUN x", "FOO x", "ENV"):
        both("import -c", change, "rootfs.tar")
    both("import rootfs.tar Upper")


def moved(text: str) -> list[str]:
    return sorted(text.replace("The image app:1 already exists, renaming the old one with ID", "").splitlines()[-1:])


def config_id(data: bytes) -> str:
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return next(name.removesuffix(".json") for name in tar.getnames() if re.fullmatch(r"[0-9a-f]{64}\.json", name))


@pytest.mark.parametrize(
    "line",
    [
        "images --foo", "images -z", "images --format", "images a b", "images --no-trunc=maybe", "images --filter foo", "images --filter foo=bar",
        "images --format {{.ID", "images --format {{foo}}", "images --filter dangling=perhaps", "images --filter since=missing",
        "rmi", "rmi missing", "rmi missing:1", "rmi aaaaaaaaaaaa", "image rm --foo", "rmi Missing",
        "tag a", "tag missing x", "tag missing x@sha256:" + "0" * 64, "history", "history missing", "history a b", "history -x",
        "image inspect", "image inspect missing", "image inspect --format {{.Id}} missing", "image prune x", "image prune --filter x",
        "load x", "load -i /nonexistent/x", "import /nonexistent/x", "save", "save missing", "save -o /nonexistent/x missing", "pull",
    ],
)  # fmt: skip
def test_errors(both: Callable[..., None], line: str) -> None:
    both(line)
