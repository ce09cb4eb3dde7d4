"""Devices by CDI names and GPUs, driven by docker: edits of specifications, and the errors that dockerd gives."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from . import daemons
from .test_rungd import IMAGE, Engine

pytestmark = pytest.mark.skipif(
    daemons.needed("docker", "nft") is not None, reason=str(daemons.needed("docker", "nft"))
)

VENDOR = """cdiVersion: 0.7.0
kind: vendor.com/thing
containerEdits:
  env:
    - VENDOR=here
  additionalGids: [77]
  hooks:
    - hookName: createRuntime
      path: /bin/sh
      args: [sh, -c, "cat > PLACE/hooked"]
devices:
  - name: first
    containerEdits:
      deviceNodes:
        - {path: /dev/thing0, hostPath: /dev/null, permissions: rw}
      mounts:
        - hostPath: PLACE
          containerPath: /usr/lib/vendor
          options: [ro, rbind]
"""


@pytest.fixture(scope="module")
def engine(rootfs: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    home = tmp_path_factory.mktemp("engine")
    archive = daemons.import_rootfs(rootfs, home / "rootfs.tar")
    with daemons.folder_of_its_own() as folder:
        made = Engine(folder, home, "--cdi-spec-dir", f"{folder}/cdi")
        (folder / "cdi").mkdir()
        try:
            made.call("import", str(archive), IMAGE).ok()
            yield made
        finally:
            made.close()


def test_a_device_of_a_specification(engine: Engine) -> None:
    """Written after the engine has started: it is read at each start of a container."""
    (engine.folder / "cdi/vendor.yaml").write_text(VENDOR.replace("PLACE", str(engine.folder / "cdi")))
    script = "echo $VENDOR; id -G; ls -l /dev/thing0 | cut -c1; echo x > /dev/thing0; ls /usr/lib/vendor; touch /usr/lib/vendor/x"
    seen = engine.run("--device", "vendor.com/thing=first", IMAGE, "sh", "-c", script)
    lines = seen.out.splitlines()
    assert lines[0] == "here" and "77" in lines[1].split() and lines[2] == "c"
    assert "vendor.yaml" in lines and "Read-only" in seen.err and "thing0" not in seen.err
    assert json.loads((engine.folder / "cdi/hooked").read_text())["ociVersion"], "the hook got the container's state"


def test_one_that_there_is_not(engine: Engine) -> None:
    refused = engine.run("--device", "vendor.com/thing=none", IMAGE, "true")
    assert refused.code == 125
    assert "CDI device injection failed: unresolvable CDI devices vendor.com/thing=none" in refused.err


def test_gpus(engine: Engine) -> None:
    refused = engine.run("--gpus", "all", IMAGE, "true")
    assert 'could not select device driver "" with capabilities: [[gpu]]' in refused.err
    gpus = [{"name": name, "containerEdits": {"env": [f"GPU_{name}=1"]}} for name in ("0", "1", "all")]
    path = engine.folder / "cdi/nvidia.json"
    path.write_text(json.dumps({"cdiVersion": "0.5.0", "kind": "nvidia.com/gpu", "devices": gpus}))
    try:
        assert "GPU_all=1" in engine.run("--gpus", "all", IMAGE, "env").ok().out
        one = engine.run("--gpus", "device=1", IMAGE, "env").ok().out
        assert "GPU_1=1" in one and "GPU_0" not in one
    finally:
        path.unlink()
