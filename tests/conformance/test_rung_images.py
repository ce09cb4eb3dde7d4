"""Image commands through an engine that is named: with its registries, at a terminal, and no store of this machine.

What docker's client and ``rung`` say to the same lines is in ``test_rung_command.py`` as well.
"""

from __future__ import annotations

import json
import os
import tarfile
from base64 import b64encode
from collections.abc import Iterator
from pathlib import Path

import pytest

from registries import HTPASSWD, PASSWORD, USER, docker_registry

from . import daemons, outcome
from .console import converse
from .test_rung_command import Client

needs = daemons.needed("docker", "nft", "docker-registry", "nsenter")
pytestmark = pytest.mark.skipif(needs is not None, reason=str(needs))
RUNG = str(daemons.PROGRAMS / "rung")
#: With a registry, of which REG is the address.
LINES = (
    "import DIR/files.tar REG/N:one",
    "tag REG/N:one REG/N:two",
    "push REG/N:one",
    "push -q REG/N:one",
    "push -a REG/N",
    "push REG/N",
    "push REG/N:three",
    "rmi REG/N:one REG/N:two",
    "pull REG/N:one",
    "pull REG/N:one",
    "pull -q REG/N:two",
    "pull REG/N",
    "images --digests REG/N",
    "run --rm --pull always --network none --entrypoint /no-such REG/N:one",
    "rmi REG/N:one REG/N:two",
)


@pytest.fixture(scope="module")
def engine(rootfs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    archive = daemons.import_rootfs(rootfs, tmp_path_factory.mktemp("image") / "rootfs.tar")
    with daemons.rungd() as folder:
        assert outcome.call([RUNG, "-H", address(folder), "import", archive, "busybox:test"], folder / "out").code == 0
        yield folder


def address(engine: Path) -> str:
    return f"unix://{engine}/run/rung.sock"


@pytest.fixture(scope="module")
def registry(engine: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """In the engine's network, for one user."""
    users = tmp_path_factory.mktemp("users") / "htpasswd"
    users.write_text(HTPASSWD)
    inside = ("nsenter", f"--net=/proc/{(engine / 'pid').read_text()}/ns/net")
    with docker_registry(inside, auth={"htpasswd": {"realm": "test", "path": str(users)}}) as host:
        yield host


@pytest.fixture
def login(registry: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """As ``docker login`` keeps one."""
    auth = b64encode(f"{USER}:{PASSWORD}".encode()).decode()
    (tmp_path / "config.json").write_text(json.dumps({"auths": {registry: {"auth": auth}}}))
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))


def client(program: str, engine: Path, registry: str, home: Path) -> Client:
    """Each has an image of its own: a registry says of a layer that it has it already."""
    made = Client(program, address(engine), home)
    made.words["REG"] = registry
    (home / "dir/own").write_text(made.words["N"])
    with tarfile.open(home / "dir/files.tar", "w") as archive:
        archive.add(home / "dir/own", "own")
    return made


@pytest.mark.usefixtures("login")
def test_both_push_and_pull_alike(engine: Path, registry: str, tmp_path: Path) -> None:
    clients = [client(program, engine, registry, tmp_path / Path(program).name) for program in ("docker", RUNG)]
    for line in LINES:
        (_, *wanted), (_, *got) = (one.says(line) for one in clients)
        assert got == wanted, line


def test_without_a_login_nothing_is_pushed(engine: Path, registry: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path))
    clients = [client(program, engine, registry, tmp_path / Path(program).name) for program in ("docker", RUNG)]
    for line in ("tag busybox:test REG/N:one", "push REG/N:one", "pull REG/N:none", "rmi REG/N:one"):
        (_, *wanted), (_, *got) = (one.says(line) for one in clients)
        assert got == wanted, line
        assert got[0] == (1 if line[:2] == "pu" else 0), line


@pytest.mark.usefixtures("login")
def test_a_terminal_gets_bars(engine: Path, registry: str, tmp_path: Path) -> None:
    one = client(RUNG, engine, registry, tmp_path / "rung")
    assert [one.says(line)[1] for line in ("import DIR/files.tar REG/N:one", "push REG/N:one", "rmi REG/N:one")] == [0, 0, 0]
    code, said = converse([*one.base, "pull", f"{registry}/{one.words['N']}:one"], [])
    assert (code, "Pull complete" in said, "\x1b[2K" in said) == (0, True, True)


def test_a_store_of_this_machine_is_not_touched(engine: Path, tmp_path: Path) -> None:
    """It has an image of the same name, which stays; what the engine gets does not come to it."""
    store, archive = tmp_path / "store", tmp_path / "image.tar"

    def rung(*words: str | Path, **env: str) -> outcome.Outcome:
        return outcome.call([RUNG, *words], tmp_path / "out", env={**os.environ, **env})

    through = ("--data-root", store, "-H", address(engine))
    assert rung(*through, "save", "-o", archive, "busybox:test").code == 0
    assert rung(*through, "images").code == 0
    assert not store.exists()
    assert rung("--data-root", store, "load", "-i", archive).code == 0
    before = rung("--data-root", store, "images", "--no-trunc", "--format", "{{.Repository}} {{.ID}}").out
    assert before.count("busybox") == 1
    for words in (["tag", "busybox:test", "local:1"], ["rmi", "local:1"], ["image", "prune", "-af"], ["load", "-i", archive]):
        assert rung(*through, *words).code == 0
    assert rung("--data-root", store, "images", "--no-trunc", "--format", "{{.Repository}} {{.ID}}").out == before
    named = {"DOCKER_HOST": address(engine)}
    assert rung("tag", "busybox:test", "over-environment:1", **named).code == 0
    assert "over-environment" in rung("images", **named).out
    assert rung("--data-root", store, "images", "--no-trunc", "--format", "{{.Repository}} {{.ID}}", **named).out == before, "a store that is named goes first"
    refused = rung("image", "explore", "busybox:test", **named)
    assert (refused.code, "unset DOCKER_HOST" in refused.err) == (125, True)
