"""Docker's Engine API, request by request: Rung's engine answers what Docker's daemon answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from . import daemons
from .api.container_table import CREATION, NAMES
from .api.image_table import IMAGES, NETWORKS, VOLUMES
from .api.life_table import EXEC, FILES, LIFE
from .api.play import play
from .api.step import IMAGE, Step
from .api.system_table import SYSTEM
from .api.wire import ask
from .bed import difference

SCENARIOS: dict[str, list[Step]] = {
    **SYSTEM,
    **NAMES,
    **CREATION,
    **LIFE,
    **EXEC,
    **FILES,
    **IMAGES,
    **NETWORKS,
    **VOLUMES,
}

pytestmark = pytest.mark.skipif(
    daemons.needed("dockerd", "docker", "containerd", "runc") is not None,
    reason=str(daemons.needed("dockerd", "docker", "containerd", "runc")),
)


@pytest.fixture(scope="module")
def places(rootfs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Path]]:
    """Both daemons' sockets; both have the image and nothing else."""
    archive = daemons.import_rootfs(rootfs, tmp_path_factory.mktemp("image") / "rootfs.tar").read_bytes()
    with daemons.dockerd({}, network=True) as theirs, daemons.rungd() as ours:
        found = theirs / "docker.sock", ours / "run/rung.sock"
        for place in found:
            repository, _, tag = IMAGE.partition(":")
            target = f"/images/create?fromSrc=-&repo={repository}&tag={tag}"
            made = ask(place, "POST", target, archive, {"Content-Type": "application/x-tar"})
            assert made.status == 200 and b"error" not in made.body, made.body
        yield found


@pytest.mark.parametrize("name", SCENARIOS)
def test_scenario(places: tuple[Path, Path], name: str) -> None:
    number = f"s{list(SCENARIOS).index(name)}"
    wanted, got = (play(place, number, SCENARIOS[name]) for place in places)
    if got != wanted:
        pytest.fail(difference(wanted, got), pytrace=False)
